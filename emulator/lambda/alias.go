package lambda

import (
	"maps"
	"net/http"
	"slices"
)

// aliasConfiguration is the type AliasConfiguration of the AWS Lambda API Reference.
type aliasConfiguration struct{ AliasArn, Name, FunctionVersion, Description string }

func (fn *function) alias(name string) aliasConfiguration {
	return aliasConfiguration{AliasArn: fn.arn + ":" + name, Name: name, FunctionVersion: fn.Aliases[name]}
}

func (s *Service) getAlias(r *http.Request) (any, error) {
	t, err := s.named(r)
	if err != nil {
		return nil, err
	}
	name := r.PathValue("alias")
	if _, ok := t.fn.Aliases[name]; !ok {
		return nil, errNotFound("Cannot find alias arn: %s:%s", t.fn.arn, name)
	}
	return t.fn.alias(name), nil
}

func (s *Service) listAliases(r *http.Request) (any, error) {
	t, err := s.named(r)
	if err != nil {
		return nil, err
	}
	version := r.URL.Query().Get("FunctionVersion")
	aliases := []aliasConfiguration{}
	for _, name := range slices.Sorted(maps.Keys(t.fn.Aliases)) {
		if version == "" || t.fn.Aliases[name] == version {
			aliases = append(aliases, t.fn.alias(name))
		}
	}
	part, next, err := page(r, aliases, 50)
	return struct {
		Aliases    []aliasConfiguration
		NextMarker string `json:",omitempty"`
	}{part, next}, err
}
