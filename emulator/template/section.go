package template

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
	typeQueue, typeServerlessFunction, typeFunction, typeMapping, typeInvokeConfig, typeAlias, typeVersion,
	"AWS::SQS::QueuePolicy", "AWS::SQS::QueueInlinePolicy",
	"AWS::Lambda::CapacityProvider", "AWS::Lambda::CodeSigningConfig", "AWS::Lambda::LayerVersion", "AWS::Lambda::LayerVersionPermission",
	"AWS::Lambda::Permission", "AWS::Lambda::Url", "AWS::Lambda::NetworkConnector", "AWS::Lambda::MicrovmImage",
	"AWS::Serverless::Api", "AWS::Serverless::Application", "AWS::Serverless::CapacityProvider", "AWS::Serverless::Connector",
	"AWS::Serverless::GraphQLApi", "AWS::Serverless::HttpApi", "AWS::Serverless::LayerVersion", "AWS::Serverless::SimpleTable",
	"AWS::Serverless::StateMachine", "AWS::Serverless::WebSocketApi",
}

// resolve reads the sections of a template.
func resolve(r *report, root *value, o *Options) *resolver {
	res := &resolver{
		report: r, opts: o, budget: maxText,
		resources: make(map[string]*resource), names: make(map[string]*value), naming: make(map[string]bool), edges: make(map[string][]edge),
	}
	if root.kind != mapping {
		r.fail(root.line, "", "a template is a map with a Resources section, not %s", root.kind)
		return res
	}
	for _, e := range root.keys {
		if !slices.Contains(sections, e.key) {
			r.fail(e.line, e.key, "unknown section%s", suggest(e.key, sections))
		}
	}
	if root.get("Resources").kind == absent {
		r.fail(0, "Resources", "the section is missing or empty; a template needs at least one resource")
	}
	res.parameters = readParameters(r, root.get("Parameters"), o.Parameters)
	res.conditions = readConditions(r, root.get("Conditions"))
	res.mappings = &value{kind: mapping, keys: sectionEntries(r, root.get("Mappings"), "Mappings")}
	res.readTransform(root.get("Transform"))
	globals := res.readGlobals(root.get("Globals"))
	for _, e := range sectionEntries(r, root.get("Resources"), "Resources") {
		res.readResource(e, globals)
	}
	return res
}

func (r *resolver) readTransform(v *value) {
	items := []*value{v}
	if v.kind == list {
		items = v.items
	}
	for _, item := range items {
		switch {
		case item.kind == absent:
		case item.text == samTransform:
			r.sam = true
		case item.text == "AWS::LanguageExtensions":
			r.opaque = true
		default:
			r.opaque = true
			r.warn(v.line, "Transform", "%s runs on AWS only; what it changes or adds is missing here", describe(item))
		}
	}
}

func (r *resolver) readResource(e entry, globals *value) {
	path := "Resources." + e.key
	if strings.HasPrefix(e.key, "Fn::") {
		r.opaque = true
		r.warn(e.line, path, "not expanded here; the resources that it makes are missing")
		return
	}
	typ := e.value.get("Type")
	switch {
	case e.value.kind != mapping:
		r.fail(e.line, path, "a resource is a map with a Type, not %s", e.value.kind)
		return
	case typ.kind == absent:
		r.fail(e.line, path, "Type is missing")
		return
	case typ.kind != text:
		r.fail(typ.line, path+".Type", "must be a string, not %s", typ.kind)
		return
	}
	res := &resource{id: e.key, typ: typ.text, line: e.line, node: e.value, props: e.value.get("Properties"), when: yes}
	service := strings.HasPrefix(res.typ, "AWS::SQS::") || strings.HasPrefix(res.typ, "AWS::Lambda::") || strings.HasPrefix(res.typ, "AWS::Serverless::")
	if service && !slices.Contains(ours, res.typ) || strings.HasPrefix(res.typ, "AWS::Severless") {
		r.fail(typ.line, path+".Type", "unknown type %s%s", res.typ, suggest(res.typ, ours))
		return
	}
	if strings.HasPrefix(res.typ, "AWS::Serverless::") && !r.sam {
		r.fail(typ.line, path+".Type", "%s needs the line \"Transform: %s\" at the top of the template", res.typ, samTransform)
	}
	if res.props.kind != absent && res.props.kind != mapping && slices.Contains(ours[:7], res.typ) {
		r.fail(res.props.line, path+".Properties", "must be a map, not %s", res.props.kind)
		return
	}
	if slices.Contains(ours[:7], res.typ) {
		checkKeys(r.report, e.value, path, "a resource", resourceKeys)
	}
	if res.typ == typeServerlessFunction {
		res.props = withGlobals(globals, res.props, e.value.get("IgnoreGlobals"))
	}
	switch c := e.value.get("Condition"); {
	case c.kind == text:
		res.when, res.why = r.named(c.text, c.line, path+".Condition")
	case c.kind != absent:
		r.fail(c.line, path+".Condition", "must be the name of a condition, not %s", c.kind)
	}
	r.resources[res.id] = res
	r.order = append(r.order, res.id)
}
