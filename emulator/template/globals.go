package template

import "slices"

var globalSections = []string{
	"Function", "Api", "HttpApi", "WebSocketApi", "SimpleTable", "StateMachine", "LayerVersion", "CapacityProvider",
}

// notGlobal are the function properties that each function has to set itself.
// Source: SAM Developer Guide, "Supported resources and properties" of the Globals section.
var notGlobal = []string{
	"FunctionName", "Role", "Policies", "Events", "InlineCode", "PackageType", "ImageUri", "ImageConfig", "AutoPublishCodeSha256",
	"VersionDescription",
}

func (r *resolver) readGlobals(v *value) *value {
	for _, e := range sectionEntries(r.report, v, "Globals") {
		if !slices.Contains(globalSections, e.key) {
			r.fail(e.line, "Globals."+e.key, "unknown section%s", suggest(e.key, globalSections))
		}
	}
	fn := v.get("Function")
	if fn.kind != absent && fn.kind != mapping {
		r.fail(fn.line, "Globals.Function", "must be a map, not %s", fn.kind)
		return nothing
	}
	allowed := slices.DeleteFunc(slices.Concat(functionUsed, serverlessUsed, functionIgnored, serverlessIgnored, functionWarned, serverlessWarned), func(name string) bool {
		return slices.Contains(notGlobal, name)
	})
	for _, e := range fn.keys {
		switch key := "Globals.Function." + e.key; {
		case slices.Contains(notGlobal, e.key) || e.key == "Metadata":
			r.fail(e.line, key, "cannot be global; set it on each function")
		case !slices.Contains(allowed, e.key):
			r.fail(e.line, key, "unknown property of Globals.Function%s", suggest(e.key, allowed))
		}
	}
	return fn
}

// withGlobals gives the properties of a function with the global ones merged in. IgnoreGlobals is "*" or a list of names.
func withGlobals(globals, props, ignore *value) *value {
	if globals.kind != mapping || ignore.text == "*" {
		return props
	}
	kept := &value{kind: mapping, line: props.line}
	for _, e := range globals.keys {
		if !slices.ContainsFunc(ignore.items, func(name *value) bool { return name.text == e.key }) {
			kept.keys = append(kept.keys, e)
		}
	}
	if props.kind == absent {
		return kept
	}
	return mergeGlobal(kept, props)
}

// mergeGlobal merges as SAM does: maps merge key by key, lists are joined with the global part first, anything else is taken
// from the resource. An intrinsic function counts as a scalar.
// Source: SAM Developer Guide, "Overriding global properties" and "Additive lists and maps".
func mergeGlobal(global, local *value) *value {
	switch {
	case global.kind == mapping && local.kind == mapping:
		out := &value{kind: mapping, line: local.line}
		for _, e := range global.keys {
			if local.has(e.key) {
				continue
			}
			out.keys = append(out.keys, e)
		}
		for _, e := range local.keys {
			if global.has(e.key) {
				e.value = mergeGlobal(global.get(e.key), e.value)
			}
			out.keys = append(out.keys, e)
		}
		return out
	case global.kind == list && local.kind == list:
		return &value{kind: list, line: local.line, items: slices.Concat(global.items, local.items)}
	}
	return local
}
