package live

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/offloadhq/offload/infra"
)

// readFunction reads a function and what hangs on it.
func (r *reader) readFunction(ctx context.Context, res Resource) {
	name, path := res.PhysicalID, "Functions."+res.ID
	fn := infra.Function{Resource: infra.Resource{
		ID: res.ID, Type: res.Type, Name: name,
		ARN: r.deployment.arn("lambda", "function:"+name),
	}}
	versions, there := r.readAliases(ctx, &fn)
	if !there {
		return
	}
	in := &lambda.GetFunctionConfigurationInput{FunctionName: &name}
	if version := versions[r.alias(&fn)]; version != "" {
		in.Qualifier = &version
	}
	got, err := r.Lambda.GetFunctionConfiguration(ctx, in)
	switch kindOf(err) {
	case absent:
		return
	case fine:
		r.setConfiguration(&fn, got)
	default:
		r.note(path, "lambda:GetFunctionConfiguration", err)
	}
	r.readSettings(ctx, &fn)
	r.readAsync(ctx, &fn)
	r.readURLs(ctx, &fn)
	r.readFunctionPolicies(ctx, &fn)
	r.add(func(s *infra.Stack) { s.Functions = append(s.Functions, fn) })
}

// readAliases gives the version of each alias, and says whether the function is there.
func (r *reader) readAliases(ctx context.Context, fn *infra.Function) (versions map[string]string, there bool) {
	versions = make(map[string]string)
	for next := (*string)(nil); ; {
		page, err := r.Lambda.ListAliases(ctx, &lambda.ListAliasesInput{FunctionName: &fn.Name, Marker: next})
		switch kindOf(err) {
		case absent:
			return nil, false
		case fine:
		default:
			// Without them nobody knows which version runs.
			r.note("Functions."+fn.ID, "lambda:ListAliases", err)
			return nil, true
		}
		for _, a := range page.Aliases {
			fn.Aliases = append(fn.Aliases, aws.ToString(a.Name))
			versions[aws.ToString(a.Name)] = aws.ToString(a.FunctionVersion)
		}
		if next = page.NextMarker; aws.ToString(next) == "" {
			slices.Sort(fn.Aliases)
			return versions, true
		}
	}
}

// alias is the one whose version is read: that of the template, if it is there. "" is the function itself.
func (r *reader) alias(fn *infra.Function) string {
	if r.deployed == nil {
		if len(fn.Aliases) > 0 {
			return fn.Aliases[0]
		}
		return ""
	}
	for _, d := range r.deployed.Functions {
		if d.ID != fn.ID {
			continue
		}
		for _, alias := range d.Aliases {
			if slices.Contains(fn.Aliases, alias) {
				return alias
			}
		}
	}
	return ""
}

// setConfiguration takes what the model has of a configuration, and of the function's variables nothing but the URLs of its
// queues.
func (r *reader) setConfiguration(fn *infra.Function, c *lambda.GetFunctionConfigurationOutput) {
	if arn := strings.Split(aws.ToString(c.FunctionArn), ":"); len(arn) >= 7 {
		fn.ARN = strings.Join(arn[:7], ":") // without the qualifier
	}
	fn.Runtime, fn.RoleARN, fn.KMSKeyARN = string(c.Runtime), aws.ToString(c.Role), aws.ToString(c.KMSKeyArn)
	fn.Timeout = time.Duration(aws.ToInt32(c.Timeout)) * time.Second
	fn.MemoryMB = int(aws.ToInt32(c.MemorySize))
	fn.Architecture = string(types.ArchitectureX8664)
	if len(c.Architectures) > 0 {
		fn.Architecture = string(c.Architectures[0])
	}
	if c.DeadLetterConfig != nil {
		fn.DeadLetterARN = aws.ToString(c.DeadLetterConfig.TargetArn)
	}
	if env := c.Environment; env != nil && env.Error == nil {
		fn.QueueURL, fn.DeadLetterQueueURL = env.Variables["OFFLOAD_QUEUE_URL"], env.Variables["OFFLOAD_DEAD_LETTER_QUEUE_URL"]
	} else if env != nil {
		for _, field := range []string{"QueueURL", "DeadLetterQueueURL"} {
			r.noteText("Functions."+fn.ID+"."+field, "Lambda cannot decrypt the variables for you: "+aws.ToString(env.Error.Message))
		}
	}
	if c.LoggingConfig != nil {
		fn.LogGroup = aws.ToString(c.LoggingConfig.LogGroup)
	} else {
		r.noteText("Functions."+fn.ID+".LogGroup", "this endpoint does not tell LoggingConfig")
	}
	if fn.RoleARN == "" {
		r.noteText("Functions."+fn.ID+".RoleARN", "this endpoint does not tell Role")
	}
}

// readSettings reads what belongs to the function as a whole.
func (r *reader) readSettings(ctx context.Context, fn *infra.Function) {
	path := "Functions." + fn.ID
	concurrency, err := r.Lambda.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: &fn.Name})
	switch {
	case err != nil:
		r.note(path+".ReservedConcurrency", "lambda:GetFunctionConcurrency", err)
	case concurrency.ReservedConcurrentExecutions != nil:
		reserved := int(*concurrency.ReservedConcurrentExecutions)
		fn.ReservedConcurrency = &reserved
	}
	recursion, err := r.Lambda.GetFunctionRecursionConfig(ctx, &lambda.GetFunctionRecursionConfigInput{FunctionName: &fn.Name})
	if err != nil {
		r.note(path+".RecursiveLoop", "lambda:GetFunctionRecursionConfig", err)
		return
	}
	fn.RecursiveLoop = string(recursion.RecursiveLoop)
}

// readAsync reads the event invoke configurations of all qualifiers.
func (r *reader) readAsync(ctx context.Context, fn *infra.Function) {
	for next := (*string)(nil); ; {
		page, err := r.Lambda.ListFunctionEventInvokeConfigs(ctx, &lambda.ListFunctionEventInvokeConfigsInput{FunctionName: &fn.Name, Marker: next})
		if err != nil {
			r.note("Functions."+fn.ID+".Async", "lambda:ListFunctionEventInvokeConfigs", err)
			return
		}
		for _, c := range page.FunctionEventInvokeConfigs {
			fn.Async = append(fn.Async, async(&c))
		}
		if next = page.NextMarker; aws.ToString(next) == "" {
			slices.SortFunc(fn.Async, func(a, b infra.Async) int { return strings.Compare(a.Qualifier, b.Qualifier) })
			return
		}
	}
}

// async reads one. Source of the defaults: Lambda API reference, PutFunctionEventInvokeConfig.
func async(c *types.FunctionEventInvokeConfig) infra.Async {
	a := infra.Async{Qualifier: qualifier(c.FunctionArn), MaxRetries: 2, MaxAge: 6 * time.Hour}
	if a.Qualifier == "" {
		a.Qualifier = "$LATEST"
	}
	if c.MaximumRetryAttempts != nil {
		a.MaxRetries = int(*c.MaximumRetryAttempts)
	}
	if c.MaximumEventAgeInSeconds != nil {
		a.MaxAge = time.Duration(*c.MaximumEventAgeInSeconds) * time.Second
	}
	if d := c.DestinationConfig; d != nil {
		if d.OnFailure != nil {
			a.OnFailure = aws.ToString(d.OnFailure.Destination)
		}
		if d.OnSuccess != nil {
			a.OnSuccess = aws.ToString(d.OnSuccess.Destination)
		}
	}
	return a
}

// qualifier is what follows the name in a function's ARN, "" for nothing.
func qualifier(arn *string) string {
	parts := strings.SplitN(aws.ToString(arn), ":", 8)
	if len(parts) < 8 {
		return ""
	}
	return parts[7]
}

func (r *reader) readURLs(ctx context.Context, fn *infra.Function) {
	for next := (*string)(nil); ; {
		page, err := r.Lambda.ListFunctionUrlConfigs(ctx, &lambda.ListFunctionUrlConfigsInput{FunctionName: &fn.Name, Marker: next})
		if err != nil {
			r.note("Functions."+fn.ID+".URLs", "lambda:ListFunctionUrlConfigs", err)
			return
		}
		for _, u := range page.FunctionUrlConfigs {
			fn.URLs = append(fn.URLs, infra.FunctionURL{Qualifier: qualifier(u.FunctionArn), AuthType: string(u.AuthType)})
		}
		if next = page.NextMarker; aws.ToString(next) == "" {
			return
		}
	}
}

// readFunctionPolicies reads the resource policies of the function and of its aliases. Their Sids are made by AWS, and left out.
func (r *reader) readFunctionPolicies(ctx context.Context, fn *infra.Function) {
	path := "Functions." + fn.ID + ".Policy"
	for _, qualifier := range append([]string{""}, fn.Aliases...) {
		in := &lambda.GetPolicyInput{FunctionName: &fn.Name}
		if qualifier != "" {
			in.Qualifier = &qualifier
		}
		got, err := r.Lambda.GetPolicy(ctx, in)
		switch kindOf(err) {
		case absent:
			continue
		case fine:
		default:
			r.note(path, "lambda:GetPolicy", err)
			return
		}
		for _, s := range r.policy(path, "lambda:GetPolicy", aws.ToString(got.Policy)) {
			s.Sid = ""
			fn.Policy = append(fn.Policy, s)
		}
	}
}
