package lambda_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/offloadhq/offload/emulator/lambda"
)

// described is a service with two functions and a mapping, and the real SDK in front of it.
func described(t *testing.T) *sdk.Client {
	t.Helper()
	b := newBench(t, lambda.Options{Deliver: func(context.Context, string, []byte) error { return nil }}, function(t, "function", func(f *lambda.Function) {
		f.Env = map[string]string{"COLOUR": "green"}
		f.Timeout, f.MemoryMB, f.Reserved = 90*time.Second, 512, ptr(7)
		f.Aliases = map[string]string{"live": "3", "next": "10", "old": "3"}
		f.Architectures, f.AllowRecursion = []string{"arm64"}, true
		f.Async = map[string]lambda.AsyncConfig{"live": {MaxRetries: ptr(1), MaxAge: time.Hour, OnFailure: "arn:aws:sqs:us-east-1:000000000000:dead"}}
	}), function(t, "function", func(f *lambda.Function) { f.Name, f.Env = "plain", nil }))
	for _, m := range []lambda.EventSourceMapping{
		{
			Function: "f", Qualifier: "live", EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:one", BatchSize: 5,
			Window: 2 * time.Second, MaximumConcurrency: 4, ReportBatchItemFailures: true,
		},
		{Function: "plain", EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:two", BatchSize: 10, Disabled: true},
	} {
		if _, err := b.AddEventSourceMapping(m); err != nil {
			t.Fatal(err)
		}
	}
	return client(t, b)
}

const functionARN = "arn:aws:lambda:us-east-1:000000000000:function:f"

func TestDescribe_Functions(t *testing.T) {
	c := described(t)
	list, err := c.ListFunctions(t.Context(), nil)
	if err != nil || len(list.Functions) != 2 || *list.Functions[0].FunctionName != "f" || *list.Functions[1].FunctionName != "plain" || list.NextMarker != nil {
		t.Fatalf("ListFunctions: %+v, %v", list, err)
	}
	if f := list.Functions[0]; *f.FunctionArn != functionARN || *f.Version != "$LATEST" {
		t.Errorf("ListFunctions: %s, version %s", *f.FunctionArn, *f.Version)
	}
	all, err := c.ListFunctions(t.Context(), &sdk.ListFunctionsInput{FunctionVersion: types.FunctionVersionAll})
	if err != nil || len(all.Functions) != 4 || *all.Functions[1].FunctionArn != functionARN+":3" {
		t.Errorf("ListFunctions of all versions: %+v, %v", all, err)
	}

	got, err := c.GetFunction(t.Context(), &sdk.GetFunctionInput{FunctionName: aws.String(functionARN), Qualifier: aws.String("live")})
	if err != nil {
		t.Fatal(err)
	}
	f := got.Configuration
	if *f.FunctionArn != functionARN+":live" || *f.Version != "3" || *f.Timeout != 90 || *f.MemorySize != 512 || f.Runtime != types.RuntimeProvidedal2023 ||
		!reflect.DeepEqual(f.Architectures, []types.Architecture{types.ArchitectureArm64}) || f.State != types.StateActive || *f.Handler != "bootstrap" ||
		!reflect.DeepEqual(f.Environment.Variables, map[string]string{"COLOUR": "green"}) || *f.EphemeralStorage.Size != 512 {
		t.Errorf("GetFunction: %+v", f)
	}
	if _, err := time.Parse("2006-01-02T15:04:05.000-0700", *f.LastModified); err != nil {
		t.Errorf("GetFunction: %v", err)
	}
	if got.Concurrency == nil || *got.Concurrency.ReservedConcurrentExecutions != 7 || aws.ToString(got.Code.Location) == "" {
		t.Errorf("GetFunction: concurrency %+v, code %+v", got.Concurrency, got.Code)
	}
	one, err := c.GetFunctionConfiguration(t.Context(), &sdk.GetFunctionConfigurationInput{FunctionName: aws.String("plain")})
	if err != nil || *one.FunctionArn != strings.TrimSuffix(functionARN, "f")+"plain" || *one.Version != "$LATEST" || one.Environment != nil ||
		one.Architectures[0] != types.ArchitectureX8664 {
		t.Errorf("GetFunctionConfiguration: %+v, %v", one, err)
	}
	got, err = c.GetFunction(t.Context(), &sdk.GetFunctionInput{FunctionName: aws.String("plain")})
	if err != nil || got.Concurrency != nil {
		t.Errorf("GetFunction of one without reserved concurrency: %+v, %v", got, err)
	}
}

func TestDescribe_WhatIsSetBesides(t *testing.T) {
	c := described(t)
	for name, want := range map[string]*int32{"f": ptr(int32(7)), "plain": nil} {
		got, err := c.GetFunctionConcurrency(t.Context(), &sdk.GetFunctionConcurrencyInput{FunctionName: &name})
		if err != nil || !reflect.DeepEqual(got.ReservedConcurrentExecutions, want) {
			t.Errorf("GetFunctionConcurrency of %s: %+v, %v", name, got, err)
		}
	}
	for name, want := range map[string]types.RecursiveLoop{"f": types.RecursiveLoopAllow, "plain": types.RecursiveLoopTerminate} {
		got, err := c.GetFunctionRecursionConfig(t.Context(), &sdk.GetFunctionRecursionConfigInput{FunctionName: &name})
		if err != nil || got.RecursiveLoop != want {
			t.Errorf("GetFunctionRecursionConfig of %s: %+v, %v", name, got, err)
		}
	}
	_, err := c.GetPolicy(t.Context(), &sdk.GetPolicyInput{FunctionName: aws.String("f")})
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
		t.Errorf("GetPolicy: %v", err)
	}
	urls, err := c.ListFunctionUrlConfigs(t.Context(), &sdk.ListFunctionUrlConfigsInput{FunctionName: aws.String("f")})
	if err != nil || len(urls.FunctionUrlConfigs) != 0 {
		t.Errorf("ListFunctionUrlConfigs: %+v, %v", urls, err)
	}
	_, err = c.GetFunctionUrlConfig(t.Context(), &sdk.GetFunctionUrlConfigInput{FunctionName: aws.String("f")})
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
		t.Errorf("GetFunctionUrlConfig: %v", err)
	}
}

func TestDescribe_Aliases(t *testing.T) {
	c := described(t)
	alias, err := c.GetAlias(t.Context(), &sdk.GetAliasInput{FunctionName: aws.String("f"), Name: aws.String("live")})
	if err != nil || *alias.AliasArn != functionARN+":live" || *alias.FunctionVersion != "3" || *alias.Name != "live" {
		t.Errorf("GetAlias: %+v, %v", alias, err)
	}
	names := func(version *string) (names []string) {
		list, err := c.ListAliases(t.Context(), &sdk.ListAliasesInput{FunctionName: aws.String("f"), FunctionVersion: version})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range list.Aliases {
			names = append(names, *a.Name)
		}
		return names
	}
	if got := names(nil); !reflect.DeepEqual(got, []string{"live", "next", "old"}) {
		t.Errorf("ListAliases: %v", got)
	}
	if got := names(aws.String("3")); !reflect.DeepEqual(got, []string{"live", "old"}) {
		t.Errorf("ListAliases of version 3: %v", got)
	}
	versions, err := c.ListVersionsByFunction(t.Context(), &sdk.ListVersionsByFunctionInput{FunctionName: aws.String("f")})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range versions.Versions {
		got = append(got, *v.Version)
	}
	if !reflect.DeepEqual(got, []string{"$LATEST", "3", "10"}) {
		t.Errorf("ListVersionsByFunction: %v", got)
	}
}

func TestDescribe_AsynchronousSettingsBelongToTheirQualifier(t *testing.T) {
	c := described(t)
	got, err := c.GetFunctionEventInvokeConfig(t.Context(), &sdk.GetFunctionEventInvokeConfigInput{FunctionName: aws.String("f"), Qualifier: aws.String("live")})
	if err != nil || *got.FunctionArn != functionARN+":live" || *got.MaximumRetryAttempts != 1 || *got.MaximumEventAgeInSeconds != 3600 ||
		*got.DestinationConfig.OnFailure.Destination != "arn:aws:sqs:us-east-1:000000000000:dead" || got.LastModified == nil {
		t.Errorf("GetFunctionEventInvokeConfig: %+v, %v", got, err)
	}
	for _, qualifier := range []*string{nil, aws.String("$LATEST"), aws.String("next"), aws.String("3")} {
		_, err := c.GetFunctionEventInvokeConfig(t.Context(), &sdk.GetFunctionEventInvokeConfigInput{FunctionName: aws.String("f"), Qualifier: qualifier})
		if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
			t.Errorf("GetFunctionEventInvokeConfig of %q: %v", aws.ToString(qualifier), err)
		}
	}
	list, err := c.ListFunctionEventInvokeConfigs(t.Context(), &sdk.ListFunctionEventInvokeConfigsInput{FunctionName: aws.String("f")})
	if err != nil || len(list.FunctionEventInvokeConfigs) != 1 {
		t.Errorf("ListFunctionEventInvokeConfigs: %+v, %v", list, err)
	}
}

func TestDescribe_Mappings(t *testing.T) {
	c := described(t)
	list := func(in sdk.ListEventSourceMappingsInput) []types.EventSourceMappingConfiguration {
		t.Helper()
		out, err := c.ListEventSourceMappings(t.Context(), &in)
		if err != nil {
			t.Fatal(err)
		}
		return out.EventSourceMappings
	}
	if got := list(sdk.ListEventSourceMappingsInput{}); len(got) != 2 {
		t.Errorf("all: %d", len(got))
	}
	got := list(sdk.ListEventSourceMappingsInput{EventSourceArn: aws.String("arn:aws:sqs:us-east-1:000000000000:one")})
	if len(got) != 1 {
		t.Fatalf("by queue: %d", len(got))
	}
	m := got[0]
	if *m.FunctionArn != functionARN+":live" || *m.BatchSize != 5 || *m.MaximumBatchingWindowInSeconds != 2 || *m.ScalingConfig.MaximumConcurrency != 4 ||
		!reflect.DeepEqual(m.FunctionResponseTypes, []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures}) || *m.State != "Enabled" {
		t.Errorf("by queue: %+v", m)
	}
	one, err := c.GetEventSourceMapping(t.Context(), &sdk.GetEventSourceMappingInput{UUID: m.UUID})
	if err != nil || *one.EventSourceArn != *m.EventSourceArn {
		t.Errorf("GetEventSourceMapping: %+v, %v", one, err)
	}
	_, err = c.GetEventSourceMapping(t.Context(), &sdk.GetEventSourceMappingInput{UUID: aws.String("absent")})
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
		t.Errorf("GetEventSourceMapping of another: %v", err)
	}
	if got := list(sdk.ListEventSourceMappingsInput{FunctionName: aws.String("f")}); len(got) != 0 {
		t.Errorf("by function: %d, but the mapping is the alias's", len(got))
	}
	if got := list(sdk.ListEventSourceMappingsInput{FunctionName: aws.String("f:live")}); len(got) != 1 {
		t.Errorf("by alias: %d", len(got))
	}
	got = list(sdk.ListEventSourceMappingsInput{FunctionName: aws.String("plain")})
	if len(got) != 1 || *got[0].State != "Disabled" || len(got[0].FunctionResponseTypes) != 0 || got[0].ScalingConfig != nil {
		t.Errorf("by function: %+v", got)
	}
}

func TestDescribe_Pages(t *testing.T) {
	c := described(t)
	var names []string
	pages := sdk.NewListFunctionsPaginator(c, &sdk.ListFunctionsInput{MaxItems: aws.Int32(1)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Functions) != 1 {
			t.Errorf("a page of %d", len(page.Functions))
		}
		for _, f := range page.Functions {
			names = append(names, *f.FunctionName)
		}
	}
	if !reflect.DeepEqual(names, []string{"f", "plain"}) {
		t.Errorf("names %v", names)
	}
	for _, in := range []*sdk.ListFunctionsInput{{Marker: aws.String("x")}, {Marker: aws.String("99")}, {MaxItems: aws.Int32(0)}, {MaxItems: aws.Int32(10_001)}, {FunctionVersion: "SOME"}} {
		_, err := c.ListFunctions(t.Context(), in)
		if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != "InvalidParameterValueException" {
			t.Errorf("%q, %v: %v", aws.ToString(in.Marker), in.MaxItems, err)
		}
	}
}

// Each operation that reads a function says when there is none.
func TestDescribe_UnknownFunctions(t *testing.T) {
	b := newBench(t, lambda.Options{})
	for _, path := range []string{
		"/2015-03-31/functions/g", "/2015-03-31/functions/g/configuration", "/2015-03-31/functions/g/versions", "/2015-03-31/functions/g/aliases",
		"/2015-03-31/functions/g/aliases/live", "/2015-03-31/functions/g/policy", "/2015-03-31/event-source-mappings?FunctionName=g",
		"/2019-09-25/functions/g/event-invoke-config", "/2019-09-25/functions/g/event-invoke-config/list", "/2019-09-30/functions/g/concurrency",
		"/2021-10-31/functions/g/url", "/2021-10-31/functions/g/urls", "/2024-08-31/functions/g/recursion-config",
	} {
		w := httptest.NewRecorder()
		b.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusNotFound || w.Header().Get("X-Amzn-Errortype") != "ResourceNotFoundException" || !strings.Contains(w.Body.String(), "function:g") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if _, err := b.AddEventSourceMapping(lambda.EventSourceMapping{Function: "g"}); !errors.Is(err, lambda.ErrNotFound) {
		t.Errorf("AddEventSourceMapping: %v", err)
	}
}

// What the emulator does not do is refused by name, whatever the path.
func TestDescribe_UnknownOperations(t *testing.T) {
	c := described(t)
	for name, call := range map[string]func() error{
		"/2015-03-31/functions": func() error {
			_, err := c.CreateFunction(t.Context(), &sdk.CreateFunctionInput{FunctionName: aws.String("g"), Role: aws.String("r"), Code: &types.FunctionCode{}})
			return err
		},
		"/2015-03-31/functions/f": func() error {
			_, err := c.DeleteFunction(t.Context(), &sdk.DeleteFunctionInput{FunctionName: aws.String("f")})
			return err
		},
		"/2018-10-31/layers": func() error {
			_, err := c.ListLayers(t.Context(), nil)
			return err
		},
	} {
		err := call()
		if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != "UnknownOperationException" || !strings.Contains(e.ErrorMessage(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
