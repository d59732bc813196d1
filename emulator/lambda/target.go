package lambda

import "strings"

// target is what a FunctionName of the API names.
type target struct {
	name, qualifier string
	region, account string // "" if not said
}

// parseTarget reads the forms that Invoke takes: name, partial ARN (ACCOUNT:function:NAME), full ARN, each with or
// without :QUALIFIER at its end. (AWS Lambda API Reference, "Invoke", FunctionName.)
func parseTarget(s string) (target, bool) {
	var t target
	parts := strings.Split(s, ":")
	if parts[0] == "arn" {
		if len(parts) < 5 || parts[2] != "lambda" {
			return target{}, false
		}
		t.region = parts[3]
		parts = parts[4:]
	}
	if len(parts) >= 2 && parts[1] == "function" && accountPattern.MatchString(parts[0]) {
		t.account = parts[0]
		parts = parts[2:]
	} else if t.region != "" {
		return target{}, false
	}
	switch len(parts) {
	case 1:
		t.name = parts[0]
	case 2:
		t.name, t.qualifier = parts[0], parts[1]
		if t.qualifier == "" {
			return target{}, false
		}
	default:
		return target{}, false
	}
	return t, namePattern.MatchString(t.name)
}
