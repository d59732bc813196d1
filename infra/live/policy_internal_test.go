package live

import (
	"net/url"
	"reflect"
	"testing"

	"github.com/offloadhq/offload/infra"
)

func TestStatements(t *testing.T) {
	const document = `{"Version":"2012-10-17","Statement":{"Sid":"a+b","Effect":"Allow","Principal":{"AWS":["2","1"],"Service":"x.amazonaws.com"},` +
		`"Action":["b","a","a"],"NotResource":"r","Condition":{"NumericLessThan":{"k":5},"Bool":{"aws:SecureTransport":false}}}}`
	want := []infra.Statement{{
		Sid: "a+b", Effect: "Allow", Principals: []string{"AWS:1", "AWS:2", "Service:x.amazonaws.com"}, Actions: []string{"a", "b"}, NotResources: []string{"r"},
		Conditions: []infra.Condition{
			{Operator: "Bool", Key: "aws:SecureTransport", Values: []string{"false"}}, {Operator: "NumericLessThan", Key: "k", Values: []string{"5"}},
		},
	}}
	for _, text := range []string{document, url.PathEscape(document), " \n" + document} {
		got, err := statements(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%.20s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "%", "%7", "[]", `{"Statement":5}`, `{"Statement":[{"Principal":5}]}`, `{"Statement":[{"Action":{}}`} {
		if got, err := statements(text); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

func FuzzStatements(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"Statement":[]}`, `{"Statement":{"Action":"a","Principal":"*","Condition":{"a":{"b":["c",1,null]}}}}`, "%7B%7D"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := statements(text)
		if err != nil && list != nil {
			t.Errorf("%q gives statements and %v", text, err)
		}
	})
}
