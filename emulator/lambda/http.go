package lambda

import (
	"encoding/json"
	"errors"
	"net/http"
)

// ServeHTTP answers the operation Invoke, and those that read what the service has been told: GetFunction,
// GetFunctionConfiguration, GetFunctionConcurrency, GetFunctionEventInvokeConfig, GetFunctionRecursionConfig, GetAlias,
// GetEventSourceMapping, ListFunctions, ListAliases, ListVersionsByFunction, ListEventSourceMappings,
// ListFunctionEventInvokeConfigs; GetPolicy, GetFunctionUrlConfig and ListFunctionUrlConfigs answer that there is none. It checks no signature.
// Any other request gets UnknownOperationException: what runs is changed in the template. (AWS Lambda API Reference, the
// pages of these operations.)
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Amzn-Requestid", newID())
	s.mux.ServeHTTP(w, r)
}

// routes gives each operation its path.
func (s *Service) routes() *http.ServeMux {
	const functions, mappings, invokeConfig = "/2015-03-31/functions", "/2015-03-31/event-source-mappings", "/2019-09-25/functions/{function}/event-invoke-config"
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+functions+"/{function}/invocations", s.serveInvoke)
	for path, read := range map[string]func(*http.Request) (any, error){
		functions:                                           s.listFunctions,
		functions + "/{$}":                                  s.listFunctions,
		functions + "/{function}":                           s.getFunction,
		functions + "/{function}/configuration":             s.getFunctionConfiguration,
		functions + "/{function}/versions":                  s.listVersionsByFunction,
		functions + "/{function}/aliases":                   s.listAliases,
		functions + "/{function}/aliases/{alias}":           s.getAlias,
		functions + "/{function}/policy":                    s.getNothing,
		mappings:                                            s.listEventSourceMappings,
		mappings + "/{$}":                                   s.listEventSourceMappings,
		mappings + "/{uuid}":                                s.getEventSourceMapping,
		invokeConfig:                                        s.getFunctionEventInvokeConfig,
		invokeConfig + "/list":                              s.listFunctionEventInvokeConfigs,
		"/2019-09-30/functions/{function}/concurrency":      s.getFunctionConcurrency,
		"/2021-10-31/functions/{function}/url":              s.getNothing,
		"/2021-10-31/functions/{function}/urls":             s.listFunctionURLConfigs,
		"/2024-08-31/functions/{function}/recursion-config": s.getFunctionRecursionConfig,
	} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			answer, err := read(r)
			if err != nil {
				writeError(w, err)
				return
			}
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(answer)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, &Error{
			Code: "UnknownOperationException", Status: http.StatusNotFound,
			Message: "The emulator's Lambda invokes functions and tells their configuration. It does not know " + r.Method + " " + r.URL.Path +
				". What it runs is changed in the template.",
		})
	})
	return mux
}

// writeError writes an error as the REST protocol of AWS does: the code in a header, the rest in the body.
func writeError(w http.ResponseWriter, err error) {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = errService(ErrService, err)
	}
	fault := "User"
	if e.Status >= http.StatusInternalServerError {
		fault = "Service"
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", e.Code)
	w.WriteHeader(e.Status)
	_ = json.NewEncoder(w).Encode(struct {
		Reason  string `json:",omitempty"`
		Type    string
		Message string `json:"message"`
	}{e.Reason, fault, e.Message})
}
