package template

import (
	"strings"
	"unicode"
)

// EnvName gives the environment variable of an output: OFFLOAD_ and the words of its name, in capitals, with underscores
// between them. FooBar is OFFLOAD_FOO_BAR. Capitals in a row are one word, so QueueURL is OFFLOAD_QUEUE_URL and DLQArn
// is OFFLOAD_DLQ_ARN; the s of a plural (QueueURLs) belongs to them.
func EnvName(output string) string {
	name := []rune(output)
	at := func(i int) rune {
		if i < 0 || i >= len(name) {
			return 0
		}
		return name[i]
	}
	var b strings.Builder
	b.WriteString("OFFLOAD_")
	for i, c := range name {
		if i > 0 && unicode.IsUpper(c) {
			plural := at(i+1) == 's' && !unicode.IsLower(at(i+2))
			before := at(i - 1)
			if unicode.IsLower(before) || unicode.IsDigit(before) || unicode.IsUpper(before) && unicode.IsLower(at(i+1)) && !plural {
				b.WriteByte('_')
			}
		}
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' {
			b.WriteRune(unicode.ToUpper(c))
		} else {
			b.WriteByte('_')
		}
	}
	return b.String()
}

// readOutputs reads the outputs that can be computed.
func (b *builder) readOutputs(section *value) {
	names := make(map[string]string)
	for _, e := range sectionEntries(b.report, section, "Outputs") {
		path := "Outputs." + e.key
		if e.value.kind != mapping || strings.HasPrefix(e.key, "Fn::") {
			b.warn(e.line, path, "left out: an output is a map with a Value")
			continue
		}
		if c := e.value.get("Condition"); c.kind == text {
			when, why := b.named(c.text, c.line, path+".Condition")
			if when == maybe && why.why != "" {
				b.warn(e.line, path, "left out: %s", why.why)
			}
			if when != yes {
				continue
			}
		}
		v := b.eval(e.value.get("Value"), path+".Value")
		switch {
		case v.kind == unknown && v.why != "":
			b.warn(e.line, path, "left out: %s", v.why)
		case v.kind == unknown:
		case !v.scalar():
			b.fail(e.line, path+".Value", "must be a string, not %s", v.kind)
		default:
			o := Output{Name: e.key, EnvName: EnvName(e.key), Value: v.text, Line: e.line}
			if first, taken := names[o.EnvName]; taken {
				b.warn(e.line, path, "left out: %s is the variable of output %s already", o.EnvName, first)
				continue
			}
			names[o.EnvName] = o.Name
			b.template.Outputs = append(b.template.Outputs, o)
		}
	}
}
