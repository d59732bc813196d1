package template

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// args gives the arguments of a function that takes a list of n.
func (r *resolver) args(v *value, key, usage string, counts ...int) ([]*value, bool) {
	if v.arg.kind == list && slices.Contains(counts, len(v.arg.items)) {
		return v.arg.items, true
	}
	r.fail(v.line, key, "%s takes %s", strings.TrimPrefix(v.text, "Fn::"), usage)
	return nil, false
}

var silent = &value{kind: unknown}

func (r *resolver) join(v *value, key string) *value {
	const usage = "a delimiter and a list"
	args, ok := r.args(v, key, usage, 2)
	if !ok {
		return silent
	}
	delimiter, items := args[0], r.eval(args[1], key)
	if items.kind == unknown {
		return items
	}
	if delimiter.kind != text && delimiter.kind != number || items.kind != list {
		return r.bad(v.line, key, "Join takes %s", usage)
	}
	size := 0
	parts := make([]string, 0, len(items.items))
	for _, item := range items.items {
		switch {
		case item.kind == unknown:
			return item
		case !item.scalar():
			return r.bad(v.line, key, "Join takes a list of strings; one item is %s", item.kind)
		}
		parts = append(parts, item.text)
		if size += len(item.text) + len(delimiter.text); size > maxFileBytes {
			return r.bad(v.line, key, "Join makes a string of more than %d bytes", maxFileBytes)
		}
	}
	return r.eval(r.spend(v.line, key, strings.Join(parts, delimiter.text)), key)
}

func (r *resolver) split(v *value, key string) *value {
	const usage = "a delimiter and a string"
	args, ok := r.args(v, key, usage, 2)
	if !ok {
		return silent
	}
	delimiter, whole := args[0], r.eval(args[1], key)
	if whole.kind == unknown {
		return whole
	}
	if !delimiter.scalar() || delimiter.text == "" || !whole.scalar() {
		return r.bad(v.line, key, "Split takes %s", usage)
	}
	// Each item costs more than its text.
	if r.budget -= 64 * strings.Count(whole.text, delimiter.text); r.spend(v.line, key, whole.text).kind == unknown {
		return silent
	}
	out := &value{kind: list, line: v.line}
	for part := range strings.SplitSeq(whole.text, delimiter.text) {
		out.items = append(out.items, textValue(v.line, part))
	}
	return out
}

func (r *resolver) selectItem(v *value, key string) *value {
	const usage = "an index and a list"
	args, ok := r.args(v, key, usage, 2)
	if !ok {
		return silent
	}
	index, items := r.eval(args[0], key), r.eval(args[1], key)
	if index.kind == unknown {
		return index
	}
	if items.kind == unknown {
		return items
	}
	i, err := strconv.Atoi(index.text)
	if err != nil || items.kind != list {
		return r.bad(v.line, key, "Select takes %s", usage)
	}
	if i < 0 || i >= len(items.items) {
		return r.bad(v.line, key, "Select index %d is outside of a list of %d", i, len(items.items))
	}
	return items.items[i]
}

func (r *resolver) base64(v *value, key string) *value {
	s := r.eval(v.arg, key)
	switch {
	case s.kind == unknown:
		return s
	case !s.scalar():
		return r.bad(v.line, key, "Base64 takes a string, not %s", s.kind)
	}
	return r.spend(v.line, key, base64.StdEncoding.EncodeToString([]byte(s.text)))
}

// findInMap evaluates Fn::FindInMap, with the DefaultValue of the language extensions.
func (r *resolver) findInMap(v *value, key string) *value {
	args, ok := r.args(v, key, "a mapping, a first key and a second key", 3, 4)
	if !ok {
		return silent
	}
	var names [3]string
	for i, arg := range args[:3] {
		e := r.eval(arg, key)
		if e.kind == unknown {
			return e
		}
		if !e.scalar() {
			return r.bad(v.line, key, "FindInMap takes strings, not %s", e.kind)
		}
		names[i] = e.text
	}
	found, path := r.mappings, "Mappings"
	for _, name := range names {
		if !found.has(name) {
			if len(args) == 4 && args[3].has("DefaultValue") {
				return r.eval(args[3].get("DefaultValue"), key)
			}
			var known []string
			for _, e := range found.keys {
				known = append(known, e.key)
			}
			return r.bad(v.line, key, "%s has no key %q%s", path, name, suggest(name, known))
		}
		found, path = found.get(name), path+"."+name
	}
	composite := func(v *value) bool { return !v.scalar() }
	if composite(found) && (found.kind != list || slices.ContainsFunc(found.items, composite)) {
		return r.bad(v.line, key, "%s is %s; a mapping holds strings and lists of strings", path, found.kind)
	}
	return found
}
