package livetest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/offloadhq/offload/infra"
)

// Secret is the value of a variable of every function: no report may have it.
const Secret = "the-secret-of-a-function"

// liveVersion is the version that the aliases of functions name.
const liveVersion = "7"

type function struct {
	configuration object
	aliases       []string
	reserved      any
	recursion     string
	async         map[string]object // by qualifier
	urls          map[string]object // by qualifier, "" for none
	policies      map[string][]any  // statements by qualifier
}

func newFunction(f *infra.Function) *function {
	fn := &function{
		configuration: object{
			"FunctionName": f.Name, "FunctionArn": f.ARN + ":" + liveVersion, "Version": liveVersion, "Runtime": f.Runtime, "Role": f.RoleARN,
			"Architectures": []any{f.Architecture}, "Timeout": int(f.Timeout.Seconds()), "MemorySize": f.MemoryMB,
			"LoggingConfig": object{"LogGroup": f.LogGroup, "LogFormat": "JSON"},
			"Environment": object{"Variables": object{
				"WEBHOOK_SECRET": Secret, "OFFLOAD_QUEUE_URL": f.QueueURL, "OFFLOAD_DEAD_LETTER_QUEUE_URL": f.DeadLetterQueueURL,
			}},
		},
		aliases: f.Aliases, recursion: f.RecursiveLoop, async: map[string]object{}, urls: map[string]object{}, policies: map[string][]any{},
	}
	if f.ReservedConcurrency != nil {
		fn.reserved = *f.ReservedConcurrency
	}
	for _, c := range f.Async {
		fn.async[c.Qualifier] = object{
			"FunctionArn": f.ARN + ":" + c.Qualifier, "MaximumRetryAttempts": c.MaxRetries, "MaximumEventAgeInSeconds": int(c.MaxAge.Seconds()),
			"DestinationConfig": object{"OnFailure": object{"Destination": c.OnFailure}},
		}
	}
	return fn
}

// function finds the function of an input, and the qualifier.
func (a *account) function(in object) (fn *function, arn, qualifier string, failed *failure) {
	name := str(in["FunctionName"])
	if _, rest, ok := strings.Cut(name, ":function:"); ok {
		name = rest
	}
	name, qualifier, _ = strings.Cut(name, ":")
	if q := str(in["Qualifier"]); q != "" {
		qualifier = q
	}
	if fn = a.functions[name]; fn == nil {
		return nil, "", "", missing("ResourceNotFoundException")
	}
	return fn, "arn:aws:lambda:" + a.stack.Region + ":" + a.stack.Account + ":function:" + name, qualifier, nil
}

// of makes an operation of what is done with its function.
func of(do func(fn *function, arn, qualifier string, in object) (object, *failure)) operation {
	return func(a *account, in object) (object, *failure) {
		fn, arn, qualifier, failed := a.function(in)
		if failed != nil {
			return nil, failed
		}
		return do(fn, arn, qualifier, in)
	}
}

func values(m map[string]object) []any {
	list := []any{}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		list = append(list, m[key])
	}
	return list
}

var functionOperations = map[string]operation{
	"GetFunctionConfiguration": of(func(fn *function, arn, qualifier string, _ object) (object, *failure) {
		switch qualifier {
		case liveVersion:
			return fn.configuration, nil
		case "": // $LATEST is not what runs
			c := maps.Clone(fn.configuration)
			c["FunctionArn"], c["Version"], c["Timeout"] = arn, "$LATEST", 1
			return c, nil
		}
		return nil, missing("ResourceNotFoundException")
	}),
	"ListAliases": of(func(fn *function, arn, _ string, in object) (object, *failure) {
		list := []any{}
		for _, alias := range fn.aliases {
			list = append(list, object{"Name": alias, "AliasArn": arn + ":" + alias, "FunctionVersion": liveVersion})
		}
		return paged(list, in["Marker"], "Aliases", "NextMarker"), nil
	}),
	"GetFunctionConcurrency": of(func(fn *function, _, _ string, _ object) (object, *failure) {
		if fn.reserved == nil {
			return object{}, nil
		}
		return object{"ReservedConcurrentExecutions": fn.reserved}, nil
	}),
	"PutFunctionConcurrency": of(func(fn *function, _, _ string, in object) (object, *failure) {
		fn.reserved = in["ReservedConcurrentExecutions"]
		return object{}, nil
	}),
	"DeleteFunctionConcurrency": of(func(fn *function, _, _ string, _ object) (object, *failure) {
		fn.reserved = nil
		return object{}, nil
	}),
	"GetFunctionRecursionConfig": of(func(fn *function, _, _ string, _ object) (object, *failure) {
		return object{"RecursiveLoop": fn.recursion}, nil
	}),
	"PutFunctionRecursionConfig": of(func(fn *function, _, _ string, in object) (object, *failure) {
		fn.recursion = str(in["RecursiveLoop"])
		return object{}, nil
	}),
	"ListFunctionEventInvokeConfigs": of(func(fn *function, _, _ string, in object) (object, *failure) {
		return paged(values(fn.async), in["Marker"], "FunctionEventInvokeConfigs", "NextMarker"), nil
	}),
	"PutFunctionEventInvokeConfig": of(func(fn *function, arn, qualifier string, in object) (object, *failure) {
		if qualifier == "" {
			qualifier = "$LATEST"
		}
		c := object{"FunctionArn": arn + ":" + qualifier}
		for _, key := range []string{"MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig"} {
			if v, ok := in[key]; ok {
				c[key] = v
			}
		}
		fn.async[qualifier] = c
		return object{}, nil
	}),
	"DeleteFunctionEventInvokeConfig": of(func(fn *function, _, qualifier string, _ object) (object, *failure) {
		delete(fn.async, qualifier)
		return object{}, nil
	}),
	"ListFunctionUrlConfigs": of(func(fn *function, _, _ string, in object) (object, *failure) {
		return paged(values(fn.urls), in["Marker"], "FunctionUrlConfigs", "NextMarker"), nil
	}),
	"CreateFunctionUrlConfig": of(func(fn *function, arn, qualifier string, in object) (object, *failure) {
		fn.urls[qualifier] = object{"FunctionArn": strings.TrimSuffix(arn+":"+qualifier, ":"), "AuthType": in["AuthType"], "FunctionUrl": "https://x/"}
		return object{}, nil
	}),
	"DeleteFunctionUrlConfig": of(func(fn *function, _, qualifier string, _ object) (object, *failure) {
		delete(fn.urls, qualifier)
		return object{}, nil
	}),
	"GetPolicy": of(func(fn *function, _, qualifier string, _ object) (object, *failure) {
		if len(fn.policies[qualifier]) == 0 {
			return nil, missing("ResourceNotFoundException")
		}
		text, err := json.Marshal(object{"Version": "2012-10-17", "Statement": fn.policies[qualifier]})
		if err != nil {
			return nil, &failure{http.StatusInternalServerError, "ServiceException", err.Error()}
		}
		return object{"Policy": string(text)}, nil
	}),
	"AddPermission": of(func(fn *function, arn, qualifier string, in object) (object, *failure) {
		fn.policies[qualifier] = append(fn.policies[qualifier], object{
			"Sid": in["StatementId"], "Effect": "Allow", "Principal": in["Principal"], "Action": in["Action"], "Resource": arn,
		})
		return object{}, nil
	}),
	"RemovePermission": of(func(fn *function, _, qualifier string, in object) (object, *failure) {
		fn.policies[qualifier] = slices.DeleteFunc(fn.policies[qualifier], func(s any) bool { return s.(object)["Sid"] == in["StatementId"] })
		return object{}, nil
	}),
	"ListEventSourceMappings": listMappings,
	"GetEventSourceMapping": func(a *account, in object) (object, *failure) {
		for _, m := range a.mappings {
			if m["UUID"] == in["UUID"] {
				return m, nil
			}
		}
		return nil, missing("ResourceNotFoundException")
	},
	"CreateEventSourceMapping": createMapping,
	"UpdateEventSourceMapping": updateMapping,
	"DeleteEventSourceMapping": func(a *account, in object) (object, *failure) {
		a.mappings = slices.DeleteFunc(a.mappings, func(m object) bool { return m["UUID"] == in["UUID"] })
		return object{}, nil
	},
}

func newMapping(m *infra.Mapping) object {
	out := object{
		"UUID": m.Name, "EventSourceArn": m.QueueARN, "FunctionArn": m.FunctionARN, "BatchSize": m.BatchSize,
		"MaximumBatchingWindowInSeconds": int(m.Window.Seconds()), "State": "Enabled", "FunctionResponseTypes": []any{},
		"ScalingConfig": object{"MaximumConcurrency": m.MaximumConcurrency},
	}
	if m.ReportBatchItemFailures {
		out["FunctionResponseTypes"] = []any{"ReportBatchItemFailures"}
	}
	return out
}

func listMappings(a *account, in object) (object, *failure) {
	list := []any{}
	for _, m := range a.mappings {
		if m["EventSourceArn"] == in["EventSourceArn"] {
			list = append(list, m)
		}
	}
	return paged(list, in["Marker"], "EventSourceMappings", "NextMarker"), nil
}

func createMapping(a *account, in object) (object, *failure) {
	m := object{"UUID": fmt.Sprintf("made-by-hand-%d", len(a.mappings)), "EventSourceArn": in["EventSourceArn"], "BatchSize": 10}
	a.mappings = append(a.mappings, m)
	in["UUID"] = m["UUID"]
	return updateMapping(a, in)
}

func updateMapping(a *account, in object) (object, *failure) {
	for _, m := range a.mappings {
		if m["UUID"] != in["UUID"] {
			continue
		}
		for _, key := range []string{"FunctionResponseTypes", "ScalingConfig", "FilterCriteria"} {
			if v, ok := in[key]; ok {
				m[key] = v
			}
		}
		if fn, arn, qualifier, _ := a.function(in); fn != nil {
			m["FunctionArn"] = strings.TrimSuffix(arn+":"+qualifier, ":")
		}
		if enabled, ok := in["Enabled"]; ok {
			m["State"] = map[any]string{true: "Enabled", false: "Disabled"}[enabled]
		} else if m["State"] == nil {
			m["State"] = "Enabled"
		}
		return m, nil
	}
	return nil, missing("ResourceNotFoundException")
}
