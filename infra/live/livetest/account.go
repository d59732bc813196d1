package livetest

import (
	"cmp"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/offloadhq/offload/infra"
)

// account is what the services keep, in the form in which they tell it.
type account struct {
	stack      *infra.Stack // for the names
	template   string
	processed  string // the template at the stage Processed; "": as template
	parameters map[string]string

	queues    map[string]map[string]string // attributes by name
	functions map[string]*function         // by name
	mappings  []object
	alarms    []object
	roles     map[string]*role   // by name
	policies  map[string]*policy // by ARN
	buckets   map[string]*bucket // by name
	logGroups map[string]int     // days by name; 0: for ever
}

// pageSize is small, so that every reader has to turn pages.
const pageSize = 2

// page cuts a part out of a list. A token is the number of items before the part.
func page(list []any, token any) (part []any, next string) {
	start := 0
	if s, ok := token.(string); ok {
		start, _ = strconv.Atoi(s)
	}
	end := min(start+pageSize, len(list))
	if end < len(list) {
		next = strconv.Itoa(end)
	}
	return list[start:end], next
}

// paged is an answer with one list.
func paged(list []any, token any, name, marker string) object {
	part, next := page(list, token)
	out := object{name: part}
	if next != "" {
		out[marker] = next
	}
	return out
}

func seed(tb testing.TB, o *Options) account {
	tb.Helper()
	s := rename(tb, o.Stack)
	a := account{
		stack: s, template: o.Template, processed: o.Processed, parameters: o.Parameters,
		queues: make(map[string]map[string]string), functions: make(map[string]*function), roles: make(map[string]*role),
		policies: make(map[string]*policy), buckets: make(map[string]*bucket), logGroups: make(map[string]int),
	}
	for i := range s.Queues {
		a.queues[s.Queues[i].Name] = queueAttributes(&s.Queues[i])
	}
	for i := range s.Functions {
		a.functions[s.Functions[i].Name] = newFunction(&s.Functions[i])
	}
	for i := range s.Mappings {
		a.mappings = append(a.mappings, newMapping(&s.Mappings[i]))
	}
	for i := range s.Alarms {
		a.alarms = append(a.alarms, newAlarm(&s.Alarms[i]))
	}
	for i := range s.Roles {
		a.roles[s.Roles[i].Name] = newRole(&s.Roles[i])
	}
	for i := range s.Policies {
		p := &s.Policies[i]
		a.policies[p.ARN] = &policy{versions: map[string]string{"v1": document(p.Statements)}, current: "v1"}
	}
	for i := range s.Buckets {
		a.buckets[s.Buckets[i].Name] = newBucket(&s.Buckets[i])
	}
	for _, g := range s.LogGroups {
		a.logGroups[g.Name] = g.RetentionDays
	}
	return a
}

// rename copies a stack and gives its resources names as CloudFormation makes them, wherever they occur.
func rename(tb testing.TB, from *infra.Stack) *infra.Stack {
	tb.Helper()
	data, err := json.Marshal(from)
	to := new(infra.Stack)
	if err == nil {
		err = json.Unmarshal(data, to)
	}
	if err != nil {
		tb.Fatal(err)
	}
	var pairs [][2]string
	for _, r := range from.Resources() {
		if r.Name == "" {
			continue
		}
		name := "offload-" + r.ID + "-1A2B3C"
		if r.Type == "AWS::S3::Bucket" {
			name = strings.ToLower(name)
		}
		pairs = append(pairs, [2]string{r.Name, name})
		if i := strings.LastIndex(r.ARN, r.Name); i >= 0 {
			pairs = append(pairs, [2]string{r.ARN, r.ARN[:i] + name + r.ARN[i+len(r.Name):]})
		}
		for _, q := range from.Queues {
			if q.ID == r.ID {
				pairs = append(pairs, [2]string{q.URL, strings.TrimSuffix(q.URL, q.Name) + name})
			}
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return cmp.Compare(len(b[0]), len(a[0])) })
	replace(reflect.ValueOf(to).Elem(), pairs)
	for i := range to.Mappings {
		to.Mappings[i].Name = "00000000-0000-0000-0000-" + strings.Repeat(strconv.Itoa(i+1), 12)
	}
	return to
}

// replace puts new names for old ones in every string, but for ids and types.
func replace(v reflect.Value, pairs [][2]string) {
	switch v.Kind() {
	case reflect.String:
		for _, p := range pairs {
			if rest, ok := strings.CutPrefix(v.String(), p[0]); ok && (rest == "" || rest[0] == ':' || rest[0] == '/') {
				v.SetString(p[1] + rest)
				return
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			replace(v.Elem(), pairs)
		}
	case reflect.Slice:
		for i := range v.Len() {
			replace(v.Index(i), pairs)
		}
	case reflect.Map:
		for _, key := range v.MapKeys() {
			item := reflect.New(v.Type().Elem()).Elem()
			item.Set(v.MapIndex(key))
			replace(item, pairs)
			v.SetMapIndex(key, item)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; name != "ID" && name != "Type" {
				replace(v.Field(i), pairs)
			}
		}
	}
}

// document writes statements as a policy document.
func document(statements []infra.Statement) string {
	list := []any{}
	for _, s := range statements {
		out := object{"Effect": s.Effect}
		if s.Sid != "" {
			out["Sid"] = s.Sid
		}
		for name, values := range map[string][]string{"Action": s.Actions, "NotAction": s.NotActions, "Resource": s.Resources, "NotResource": s.NotResources} {
			if len(values) == 1 {
				out[name] = values[0]
			} else if len(values) > 1 {
				out[name] = values
			}
		}
		for name, values := range map[string][]string{"Principal": s.Principals, "NotPrincipal": s.NotPrincipals} {
			for _, p := range values {
				if kind, id, ok := strings.Cut(p, ":"); ok {
					out[name] = object{kind: id}
				} else {
					out[name] = p
				}
			}
		}
		if len(s.Conditions) > 0 {
			tests := map[string]map[string][]string{}
			for _, c := range s.Conditions {
				if tests[c.Operator] == nil {
					tests[c.Operator] = map[string][]string{}
				}
				tests[c.Operator][c.Key] = c.Values
			}
			out["Condition"] = tests
		}
		list = append(list, out)
	}
	text, _ := json.Marshal(object{"Version": "2012-10-17", "Statement": list})
	return string(text)
}

func seconds(n int64) string { return strconv.FormatInt(n, 10) }

func str(v any) string {
	s, _ := v.(string)
	return s
}
