package cli_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/offloadhq/offload/internal/cli"
)

func TestEnvironReplaces(t *testing.T) {
	t.Setenv("OFFLOAD_TEST", "old")
	var out output
	p, err := cli.Start([]string{"sh", "-c", `echo "$OFFLOAD_TEST"`}, cli.Environ(map[string]string{"OFFLOAD_TEST": "new"}), &out, &out)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Err(); err != nil || out.String() != "new\n" {
		t.Fatalf("%q, %v", out.String(), err)
	}
}

func TestNothingLeadsTheSDKElsewhere(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_PROFILE": "production", "AWS_SESSION_TOKEN": "secret", "AWS_ENDPOINT_URL_SQS": "https://sqs.example.com",
		"AWS_ENDPOINT_URL_LAMBDA": "https://lambda.example.com", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
		"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000",
	} {
		t.Setenv(name, value)
	}
	var out output
	p, err := cli.Start([]string{"env"}, cli.Environ(map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}), &out, &out)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Err(); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for line := range strings.Lines(out.String()) {
		if name, value, _ := strings.Cut(strings.TrimSpace(line), "="); strings.HasPrefix(name, "AWS_ENDPOINT_URL") || misleads(name) {
			got[name] = value
		}
	}
	if want := map[string]string{"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000"}; !maps.Equal(got, want) {
		t.Errorf("the command gets %v, want %v", got, want)
	}
	if got, want := cli.ServiceEndpoints(), map[string]string{"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9000"}; !maps.Equal(got, want) {
		t.Errorf("endpoints of other services: %v, want %v", got, want)
	}
}

func misleads(name string) bool {
	return name == "AWS_PROFILE" || name == "AWS_SESSION_TOKEN" || name == "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"
}
