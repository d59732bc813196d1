package template

import (
	"slices"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/internal/cfn"
)

// readServerless reads an AWS::Serverless::Function and what SAM makes of it.
// Source: SAM Developer Guide, "CloudFormation resources generated when you specify AWS::Serverless::Function".
func (l *loader) readServerless(p props) {
	fn := p.function()
	fn.Type = cfn.TypeFunction
	fn.DeadLetterARN = p.sub("DeadLetterQueue", "DeadLetterARN").text("TargetArn", "DeadLetterARN", "")
	alias := p.text("AutoPublishAlias", "Aliases", "")
	if alias != "" {
		fn.Aliases = []string{alias}
	}
	if config := p.sub("EventInvokeConfig", "Async"); config.v.Kind == cfn.Map {
		fn.Async = append(fn.Async, config.serverlessAsync(alias))
	}
	if url := p.sub("FunctionUrlConfig", "URLs"); url.v.Kind == cfn.Map {
		auth := url.text("AuthType", "URLs", "")
		fn.URLs = append(fn.URLs, infra.FunctionURL{Qualifier: alias, AuthType: auth})
		if auth == "NONE" {
			fn.Policy = append(fn.Policy, publicURL(qualified(fn.ARN, alias))...)
		}
	}
	if !p.v.Has("Role") {
		fn.RoleARN = l.generatedRole(p)
	}
	l.addFunction(fn)
	l.readEvents(p, fn, alias)
	l.readDeployment(p)
}

// publicURL gives the permissions that SAM adds to a URL for everybody.
func publicURL(arn string) []infra.Statement {
	everybody := func(action, operator, key, value string) infra.Statement {
		return infra.Statement{
			Effect: "Allow", Principals: []string{"*"}, Actions: []string{action}, Resources: []string{arn},
			Conditions: []infra.Condition{{Operator: operator, Key: key, Values: []string{value}}},
		}
	}
	return []infra.Statement{
		everybody("lambda:InvokeFunctionUrl", "StringEquals", "lambda:FunctionUrlAuthType", "NONE"),
		everybody("lambda:InvokeFunction", "Bool", "lambda:InvokedViaFunctionUrl", "true"),
	}
}

// serverlessAsync reads an EventInvokeConfig, which SAM binds to the alias when there is one.
func (p props) serverlessAsync(alias string) infra.Async {
	if alias == "" {
		alias = latest
	}
	a := p.async(alias)
	failure := p.sub("DestinationConfig", "Async").sub("OnFailure", "Async")
	if a.OnFailure == "" && failure.v.Get("Type").Text == "SQS" {
		a.OnFailure = p.Attribute(p.res.ID+cfn.GeneratedQueue, "Arn", failure.v.Line, failure.path).Text
	}
	return a
}

func (l *loader) readEvents(p props, fn *infra.Function, alias string) {
	for _, e := range p.v.Get("Events").Keys {
		kind := l.Eval(e.Value.Get("Type"), p.path).Text
		id := p.res.ID + e.Key
		switch kind {
		case "SQS":
			m := infra.Mapping{Resource: l.generated(id, cfn.TypeMapping, e.Line), FunctionARN: qualified(fn.ARN, alias)}
			event := props{loader: l, res: p.res, v: e.Value.Get("Properties"), path: cfn.Join(p.path, "Events."+e.Key+".Properties"), at: "Mappings." + id}
			m.QueueARN = event.text("Queue", "QueueARN", "")
			event.mapping(&m)
		case "Kinesis", "DynamoDB", "MSK", "MQ", "SelfManagedKafka", "DocumentDB", "ScheduleV2":
		default:
			l.stack.NotRead("Functions."+fn.ID+".Policy", "the permission that SAM makes for the event "+e.Key+" ("+kind+") is not expanded")
		}
	}
}

// basicExecution is what SAM attaches to the role that it makes for a function. It allows to log to every log group.
const basicExecution = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"

// generatedRole adds the role that SAM makes for a function without one, and gives its ARN.
func (l *loader) generatedRole(p props) string {
	id := p.res.ID + "Role"
	role := infra.Role{
		Resource: l.generated(id, "AWS::IAM::Role", p.res.Line),
		Trust: []infra.Statement{{
			Effect: "Allow", Principals: []string{"Service:lambda.amazonaws.com"}, Actions: []string{"sts:AssumeRole"},
		}},
		ManagedPolicies: []string{basicExecution},
	}
	at := "Roles." + id
	if slices.ContainsFunc(p.v.Get("Events").Keys, func(e cfn.Entry) bool { return l.Eval(e.Value.Get("Type"), p.path).Text == "SQS" }) {
		role.ManagedPolicies = append(role.ManagedPolicies, "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole")
	}
	p.at = at
	policies := p.value("Policies", "Statements")
	items := policies.Items
	if policies.Kind != cfn.List && policies.Kind != cfn.Absent {
		items = []*cfn.Value{policies}
	}
	for _, item := range items {
		switch {
		case item.Scalar():
			role.ManagedPolicies = append(role.ManagedPolicies, managedARN(item.Text))
		case item.Has("Statement"):
			role.Statements = append(role.Statements, statements(item.Get("Statement"))...)
		case len(item.Keys) > 0:
			l.stack.NotRead(at+".Statements", "the SAM policy template "+item.Keys[0].Key+" is not expanded; write the statement out")
		}
	}
	if p.v.Has("EventInvokeConfig") || p.v.Has("DeadLetterQueue") || p.v.Has("Tracing") {
		l.stack.NotRead(at+".Statements", "the statements that SAM makes for destinations and tracing are not expanded; give the function a Role")
	}
	slices.Sort(role.ManagedPolicies)
	l.stack.Roles = append(l.stack.Roles, role)
	return role.ARN
}

// managedARN gives the ARN of a managed policy, which SAM lets one name without it.
func managedARN(name string) string {
	if len(name) > 4 && name[:4] == "arn:" {
		return name
	}
	return "arn:aws:iam::aws:policy/" + name
}

// readDeployment adds what SAM makes for gradual deployment with CodeDeploy.
func (l *loader) readDeployment(p props) {
	preference := p.sub("DeploymentPreference", "Aliases")
	if preference.v.Kind != cfn.Map || !preference.boolean("Enabled", "Aliases", true) {
		return
	}
	l.addOther("ServerlessDeploymentApplication", "AWS::CodeDeploy::Application", p.res.Line)
	l.addOther(p.res.ID+"DeploymentGroup", "AWS::CodeDeploy::DeploymentGroup", p.res.Line)
	const role = "CodeDeployServiceRole"
	if preference.v.Has("Role") || slices.ContainsFunc(l.stack.Roles, func(r infra.Role) bool { return r.ID == role }) {
		return
	}
	l.stack.Roles = append(l.stack.Roles, infra.Role{
		Resource: l.generated(role, "AWS::IAM::Role", p.res.Line),
		Trust: []infra.Statement{{
			Effect: "Allow", Principals: []string{"Service:codedeploy.amazonaws.com"}, Actions: []string{"sts:AssumeRole"},
		}},
		ManagedPolicies: []string{"arn:aws:iam::aws:policy/service-role/AWSCodeDeployRoleForLambda"},
	})
}

func (l *loader) addOther(id, typ string, line int) {
	if !slices.ContainsFunc(l.stack.Others, func(r infra.Resource) bool { return r.ID == id }) {
		l.stack.Others = append(l.stack.Others, l.generated(id, typ, line))
	}
}

// generated is a resource that SAM makes.
func (l *loader) generated(id, typ string, line int) infra.Resource {
	return l.resource(&cfn.Resource{ID: id, Type: typ, Line: line, Node: cfn.Nothing, Props: cfn.Nothing, When: cfn.Yes})
}
