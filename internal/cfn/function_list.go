package cfn

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// args gives the arguments of a function that takes a list of n.
func (r *Resolver) args(v *Value, key, usage string, counts ...int) ([]*Value, bool) {
	if v.arg.Kind == List && slices.Contains(counts, len(v.arg.Items)) {
		return v.arg.Items, true
	}
	r.Fail(v.Line, key, "%s takes %s", strings.TrimPrefix(v.Text, "Fn::"), usage)
	return nil, false
}

var silent = &Value{Kind: Unknown}

func (r *Resolver) join(v *Value, key string) *Value {
	const usage = "a delimiter and a list"
	args, ok := r.args(v, key, usage, 2)
	if !ok {
		return silent
	}
	delimiter, items := args[0], r.Eval(args[1], key)
	if items.Kind == Unknown {
		return items
	}
	if delimiter.Kind != Text && delimiter.Kind != Number || items.Kind != List {
		return r.bad(v.Line, key, "Join takes %s", usage)
	}
	size := 0
	parts := make([]string, 0, len(items.Items))
	for _, item := range items.Items {
		switch {
		case item.Kind == Unknown:
			return item
		case !item.Scalar():
			return r.bad(v.Line, key, "Join takes a list of strings; one item is %s", item.Kind)
		}
		parts = append(parts, item.Text)
		if size += len(item.Text) + len(delimiter.Text); size > maxFileBytes {
			return r.bad(v.Line, key, "Join makes a string of more than %d bytes", maxFileBytes)
		}
	}
	return r.Eval(r.spend(v.Line, key, strings.Join(parts, delimiter.Text)), key)
}

func (r *Resolver) split(v *Value, key string) *Value {
	const usage = "a delimiter and a string"
	args, ok := r.args(v, key, usage, 2)
	if !ok {
		return silent
	}
	delimiter, whole := args[0], r.Eval(args[1], key)
	if whole.Kind == Unknown {
		return whole
	}
	if !delimiter.Scalar() || delimiter.Text == "" || !whole.Scalar() {
		return r.bad(v.Line, key, "Split takes %s", usage)
	}
	// Each item costs more than its text.
	if r.budget -= 64 * strings.Count(whole.Text, delimiter.Text); r.spend(v.Line, key, whole.Text).Kind == Unknown {
		return silent
	}
	out := &Value{Kind: List, Line: v.Line}
	for part := range strings.SplitSeq(whole.Text, delimiter.Text) {
		out.Items = append(out.Items, textValue(v.Line, part))
	}
	return out
}

func (r *Resolver) selectItem(v *Value, key string) *Value {
	const usage = "an index and a list"
	args, ok := r.args(v, key, usage, 2)
	if !ok {
		return silent
	}
	index, items := r.Eval(args[0], key), r.Eval(args[1], key)
	if index.Kind == Unknown {
		return index
	}
	if items.Kind == Unknown {
		return items
	}
	i, err := strconv.Atoi(index.Text)
	if err != nil || items.Kind != List {
		return r.bad(v.Line, key, "Select takes %s", usage)
	}
	if i < 0 || i >= len(items.Items) {
		return r.bad(v.Line, key, "Select index %d is outside of a list of %d", i, len(items.Items))
	}
	return items.Items[i]
}

func (r *Resolver) base64(v *Value, key string) *Value {
	s := r.Eval(v.arg, key)
	switch {
	case s.Kind == Unknown:
		return s
	case !s.Scalar():
		return r.bad(v.Line, key, "Base64 takes a string, not %s", s.Kind)
	}
	return r.spend(v.Line, key, base64.StdEncoding.EncodeToString([]byte(s.Text)))
}

// findInMap evaluates Fn::FindInMap, with the DefaultValue of the language extensions.
func (r *Resolver) findInMap(v *Value, key string) *Value {
	args, ok := r.args(v, key, "a mapping, a first key and a second key", 3, 4)
	if !ok {
		return silent
	}
	var names [3]string
	for i, arg := range args[:3] {
		e := r.Eval(arg, key)
		if e.Kind == Unknown {
			return e
		}
		if !e.Scalar() {
			return r.bad(v.Line, key, "FindInMap takes strings, not %s", e.Kind)
		}
		names[i] = e.Text
	}
	found, path := r.mappings, "Mappings"
	for _, name := range names {
		if !found.Has(name) {
			if len(args) == 4 && args[3].Has("DefaultValue") {
				return r.Eval(args[3].Get("DefaultValue"), key)
			}
			var known []string
			for _, e := range found.Keys {
				known = append(known, e.Key)
			}
			return r.bad(v.Line, key, "%s has no key %q%s", path, name, Suggest(name, known))
		}
		found, path = found.Get(name), path+"."+name
	}
	composite := func(v *Value) bool { return !v.Scalar() }
	if composite(found) && (found.Kind != List || slices.ContainsFunc(found.Items, composite)) {
		return r.bad(v.Line, key, "%s is %s; a mapping holds strings and lists of strings", path, found.Kind)
	}
	return found
}
