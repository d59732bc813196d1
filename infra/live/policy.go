package live

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/offloadhq/offload/infra"
)

// statements reads a policy document. IAM gives its documents percent-encoded (RFC 3986), the other services as they are.
// Source: IAM User Guide, "IAM JSON policy elements reference".
func statements(document string) ([]infra.Statement, error) {
	if !strings.HasPrefix(strings.TrimSpace(document), "{") {
		plain, err := url.PathUnescape(document)
		if err != nil {
			return nil, fmt.Errorf("policy document: %w", err)
		}
		document = plain
	}
	var doc struct{ Statement oneOrMore[statement] }
	if err := json.Unmarshal([]byte(document), &doc); err != nil {
		return nil, fmt.Errorf("policy document: %w", err)
	}
	var out []infra.Statement
	for _, s := range doc.Statement {
		out = append(out, infra.Statement{
			Sid: s.Sid, Effect: s.Effect,
			Principals: s.Principal, NotPrincipals: s.NotPrincipal,
			Actions: s.Action.sorted(), NotActions: s.NotAction.sorted(),
			Resources: s.Resource.sorted(), NotResources: s.NotResource.sorted(),
			Conditions: s.conditions(),
		})
	}
	return out, nil
}

type statement struct {
	Sid, Effect             string
	Principal, NotPrincipal principals
	Action, NotAction       oneOrMore[text]
	Resource, NotResource   oneOrMore[text]
	Condition               map[string]map[string]oneOrMore[text]
}

func (s *statement) conditions() []infra.Condition {
	var out []infra.Condition
	for operator, tests := range s.Condition {
		for key, values := range tests {
			out = append(out, infra.Condition{Operator: operator, Key: key, Values: values.sorted()})
		}
	}
	slices.SortFunc(out, func(a, b infra.Condition) int {
		return cmp.Or(cmp.Compare(a.Operator, b.Operator), cmp.Compare(a.Key, b.Key))
	})
	return out
}

// text is a string, or a number or boolean in the place of one, as a condition may have it.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		s = string(data)
	}
	*t = text(s)
	return nil
}

// oneOrMore is a list for which one item may stand.
type oneOrMore[T any] []T

func (l *oneOrMore[T]) UnmarshalJSON(data []byte) error {
	if data[0] == '[' {
		return json.Unmarshal(data, (*[]T)(l))
	}
	var one T
	err := json.Unmarshal(data, &one)
	*l = []T{one}
	return err
}

func (l oneOrMore[T]) sorted() []string {
	var out []string
	for _, item := range l {
		out = append(out, fmt.Sprint(item))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// principals are "*", or "Service:lambda.amazonaws.com" and the like.
type principals []string

func (p *principals) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		var one string
		err := json.Unmarshal(data, &one)
		*p = principals{one}
		return err
	}
	var kinds map[string]oneOrMore[text]
	err := json.Unmarshal(data, &kinds)
	for kind, ids := range kinds {
		for _, id := range ids.sorted() {
			*p = append(*p, kind+":"+id)
		}
	}
	slices.Sort(*p)
	return err
}
