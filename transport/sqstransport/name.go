package sqstransport

import (
	"fmt"
	"strings"
)

// identityOfARN reads an ARN arn:PARTITION:sqs:REGION:ACCOUNT:NAME.
func identityOfARN(arn string) (identity, error) {
	id, ok := lastTwo(arn, ':')
	if !ok || strings.Count(arn, ":") != 5 || !strings.HasPrefix(arn, "arn:") {
		return identity{}, fmt.Errorf("source %q: is not the ARN of a queue", arn)
	}
	return id, nil
}

// lastTwo splits off the account and the name at the end of s.
func lastTwo(s string, separator byte) (identity, bool) {
	at := strings.LastIndexByte(s, separator)
	if at < 0 {
		return identity{}, false
	}
	id := identity{account: s[strings.LastIndexByte(s[:at], separator)+1 : at], name: s[at+1:]}
	return id, id.account != "" && id.name != ""
}
