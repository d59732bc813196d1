package template

import (
	"strings"
	"unicode"

	"github.com/offloadhq/offload/internal/cfn"
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
func (b *builder) readOutputs(section *cfn.Value) {
	names := make(map[string]string)
	for _, e := range cfn.SectionEntries(b.Report, section, "Outputs") {
		path := "Outputs." + e.Key
		if e.Value.Kind != cfn.Map || strings.HasPrefix(e.Key, "Fn::") {
			b.Warn(e.Line, path, "left out: an output is a map with a Value")
			continue
		}
		if c := e.Value.Get("Condition"); c.Kind == cfn.Text {
			when, why := b.Named(c.Text, c.Line, path+".Condition")
			if when == cfn.Maybe && why.Why != "" {
				b.Warn(e.Line, path, "left out: %s", why.Why)
			}
			if when != cfn.Yes {
				continue
			}
		}
		v := b.Eval(e.Value.Get("Value"), path+".Value")
		switch {
		case v.Kind == cfn.Unknown && v.Why != "":
			b.Warn(e.Line, path, "left out: %s", v.Why)
		case v.Kind == cfn.Unknown:
		case !v.Scalar():
			b.Fail(e.Line, path+".Value", "must be a string, not %s", v.Kind)
		default:
			o := Output{Name: e.Key, EnvName: EnvName(e.Key), Value: v.Text, Line: e.Line}
			if first, taken := names[o.EnvName]; taken {
				b.Warn(e.Line, path, "left out: %s is the variable of output %s already", o.EnvName, first)
				continue
			}
			names[o.EnvName] = o.Name
			b.template.Outputs = append(b.template.Outputs, o)
		}
	}
}
