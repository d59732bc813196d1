package sqs

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// settings are the attributes of a queue that a user sets.
// Source: Amazon SQS API Reference, CreateQueue and SetQueueAttributes.
type settings struct {
	visibility time.Duration
	delay      time.Duration
	retention  time.Duration
	wait       time.Duration
	maxSize    int
	redrive    redrivePolicy
	allow      redriveAllowPolicy
	policy     string
	kmsKey     string
	kmsReuse   time.Duration
	managedSSE bool
}

func defaultSettings() settings {
	return settings{
		visibility: 30 * time.Second,
		retention:  4 * 24 * time.Hour,
		maxSize:    maxMessageSize,
		kmsReuse:   300 * time.Second,
		managedSSE: true,
	}
}

// redrivePolicy says where messages go that were received too often. The zero
// value is no policy.
type redrivePolicy struct {
	target     string // ARN
	maxReceive int
}

func (p redrivePolicy) String() string {
	if p.target == "" {
		return ""
	}
	target, _ := json.Marshal(p.target)
	return fmt.Sprintf(`{"deadLetterTargetArn":%s,"maxReceiveCount":%d}`, target, p.maxReceive)
}

// redriveAllowPolicy says which queues may use this one for dead letters. The
// zero value allows all.
type redriveAllowPolicy struct {
	Permission string   `json:"redrivePermission"`
	Sources    []string `json:"sourceQueueArns,omitempty"`
}

func (p redriveAllowPolicy) String() string {
	if p.Permission == "" {
		return ""
	}
	text, _ := json.Marshal(p)
	return string(text)
}

func (p redriveAllowPolicy) allows(source string) bool {
	switch p.Permission {
	case "denyAll":
		return false
	case "byQueue":
		for _, s := range p.Sources {
			if s == source {
				return true
			}
		}
		return false
	}
	return true
}

// set changes one attribute. Values are text, as on the wire. What concerns
// other queues (does the dead-letter target exist) is not checked here.
func (s *settings) set(name, value string) error {
	switch name {
	case "VisibilityTimeout":
		return setSeconds(&s.visibility, name, value, 0, 43_200)
	case "DelaySeconds":
		return setSeconds(&s.delay, name, value, 0, 900)
	case "MessageRetentionPeriod":
		return setSeconds(&s.retention, name, value, 60, 1_209_600)
	case "ReceiveMessageWaitTimeSeconds":
		return setSeconds(&s.wait, name, value, 0, 20)
	case "KmsDataKeyReusePeriodSeconds":
		return setSeconds(&s.kmsReuse, name, value, 60, 86_400)
	case "MaximumMessageSize":
		n, err := parseWithin(name, value, 1024, maxMessageSize)
		if err != nil {
			return err
		}
		s.maxSize = n
	case "RedrivePolicy":
		return s.setRedrive(value)
	case "RedriveAllowPolicy":
		return s.setAllow(value)
	case "Policy":
		if value != "" && !json.Valid([]byte(value)) {
			return invalidValue(name)
		}
		s.policy = value
	case "KmsMasterKeyId":
		s.kmsKey = value
		s.managedSSE = s.managedSSE && value == ""
	case "SqsManagedSseEnabled":
		on, err := strconv.ParseBool(value)
		if err != nil {
			return invalidValue(name)
		}
		s.managedSSE = on
		if on {
			s.kmsKey = ""
		}
	default:
		return newError(codeInvalidAttributeName, "Unknown Attribute %s.", name)
	}
	return nil
}

// apply sets several attributes; the order does not matter.
func (s *settings) apply(attributes map[string]string) error {
	if attributes["KmsMasterKeyId"] != "" && attributes["SqsManagedSseEnabled"] == "true" {
		return newError(codeInvalidAttributeName,
			"You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.")
	}
	for _, name := range sortedKeys(attributes) {
		if err := s.set(name, attributes[name]); err != nil {
			return err
		}
	}
	return nil
}

// describe gives the attributes as text, as GetQueueAttributes shows them; the
// ones that are unset are left out.
func (s settings) describe() map[string]string {
	all := map[string]string{
		"VisibilityTimeout":             seconds(s.visibility),
		"DelaySeconds":                  seconds(s.delay),
		"MessageRetentionPeriod":        strconv.Itoa(int(s.retention.Seconds())),
		"ReceiveMessageWaitTimeSeconds": seconds(s.wait),
		"MaximumMessageSize":            strconv.Itoa(s.maxSize),
		"SqsManagedSseEnabled":          strconv.FormatBool(s.managedSSE),
	}
	for name, value := range map[string]string{
		"RedrivePolicy":      s.redrive.String(),
		"RedriveAllowPolicy": s.allow.String(),
		"Policy":             s.policy,
		"KmsMasterKeyId":     s.kmsKey,
	} {
		if value != "" {
			all[name] = value
		}
	}
	if s.kmsKey != "" {
		all["KmsDataKeyReusePeriodSeconds"] = seconds(s.kmsReuse)
	}
	return all
}

func setSeconds(d *time.Duration, name, value string, low, high int) error {
	n, err := parseWithin(name, value, low, high)
	if err != nil {
		return err
	}
	*d = time.Duration(n) * time.Second
	return nil
}

func parseWithin(name, value string, low, high int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < low || n > high {
		return 0, newError(codeInvalidAttributeValue,
			"Invalid value for the parameter %s. Reason: %q is no whole number from %d to %d.", name, value, low, high)
	}
	return n, nil
}

func invalidValue(name string) error {
	return newError(codeInvalidAttributeValue, "Invalid value for the parameter %s.", name)
}

// setRedrive reads the policy; "" removes it. maxReceiveCount may be a number
// or a number in quotes: templates have both.
func (s *settings) setRedrive(value string) error {
	if value == "" {
		s.redrive = redrivePolicy{}
		return nil
	}
	var raw struct {
		Target     string          `json:"deadLetterTargetArn"`
		MaxReceive json.RawMessage `json:"maxReceiveCount"`
	}
	if err := json.Unmarshal([]byte(value), &raw); err != nil {
		return invalidPolicy(value, "RedrivePolicy", "Amazon SQS can't create the redrive policy, as it's in an unsupported format.")
	}
	if raw.Target == "" || raw.MaxReceive == nil {
		return invalidPolicy(value, "RedrivePolicy", "Redrive policy does not contain mandatory attribute: deadLetterTargetArn or maxReceiveCount.")
	}
	count, err := strconv.Atoi(strings.Trim(string(raw.MaxReceive), `"`))
	if err != nil || count < 1 || count > 1000 {
		return invalidPolicy(value, "RedrivePolicy", "Invalid value for maxReceiveCount: "+string(raw.MaxReceive)+", valid values are from 1 to 1000 both inclusive.")
	}
	if !strings.HasPrefix(raw.Target, "arn:") {
		return invalidPolicy(value, "RedrivePolicy", "Invalid value for deadLetterTargetArn.")
	}
	s.redrive = redrivePolicy{raw.Target, count}
	return nil
}

func (s *settings) setAllow(value string) error {
	if value == "" {
		s.allow = redriveAllowPolicy{}
		return nil
	}
	var p redriveAllowPolicy
	if err := json.Unmarshal([]byte(value), &p); err != nil {
		return invalidPolicy(value, "RedriveAllowPolicy", "Amazon SQS can't create the redrive allow policy, as it's in an unsupported format.")
	}
	byQueue := p.Permission == "byQueue"
	switch {
	case !byQueue && p.Permission != "allowAll" && p.Permission != "denyAll":
		return invalidPolicy(value, "RedriveAllowPolicy", "redrivePermission must be allowAll, denyAll or byQueue.")
	case byQueue != (len(p.Sources) > 0), len(p.Sources) > 10:
		return invalidPolicy(value, "RedriveAllowPolicy", "sourceQueueArns holds 1 to 10 ARNs, and goes with redrivePermission byQueue only.")
	}
	s.allow = p
	return nil
}

func invalidPolicy(value, name, reason string) error {
	return newError(codeInvalidParameterValue, "Value %s for parameter %s is invalid. Reason: %s", value, name, reason)
}
