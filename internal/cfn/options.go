package cfn

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
)

// Options say what a template is evaluated with.
type Options struct {
	Parameters map[string]string // values of parameters
	Values     map[string]string // what cannot be computed: "Id" for a Ref, "Id.Attribute" for a GetAtt
	Region     string
	AccountID  string
	StackName  string
	QueueURL   func(name string) string
}

var (
	accountPattern = regexp.MustCompile(`^[0-9]{12}$`)
	regionPattern  = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	stackPattern   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,127}$`)
)

// Filled gives the options with the defaults in place of what is not set.
func (o Options) Filled() (Options, error) {
	c := o
	c.Parameters = maps.Clone(c.Parameters)
	c.Values = maps.Clone(c.Values)
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.AccountID == "" {
		c.AccountID = "000000000000"
	}
	if c.StackName == "" {
		c.StackName = "offload"
	}
	if c.QueueURL == nil {
		account := c.AccountID
		c.QueueURL = func(name string) string { return "http://127.0.0.1:4566/" + account + "/" + name }
	}
	var problems []error
	if !accountPattern.MatchString(c.AccountID) {
		problems = append(problems, fmt.Errorf("template: Options.AccountID %q: must be 12 digits", c.AccountID))
	}
	if !regionPattern.MatchString(c.Region) {
		problems = append(problems, fmt.Errorf("template: Options.Region %q: must be a region name such as us-east-1", c.Region))
	}
	if !stackPattern.MatchString(c.StackName) {
		problems = append(problems, fmt.Errorf("template: Options.StackName %q: must be letters, digits and hyphens, and start with a letter", c.StackName))
	}
	return c, errors.Join(problems...)
}
