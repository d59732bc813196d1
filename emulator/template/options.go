package template

import "github.com/offloadhq/offload/internal/cfn"

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

func (o *Options) filled() (cfn.Options, error) {
	if o == nil {
		o = &Options{}
	}
	return cfn.Options(*o).Filled()
}
