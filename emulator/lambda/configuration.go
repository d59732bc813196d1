package lambda

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"time"
)

// configuration is the type FunctionConfiguration of the AWS Lambda API Reference, as far as a function has it here.
// There are no Role, LoggingConfig, CodeSha256 and CodeSize.
type configuration struct {
	FunctionName, FunctionArn, Version    string
	Runtime, Handler, PackageType         string
	Architectures                         []string
	MemorySize, Timeout                   int
	Environment                           *environment `json:",omitempty"`
	EphemeralStorage                      struct{ Size int }
	State, LastUpdateStatus, LastModified string
}

type environment struct{ Variables map[string]string }

// reservation is in the answers of GetFunction and GetFunctionConcurrency.
type reservation struct {
	ReservedConcurrentExecutions *int `json:",omitempty"`
}

// configuration tells of one version, under the ARN that names it.
func (fn *function) configuration(arn, version string) configuration {
	c := configuration{
		FunctionName: fn.Name, FunctionArn: arn, Version: version,
		Runtime: fn.Runtime, Handler: fn.Handler, PackageType: "Zip", Architectures: fn.Architectures,
		MemorySize: fn.MemoryMB, Timeout: int((fn.Timeout + time.Second - 1) / time.Second),
		State: "Active", LastUpdateStatus: "Successful", LastModified: fn.added.UTC().Format("2006-01-02T15:04:05.000-0700"),
	}
	c.EphemeralStorage.Size = 512
	if len(fn.Env) > 0 {
		c.Environment = &environment{Variables: fn.Env}
	}
	return c
}

// versions are $LATEST and the published ones, each once.
func (fn *function) versions() []string {
	published := slices.Compact(slices.SortedFunc(maps.Values(fn.Aliases), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) // they are numbers
	}))
	return append([]string{Latest}, slices.DeleteFunc(published, func(v string) bool { return v == Latest })...)
}

func (fn *function) configurations() []configuration {
	var all []configuration
	for _, v := range fn.versions() {
		all = append(all, fn.configuration(fn.arn+":"+v, v))
	}
	return all
}

// named finds the function and qualifier of a request by its path and query.
func (s *Service) named(r *http.Request) (found, error) {
	return s.find(Request{Function: r.PathValue("function"), Qualifier: r.URL.Query().Get("Qualifier")})
}

func (t *found) arn() string {
	if t.qualifier == "" {
		return t.fn.arn
	}
	return t.fn.arn + ":" + t.qualifier
}

func (s *Service) getFunctionConfiguration(r *http.Request) (any, error) {
	t, err := s.named(r)
	if err != nil {
		return nil, err
	}
	return t.fn.configuration(t.arn(), t.version), nil
}

func (s *Service) getFunction(r *http.Request) (any, error) {
	t, err := s.named(r)
	if err != nil {
		return nil, err
	}
	type code struct{ RepositoryType, Location string }
	answer := struct {
		Configuration configuration
		Code          code
		Concurrency   *reservation `json:",omitempty"`
	}{t.fn.configuration(t.arn(), t.version), code{"directory", t.fn.Dir}, nil}
	if t.fn.Reserved != nil {
		answer.Concurrency = &reservation{t.fn.Reserved}
	}
	return answer, nil
}

func (s *Service) getFunctionConcurrency(r *http.Request) (any, error) {
	t, err := s.named(r)
	if err != nil {
		return nil, err
	}
	return reservation{t.fn.Reserved}, nil
}

func (s *Service) getFunctionRecursionConfig(r *http.Request) (any, error) {
	t, err := s.named(r)
	if err != nil {
		return nil, err
	}
	answer := struct{ RecursiveLoop string }{"Terminate"}
	if t.fn.AllowRecursion {
		answer.RecursiveLoop = "Allow"
	}
	return answer, nil
}

func (s *Service) listFunctions(r *http.Request) (any, error) {
	all := s.list()
	slices.SortFunc(all, func(a, b *function) int { return cmp.Compare(a.Name, b.Name) })
	every := false
	switch v := r.URL.Query().Get("FunctionVersion"); v {
	case "":
	case "ALL":
		every = true
	default:
		return nil, errInvalidParameter("FunctionVersion %q: must be ALL, or not given", v)
	}
	functions := []configuration{}
	for _, fn := range all {
		if every {
			functions = append(functions, fn.configurations()...)
		} else {
			functions = append(functions, fn.configuration(fn.arn, Latest))
		}
	}
	part, next, err := page(r, functions, 50)
	return struct {
		Functions  []configuration
		NextMarker string `json:",omitempty"`
	}{part, next}, err
}

func (s *Service) listVersionsByFunction(r *http.Request) (any, error) {
	t, err := s.named(r)
	if err != nil {
		return nil, err
	}
	part, next, err := page(r, t.fn.configurations(), 50)
	return struct {
		Versions   []configuration
		NextMarker string `json:",omitempty"`
	}{part, next}, err
}

// getNothing answers GetPolicy and GetFunctionUrlConfig: nothing here has either.
func (s *Service) getNothing(r *http.Request) (any, error) {
	if _, err := s.named(r); err != nil {
		return nil, err
	}
	return nil, errNotFound("The resource you requested does not exist.")
}

func (s *Service) listFunctionURLConfigs(r *http.Request) (any, error) {
	_, err := s.named(r)
	return struct{ FunctionUrlConfigs []struct{} }{[]struct{}{}}, err //nolint:revive // the API's name
}
