package cfn

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

func (r *Resolver) readGlobals(v *Value) *Value {
	for _, e := range SectionEntries(r.Report, v, "Globals") {
		if !slices.Contains(globalSections, e.Key) {
			r.Fail(e.Line, "Globals."+e.Key, "unknown section%s", Suggest(e.Key, globalSections))
		}
	}
	fn := v.Get("Function")
	if fn.Kind != Absent && fn.Kind != Map {
		r.Fail(fn.Line, "Globals.Function", "must be a map, not %s", fn.Kind)
		return Nothing
	}
	for _, e := range fn.Keys {
		switch key := "Globals.Function." + e.Key; {
		case slices.Contains(notGlobal, e.Key) || e.Key == "Metadata":
			r.Fail(e.Line, key, "cannot be global; set it on each function")
		case len(r.global) > 0 && !slices.Contains(r.global, e.Key):
			r.Fail(e.Line, key, "unknown property of Globals.Function%s", Suggest(e.Key, r.global))
		}
	}
	return fn
}

// withGlobals gives the properties of a function with the global ones merged in. IgnoreGlobals is "*" or a list of names.
func withGlobals(globals, props, ignore *Value) *Value {
	if globals.Kind != Map || ignore.Text == "*" {
		return props
	}
	kept := &Value{Kind: Map, Line: props.Line}
	for _, e := range globals.Keys {
		if !slices.ContainsFunc(ignore.Items, func(name *Value) bool { return name.Text == e.Key }) {
			kept.Keys = append(kept.Keys, e)
		}
	}
	if props.Kind == Absent {
		return kept
	}
	return mergeGlobal(kept, props)
}

// mergeGlobal merges as SAM does: maps merge key by key, lists are joined with the global part first, anything else is taken
// from the resource. An intrinsic function counts as a scalar.
// Source: SAM Developer Guide, "Overriding global properties" and "Additive lists and maps".
func mergeGlobal(global, local *Value) *Value {
	switch {
	case global.Kind == Map && local.Kind == Map:
		out := &Value{Kind: Map, Line: local.Line}
		for _, e := range global.Keys {
			if local.Has(e.Key) {
				continue
			}
			out.Keys = append(out.Keys, e)
		}
		for _, e := range local.Keys {
			if global.Has(e.Key) {
				e.Value = mergeGlobal(global.Get(e.Key), e.Value)
			}
			out.Keys = append(out.Keys, e)
		}
		return out
	case global.Kind == List && local.Kind == List:
		return &Value{Kind: List, Line: local.Line, Items: slices.Concat(global.Items, local.Items)}
	}
	return local
}
