package cfn

import (
	"slices"
	"strings"
)

const samTransform = "AWS::Serverless-2016-10-31"

var sections = []string{
	"AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings", "Conditions", "Transform", "Resources",
	"Outputs", "Globals", "Hooks",
}

var resourceKeys = []string{
	"Type", "Properties", "Condition", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy", "CreationPolicy", "Metadata",
	"Connectors", "IgnoreGlobals",
}

// ours are the types whose names are checked, because a misspelt one would silently not run.
var ours = []string{
	TypeQueue, TypeServerlessFunction, TypeFunction, TypeMapping, TypeInvokeConfig, TypeAlias, TypeVersion,
	"AWS::SQS::QueuePolicy", "AWS::SQS::QueueInlinePolicy",
	"AWS::Lambda::CapacityProvider", "AWS::Lambda::CodeSigningConfig", "AWS::Lambda::LayerVersion", "AWS::Lambda::LayerVersionPermission",
	"AWS::Lambda::Permission", "AWS::Lambda::Url", "AWS::Lambda::NetworkConnector", "AWS::Lambda::MicrovmImage",
	"AWS::Serverless::Api", "AWS::Serverless::Application", "AWS::Serverless::CapacityProvider", "AWS::Serverless::Connector",
	"AWS::Serverless::GraphQLApi", "AWS::Serverless::HttpApi", "AWS::Serverless::LayerVersion", "AWS::Serverless::SimpleTable",
	"AWS::Serverless::StateMachine", "AWS::Serverless::WebSocketApi",
}

// Resolve reads the sections of a template. The options must be filled. global are the properties that a function may have
// for all functions (Globals.Function); when there are none, they are not checked.
func Resolve(r *Report, root *Value, o *Options, global ...string) *Resolver {
	res := &Resolver{
		Report: r, Options: o, budget: maxText,
		global:    slices.DeleteFunc(slices.Clone(global), func(name string) bool { return slices.Contains(notGlobal, name) }),
		Resources: make(map[string]*Resource), names: make(map[string]*Value), naming: make(map[string]bool), Edges: make(map[string][]edge),
	}
	if root.Kind != Map {
		r.Fail(root.Line, "", "a template is a map with a Resources section, not %s", root.Kind)
		return res
	}
	for _, e := range root.Keys {
		if !slices.Contains(sections, e.Key) {
			r.Fail(e.Line, e.Key, "unknown section%s", Suggest(e.Key, sections))
		}
	}
	if root.Get("Resources").Kind == Absent {
		r.Fail(0, "Resources", "the section is missing or empty; a template needs at least one resource")
	}
	res.parameters = readParameters(r, root.Get("Parameters"), o.Parameters)
	res.conditions = readConditions(r, root.Get("Conditions"))
	res.mappings = &Value{Kind: Map, Keys: SectionEntries(r, root.Get("Mappings"), "Mappings")}
	res.readTransform(root.Get("Transform"))
	globals := res.readGlobals(root.Get("Globals"))
	for _, e := range SectionEntries(r, root.Get("Resources"), "Resources") {
		res.readResource(e, globals)
	}
	return res
}

func (r *Resolver) readTransform(v *Value) {
	items := []*Value{v}
	if v.Kind == List {
		items = v.Items
	}
	for _, item := range items {
		switch {
		case item.Kind == Absent:
		case item.Text == samTransform:
			r.sam = true
		case item.Text == "AWS::LanguageExtensions":
			r.opaque = true
		default:
			r.opaque = true
			r.Warn(v.Line, "Transform", "%s runs on AWS only; what it changes or adds is missing here", describe(item))
		}
	}
}

func (r *Resolver) readResource(e Entry, globals *Value) {
	path := "Resources." + e.Key
	if strings.HasPrefix(e.Key, "Fn::") {
		r.opaque = true
		r.Warn(e.Line, path, "not expanded here; the resources that it makes are missing")
		return
	}
	typ := e.Value.Get("Type")
	switch {
	case e.Value.Kind != Map:
		r.Fail(e.Line, path, "a resource is a map with a Type, not %s", e.Value.Kind)
		return
	case typ.Kind == Absent:
		r.Fail(e.Line, path, "Type is missing")
		return
	case typ.Kind != Text:
		r.Fail(typ.Line, path+".Type", "must be a string, not %s", typ.Kind)
		return
	}
	res := &Resource{ID: e.Key, Type: typ.Text, Line: e.Line, Node: e.Value, Props: e.Value.Get("Properties"), When: Yes}
	service := strings.HasPrefix(res.Type, "AWS::SQS::") || strings.HasPrefix(res.Type, "AWS::Lambda::") || strings.HasPrefix(res.Type, "AWS::Serverless::")
	if service && !slices.Contains(ours, res.Type) || strings.HasPrefix(res.Type, "AWS::Severless") {
		r.Fail(typ.Line, path+".Type", "unknown type %s%s", res.Type, Suggest(res.Type, ours))
		return
	}
	if strings.HasPrefix(res.Type, "AWS::Serverless::") && !r.sam {
		r.Fail(typ.Line, path+".Type", "%s needs the line \"Transform: %s\" at the top of the template", res.Type, samTransform)
	}
	if res.Props.Kind != Absent && res.Props.Kind != Map && slices.Contains(ours[:7], res.Type) {
		r.Fail(res.Props.Line, path+".Properties", "must be a map, not %s", res.Props.Kind)
		return
	}
	if slices.Contains(ours[:7], res.Type) {
		checkKeys(r.Report, e.Value, path, "a resource", resourceKeys)
	}
	if res.Type == TypeServerlessFunction {
		res.Props = withGlobals(globals, res.Props, e.Value.Get("IgnoreGlobals"))
	}
	switch c := e.Value.Get("Condition"); {
	case c.Kind == Text:
		res.When, res.Why = r.Named(c.Text, c.Line, path+".Condition")
	case c.Kind != Absent:
		r.Fail(c.Line, path+".Condition", "must be the name of a condition, not %s", c.Kind)
	}
	r.Resources[res.ID] = res
	r.Order = append(r.Order, res.ID)
}

// GeneratedQueue is what SAM appends to the logical id of a function to name the OnFailure queue that it makes itself.
const GeneratedQueue = "EventInvokeConfigOnFailureQueue"

// GenerateQueues adds the queues that SAM makes for functions whose OnFailure destination has the type SQS and no ARN.
// Source: SAM Developer Guide, "Generated CloudFormation resources" of EventInvokeConfig.
func (r *Resolver) GenerateQueues() {
	for _, id := range r.Order {
		res := r.Resources[id]
		if res.Type != TypeServerlessFunction || res.When != Yes {
			continue
		}
		path := res.Path() + ".Properties.EventInvokeConfig.DestinationConfig.OnFailure"
		raw := res.Props.Get("EventInvokeConfig").Get("DestinationConfig").Get("OnFailure")
		if raw.Kind != Map || r.Eval(raw.Get("Type"), path+".Type").Text != "SQS" || r.Eval(raw.Get("Destination"), path+".Destination").Kind != Absent {
			continue
		}
		name := id + GeneratedQueue
		r.Resources[name] = &Resource{ID: name, Type: TypeQueue, Line: raw.Line, Node: Nothing, Props: Nothing, When: Yes}
		r.Order = append(r.Order, name)
	}
}
