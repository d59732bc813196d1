package template

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
)

// Options configure [Load]. The zero value, and nil, mean the documented defaults.
type Options struct {
	// Parameters override the defaults of the template's parameters. A name that the template does not declare is a problem.
	Parameters map[string]string

	// Values give what cannot be computed on this machine, by name as the template refers to it: "UserPoolClient"
	// for a Ref, "Api.RootResourceId" for an attribute. They win over computed values. [Problem.Needs] holds such a name.
	Values map[string]string

	Region    string // default us-east-1
	AccountID string // 12 digits; default 000000000000
	StackName string // default offload

	// QueueURL gives the URL of a queue by its name: the value of a Ref. It must be pure.
	// Default: http://127.0.0.1:4566/ACCOUNT/NAME.
	QueueURL func(name string) string
}

var (
	accountPattern = regexp.MustCompile(`^[0-9]{12}$`)
	regionPattern  = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	stackPattern   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,127}$`)
)

func (o *Options) filled() (Options, error) {
	var c Options
	if o != nil {
		c = *o
	}
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
