package infra

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// A Difference is one field in which two stacks differ. Want and Have are "" where the resource or the field is not there.
type Difference struct {
	Path string `json:"path"` // Queues.TaskQueue.VisibilityTimeout; Queues.TaskQueue for a resource that one lacks
	Want string `json:"want"`
	Have string `json:"have"`
}

// String gives the difference on one line.
func (d Difference) String() string {
	return fmt.Sprintf("%s: want %s, have %s", d.Path, orNothing(d.Want), orNothing(d.Have))
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// notCompared are the fields that pair two resources, or that differ between two deployments of one template: the host of a
// queue's URL may be another one to a function than to who asks.
var notCompared = map[string]bool{"ID": true, "Name": true, "ARN": true, "URL": true, "QueueURL": true, "DeadLetterQueueURL": true, "Line": true}

// Diff compares two stacks resource by resource, by logical id, and field by field. Names, ARNs and URLs of resources of the stack
// stand for the resource wherever they occur, so a template and its deployment are equal. What either reader could not
// read is left out. The result is sorted by path; it is empty when the stacks agree.
func Diff(want, have *Stack) []Difference {
	d := &differ{want: want, have: have, wantNames: names(want), haveNames: names(have)}
	w, h := reflect.ValueOf(*want), reflect.ValueOf(*have)
	for i := range w.NumField() {
		name, field := w.Type().Field(i).Name, w.Field(i)
		if field.Kind() == reflect.Slice {
			d.lists(name, field, h.Field(i))
		}
	}
	d.values("Outputs", reflect.ValueOf(want.Outputs), reflect.ValueOf(have.Outputs))
	slices.SortStableFunc(d.out, func(a, b Difference) int { return cmp.Compare(a.Path, b.Path) })
	return d.out
}

type differ struct {
	want, have           *Stack
	wantNames, haveNames []alias
	out                  []Difference
}

// An alias is a text of one deployment and what it stands for in every deployment.
type alias struct{ text, stands string }

// names gives the names of all resources of a stack, the longest first, so that one that starts with another is found first.
func names(s *Stack) []alias {
	var out []alias
	add := func(text, stands string) {
		if text != "" {
			out = append(out, alias{text, stands})
		}
	}
	for _, r := range s.Resources() {
		add(r.ARN, "${"+r.ID+".Arn}")
		add(r.Name, "${"+r.ID+"}")
	}
	for _, q := range s.Queues {
		add(q.URL, "${"+q.ID+".QueueUrl}")
	}
	slices.SortStableFunc(out, func(a, b alias) int { return cmp.Compare(len(b.text), len(a.text)) })
	return out
}

// neutral puts what a name stands for in its place. A name ends at the end of the text, at a colon or at a slash.
func neutral(names []alias, text string) string {
	for _, n := range names {
		if rest, ok := strings.CutPrefix(text, n.text); ok && (rest == "" || rest[0] == ':' || rest[0] == '/') {
			return n.stands + rest
		}
	}
	return text
}

func (d *differ) lists(path string, want, have reflect.Value) {
	w, h := byID(want), byID(have)
	if d.unread(path) {
		return
	}
	ids := slices.Sorted(maps.Keys(w))
	for id := range h {
		if _, both := w[id]; !both {
			ids = append(ids, id)
		}
	}
	for _, id := range ids {
		at := path + "." + id
		a, wanted := w[id]
		b, there := h[id]
		switch {
		case d.unread(at):
		case !there:
			d.out = append(d.out, Difference{Path: at, Want: "the resource"})
		case !wanted:
			d.out = append(d.out, Difference{Path: at, Have: "the resource"})
		default:
			d.values(at, a, b)
		}
	}
}

func byID(list reflect.Value) map[string]reflect.Value {
	out := make(map[string]reflect.Value, list.Len())
	for i := range list.Len() {
		out[list.Index(i).Interface().(interface{ base() Resource }).base().ID] = list.Index(i)
	}
	return out
}

func (d *differ) unread(path string) bool {
	_, a := d.want.WhyUnread(path)
	_, b := d.have.WhyUnread(path)
	return a || b
}

// values compares structs field by field, and anything else by its neutral text.
func (d *differ) values(path string, want, have reflect.Value) {
	if d.unread(path) {
		return
	}
	if want.Kind() == reflect.Struct {
		for i := range want.NumField() {
			switch f := want.Type().Field(i); {
			case f.Anonymous:
				d.values(path, want.Field(i), have.Field(i))
			case !notCompared[f.Name]:
				d.values(path+"."+f.Name, want.Field(i), have.Field(i))
			}
		}
		return
	}
	a, b := text(want, d.wantNames), text(have, d.haveNames)
	if a != b {
		d.out = append(d.out, Difference{Path: path, Want: a, Have: b})
	}
}

// text gives a value as it is shown, with neutral names. Lists are sorted by it: names that differ may sort differently.
func text(v reflect.Value, names []alias) string {
	switch v.Kind() {
	case reflect.String:
		return neutral(names, v.String())
	case reflect.Pointer:
		if v.IsNil() {
			return ""
		}
		return text(v.Elem(), names)
	case reflect.Slice:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = text(v.Index(i), names)
		}
		slices.Sort(items)
		return strings.Join(items, ", ")
	case reflect.Map:
		var items []string
		for it := v.MapRange(); it.Next(); {
			if key := it.Key().String(); key != "ExecutedVersion" { // a dimension that differs after each deployment
				items = append(items, key+"="+text(it.Value(), names))
			}
		}
		slices.Sort(items)
		return strings.Join(items, ", ")
	case reflect.Struct:
		var items []string
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if s := text(v.Field(i), names); s != "" && name != "Sid" { // an id changes nothing
				items = append(items, name+"="+s)
			}
		}
		return "{" + strings.Join(items, " ") + "}"
	}
	return fmt.Sprint(v.Interface())
}
