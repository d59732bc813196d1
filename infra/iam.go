package infra

import (
	"slices"
	"strings"
)

// allows says whether statements allow an action on a resource. A statement with conditions allows when they are met; a Deny
// counts only without conditions, because one with them (no TLS) is about requests that nobody makes.
// Source: IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements".
func allows(statements []Statement, action, resource string) bool {
	allowed := false
	for _, s := range statements {
		if !s.covers(action, resource) {
			continue
		}
		switch {
		case s.Effect == "Allow":
			allowed = true
		case s.Effect == "Deny" && len(s.Conditions) == 0:
			return false
		}
	}
	return allowed
}

// allowsBelow says whether statements allow an action on some objects of a bucket.
func allowsBelow(statements []Statement, action, bucket string) bool {
	for _, s := range statements {
		for _, resource := range s.Resources {
			if strings.HasPrefix(resource, bucket+"/") && allows(statements, action, strings.ReplaceAll(resource, "*", "x")) {
				return true
			}
		}
	}
	return allows(statements, action, bucket+"/x")
}

func (s Statement) covers(action, resource string) bool {
	act := slices.ContainsFunc(s.Actions, func(p string) bool { return actionMatches(p, action) })
	if len(s.NotActions) > 0 {
		act = !slices.ContainsFunc(s.NotActions, func(p string) bool { return actionMatches(p, action) })
	}
	res := slices.ContainsFunc(s.Resources, func(p string) bool { return matches(p, resource) })
	if len(s.NotResources) > 0 {
		res = !slices.ContainsFunc(s.NotResources, func(p string) bool { return matches(p, resource) })
	}
	return act && res
}

// actionMatches compares as IAM does: without regard to case.
func actionMatches(pattern, action string) bool {
	return matches(strings.ToLower(pattern), strings.ToLower(action))
}

// matches says whether a text matches a pattern, in which * stands for any characters and ? for one.
func matches(pattern, text string) bool {
	// next is where in the pattern to go on, and mark where in the text the last * may swallow one more.
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

func wild(s string) bool { return strings.ContainsAny(s, "*?") }

// onEverything are actions that a role cannot have on named resources: AWS defines none for them, or they are about network
// interfaces that Lambda has yet to make. Sources: Service Authorization Reference, "Actions, resources, and condition keys
// for AWS X-Ray" and "… for Amazon CloudWatch"; Lambda Developer Guide, "Giving Lambda functions access to resources in an
// Amazon VPC", "Required IAM permissions".
var onEverything = []string{
	"xray:PutTelemetryRecords", "xray:PutTraceSegments", "cloudwatch:PutMetricData",
	"ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets",
	"ec2:UnassignPrivateIpAddresses",
}

// noWayAround says whether a statement must have the resource "*": it has no action that could do with less.
func (s Statement) noWayAround() bool {
	could := func(action string) bool { return !containsFold(onEverything, action) }
	return len(s.Actions) > 0 && !slices.ContainsFunc(s.Actions, could)
}

// wildResource says whether an ARN has a wildcard other than the two that there is no way around: the streams of one log
// group (":*" at the end) and the objects below a prefix of one bucket ("/*" at the end).
func wildResource(arn string) bool {
	if !wild(arn) {
		return false
	}
	if group, ok := strings.CutSuffix(arn, ":*"); ok && strings.Contains(group, ":logs:") && strings.Contains(group, ":log-group:") {
		return wild(group)
	}
	if prefix, ok := strings.CutSuffix(arn, "/*"); ok && strings.Contains(prefix, ":s3:::") && strings.Contains(prefix, "/") {
		return wild(prefix)
	}
	return true
}

// equalsOrLike says whether a condition operator compares with values that must match. An operator with IfExists does not
// count: it is met by a request that lacks the key.
func equalsOrLike(operator string) bool {
	return slices.Contains([]string{"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike"}, operator)
}

func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(x string) bool { return strings.EqualFold(x, s) })
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
