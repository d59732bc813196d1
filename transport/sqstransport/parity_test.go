package sqstransport_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/middleware"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport/sqstransport"
)

// request is what a service and its signature see of a request.
type request struct {
	Method, URL, Host string
	Header            map[string]string
	Scope             string
	Body              any
}

// requests records what k sends under cfg: a batch, a retry and a dead letter.
func requests(t *testing.T, k kind, cfg aws.Config) (all []request, err error) {
	t.Helper()
	cfg.HTTPClient = doFunc(func(r *http.Request) (*http.Response, error) {
		seen := request{Method: r.Method, URL: r.URL.String(), Host: r.Host, Header: map[string]string{}}
		for _, name := range []string{"Content-Type", "X-Amz-Target", "X-Amzn-Query-Mode", "X-Amzn-Trace-Id", "X-Amz-Security-Token"} {
			seen.Header[name] = r.Header.Get(name)
		}
		if r.Host == "" {
			seen.Host = r.URL.Host
		}
		seen.Scope = regexp.MustCompile(`/\d{8}/([^,]*),`).FindString(r.Header.Get("Authorization"))
		seen.Scope = seen.Scope[min(len(seen.Scope), 10):]
		if err := json.NewDecoder(r.Body).Decode(&seen.Body); err != nil {
			t.Error(err)
		}
		all = append(all, seen)
		return answer(400, `{"__type":"QueueDoesNotExist"}`), nil
	})
	client := k.client(cfg)
	const work, dead = "https://sqs.us-east-1.amazonaws.com/111111111111/a", "https://sqs.us-east-1.amazonaws.com/111111111111/b"
	s, err := sqstransport.New(client, work, &sqstransport.Options{AllowPlaintext: true})
	if err != nil {
		return nil, err
	}
	e, parseErr := task.Parse([]byte(`{"specversion":"1.0","id":"1","source":"/x","type":"x","traceparent":"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01","data":"\u2028é\u0000<"}`))
	if parseErr != nil {
		t.Fatal(parseErr)
	}
	results, err := s.Send(t.Context(), []task.Envelope{e, e})
	if len(all) == 0 {
		return nil, errors.Join(err, results[0].Err)
	}
	settler, err := sqstransport.NewSettler(client, sqstransport.Queue{URL: work, DeadLetterURL: dead})
	if err != nil {
		t.Fatal(err)
	}
	ds := from(aARN, aARN)
	settler.Retry(t.Context(), ds, slices.Repeat(halfMinute, 2))
	settler.DeadLetter(t.Context(), ds, slices.Repeat(someReason, 2))
	return all, nil
}

// TestLeanSendsWhatTheSDKSends compares destination, signed scope, headers and body, request by request, in every region
// that differs and under every configuration that decides where a request goes.
func TestLeanSendsWhatTheSDKSends(t *testing.T) {
	home := t.TempDir()
	for name, text := range map[string]string{
		"config": "[profile global]\nendpoint_url = http://127.0.0.1:1\n[profile service]\nservices = own\nendpoint_url = http://127.0.0.1:1\n" +
			"[services own]\nsqs =\n  endpoint_url = http://127.0.0.1:2/path\n[profile fips]\nuse_fips_endpoint = true\n",
		"credentials": "",
	} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	regions := []string{
		"us-east-1", "eu-west-1", "ap-southeast-7", "il-central-1", "mx-central-1", "xx-new-1", "cn-north-1", "cn-northwest-1", "eusc-de-east-1",
		"us-gov-west-1", "us-gov-east-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1", "fips-us-west-2", "us-gov-west-1-fips", "us-fips-east-1", "", "a b", "-x", "UPPER-1",
	}
	environments := map[string]map[string]string{
		"plain":                         {},
		"FIPS":                          {"AWS_USE_FIPS_ENDPOINT": "true"},
		"dual-stack":                    {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
		"both":                          {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
		"endpoint":                      {"AWS_ENDPOINT_URL": "http://127.0.0.1:3"},
		"endpoint with a path":          {"AWS_ENDPOINT_URL": "http://127.0.0.1:3/a/b"},
		"endpoint of SQS":               {"AWS_ENDPOINT_URL": "http://127.0.0.1:3", "AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:4/"},
		"endpoints ignored":             {"AWS_ENDPOINT_URL": "http://127.0.0.1:3", "AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:4", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
		"endpoint and FIPS":             {"AWS_ENDPOINT_URL": "http://127.0.0.1:3", "AWS_USE_FIPS_ENDPOINT": "true"},
		"endpoint of a profile":         {"AWS_PROFILE": "global"},
		"services of a profile":         {"AWS_PROFILE": "service"},
		"services, and the environment": {"AWS_PROFILE": "service", "AWS_ENDPOINT_URL": "http://127.0.0.1:3"},
		"FIPS of a profile":             {"AWS_PROFILE": "fips"},
		"Lambda":                        {"AWS_LAMBDA_FUNCTION_NAME": "f", "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a|b:1"},
		"Lambda without a trace":        {"AWS_LAMBDA_FUNCTION_NAME": "f"},
		"a trace elsewhere":             {"_X_AMZN_TRACE_ID": "Root=1"},
		"a token":                       {"AWS_SESSION_TOKEN": "t"},
	}
	for _, name := range slices.Sorted(maps.Keys(environments)) {
		t.Run(name, func(t *testing.T) {
			for key, value := range map[string]string{
				"AWS_CONFIG_FILE": filepath.Join(home, "config"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(home, "credentials"),
				"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "SECRET", "AWS_EC2_METADATA_DISABLED": "true",
			} {
				t.Setenv(key, value)
			}
			for key, value := range environments[name] {
				t.Setenv(key, value)
			}
			cfg, err := awsconfig.LoadDefaultConfig(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, cfg.Region = range regions {
				want, wantErr := requests(t, viaSDK, cfg)
				got, err := requests(t, lean, cfg)
				if cfg.Region == "" && err != nil {
					continue // refused, also where an endpoint is set; the SDK then signs for no region
				}
				if (err == nil) != (wantErr == nil) {
					t.Errorf("region %q: error %v, that of the SDK %v", cfg.Region, err, wantErr)
				}
				for i := range want {
					// With a FIPS setting beside it the SDK signs for the older name of a FIPS region, which no service has.
					want[i].Scope = strings.NewReplacer("fips-", "", "-fips", "").Replace(want[i].Scope)
				}
				if i := differ(got, want); i >= 0 {
					t.Errorf("region %q: %d requests, the SDK sends %d; request %d is\n%+v\nthe SDK sends\n%+v", cfg.Region, len(got), len(want), i, got[i:i+1], want[i:i+1])
				}
			}
		})
	}
}

// traceKey is where the Lambda runtime for Go keeps the header.
var traceKey any = "x-amzn-trace-id"

// TestTraceOfTheContextComesFirst: with many invocations at once the environment can have that of one only.
func TestTraceOfTheContextComesFirst(t *testing.T) {
	t.Setenv("AWS_LAMBDA_FUNCTION_NAME", "f")
	t.Setenv("_X_AMZN_TRACE_ID", "Root=environment")
	var seen string
	s := lean.sender(t, func(r *http.Request) (*http.Response, error) {
		seen = r.Header.Get("X-Amzn-Trace-Id")
		return answer(500, ""), nil
	})
	for want, value := range map[string]any{"Root=context": "Root=context", "Root=environment": nil, "a%0D%0Ab": "a\r\nb"} {
		ctx := context.WithValue(t.Context(), traceKey, value)
		if _, _ = s.Send(ctx, envelopes(t, 1)); seen != want {
			t.Errorf("the header is %q, want %q", seen, want)
		}
	}
}

// differ returns the first place where a and b are not alike, -1 if there is none.
func differ(a, b []request) int {
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || !reflect.DeepEqual(a[i], b[i]) {
			return min(i, len(a)-1, len(b)-1)
		}
	}
	return -1
}

// TestLambdaConfigIsThatOfTheEnvironment compares it with what the SDK loads from the same variables.
func TestLambdaConfigIsThatOfTheEnvironment(t *testing.T) {
	for name, more := range map[string]map[string]string{
		"Lambda":           {},
		"FIPS":             {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "false"},
		"dual-stack":       {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
		"endpoint":         {"AWS_ENDPOINT_URL": "http://127.0.0.1:3"},
		"endpoint of SQS":  {"AWS_ENDPOINT_URL": "http://127.0.0.1:3", "AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:4"},
		"only that of SQS": {"AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:4", "AWS_USE_FIPS_ENDPOINT": "false"},
		"of others":        {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:4"},
		"ignored":          {"AWS_ENDPOINT_URL": "http://127.0.0.1:3", "AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:4", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
	} {
		t.Run(name, func(t *testing.T) {
			for key, value := range map[string]string{
				"AWS_REGION": "eu-north-1", "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "SECRET", "AWS_SESSION_TOKEN": "t",
				"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_LAMBDA_FUNCTION_NAME": "f",
			} {
				t.Setenv(key, value)
			}
			for key, value := range more {
				t.Setenv(key, value)
			}
			loaded, err := awsconfig.LoadDefaultConfig(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			cfg, err := sqstransport.LambdaConfig(os.Getenv)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range []kind{lean, viaSDK} {
				want, wantErr := requests(t, k, loaded)
				got, err := requests(t, k, cfg)
				if err != nil || wantErr != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("%s: sent\n%+v (%v)\nwith the loaded configuration\n%+v (%v)", k.name, got, err, want, wantErr)
				}
			}
		})
	}
	_, err := sqstransport.LambdaConfig(func(string) string { return "" })
	for _, want := range []string{"AWS_REGION is not set", "AWS_ACCESS_KEY_ID is not set", "AWS_SECRET_ACCESS_KEY is not set", "config.LoadDefaultConfig"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

// TestLambdaConfigReadsOneEnvironment gives it another environment than that of the process.
func TestLambdaConfigReadsOneEnvironment(t *testing.T) {
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
	t.Setenv("AWS_USE_FIPS_ENDPOINT", "true")
	for want, more := range map[string]map[string]string{
		"sqs.eu-north-1.amazonaws.com": nil,
		"127.0.0.1:4":                  {"AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:4"},
		"127.0.0.1:3":                  {"AWS_ENDPOINT_URL": "http://127.0.0.1:3"},
	} {
		cfg, err := sqstransport.LambdaConfig(func(name string) string {
			return cmp.Or(more[name], map[string]string{"AWS_REGION": "eu-north-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s"}[name])
		})
		if err != nil {
			t.Fatal(err)
		}
		s := newSender(t, sqstransport.NewClient(cfg), "https://sqs.eu-north-1.amazonaws.com/1/q", nil)
		if got := s.Destination().Server; got != want {
			t.Errorf("with %v requests go to %q, want %q", more, got, want)
		}
	}
}

// TestWhatOnlyTheSDKDoesIsRefused: to leave it out in silence would be to lose somebody's tracing.
func TestWhatOnlyTheSDKDoesIsRefused(t *testing.T) {
	for want, change := range map[string]func(*aws.Config){
		"APIOptions": func(c *aws.Config) {
			c.APIOptions = append(c.APIOptions, func(*middleware.Stack) error { return nil })
		},
		"Interceptors": func(c *aws.Config) {
			c.Interceptors.BeforeTransmit = append(c.Interceptors.BeforeTransmit, nil)
		},
		"ServiceOptions": func(c *aws.Config) { c.ServiceOptions = append(c.ServiceOptions, func(string, any) {}) },
		"EndpointResolver": func(c *aws.Config) {
			c.BaseEndpoint = nil
			//lint:ignore SA1019 people still have it
			c.EndpointResolverWithOptions = aws.EndpointResolverWithOptionsFunc(nil) //nolint:staticcheck // the same
		},
		"no credentials": func(c *aws.Config) { c.Credentials = nil },
		"set the region": func(c *aws.Config) { c.Region = "" },
		"is not a URL":   func(c *aws.Config) { c.BaseEndpoint = aws.String("http://%zz") },
		"has no host":    func(c *aws.Config) { c.BaseEndpoint = aws.String("localhost") },
	} {
		cfg := config(nil, endpoint)
		change(&cfg)
		client := sqstransport.NewClient(cfg)
		if _, err := sqstransport.New(client, queueURL, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("sender: error %v, want %q in it", err, want)
		}
		if _, err := sqstransport.NewSettler(client, sqstransport.Queue{URL: queueURL}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("settler: error %v, want %q in it", err, want)
		}
	}
}

// TestH3_ActionsAreThoseOfTheOperationsCalled lets a sender and a settler do all that they can.
func TestH3_ActionsAreThoseOfTheOperationsCalled(t *testing.T) {
	all, err := requests(t, lean, config(nil, endpoint))
	if err != nil {
		t.Fatal(err)
	}
	called := map[string]bool{}
	for _, r := range all {
		called[strings.TrimPrefix(r.Header["X-Amz-Target"], "AmazonSQS.")] = true
	}
	actions := sqstransport.Actions()
	if got, want := slices.Sorted(maps.Keys(called)), slices.Sorted(maps.Keys(actions)); !slices.Equal(got, want) {
		t.Errorf("called %v, want %v", got, want)
	}
	clear(actions)
	if len(sqstransport.Actions()) != 2 {
		t.Error("the map is not the caller's own")
	}
}
