package main

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
)

// cloudFormation answers DescribeStacks for one stack with these outputs, and as AWS does for any other.
func cloudFormation(t *testing.T, stack string, outputs map[string]string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("Action") != "DescribeStacks" || r.FormValue("StackName") != stack {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id %s does not exist</Message></Error></ErrorResponse>`, r.FormValue("StackName"))
			return
		}
		var members strings.Builder
		for key, value := range outputs {
			fmt.Fprintf(&members, "<member><OutputKey>%s</OutputKey><OutputValue>%s</OutputValue></member>", key, html.EscapeString(value))
		}
		fmt.Fprintf(w, `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>%s</StackName><StackStatus>CREATE_COMPLETE</StackStatus>`+
			`<CreationTime>2026-01-01T00:00:00Z</CreationTime><Outputs>%s</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`, stack, members.String())
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s",
		"AWS_PROFILE": "", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
	} {
		t.Setenv(name, value)
	}
}

func env(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, errs strings.Builder
	status = run(t.Context(), append([]string{"env"}, args...), &out, &errs)
	return out.String(), errs.String(), status
}

func TestEnvPrintsOutputs(t *testing.T) {
	cloudFormation(t, "prod", map[string]string{"QueueUrl": "https://sqs/1", "Odd": "it's $HOME"})
	stdout, stderr, status := env(t, "--stack", "prod", "--format", "plain")
	if want := "OFFLOAD_ODD=it's $HOME\nOFFLOAD_QUEUE_URL=https://sqs/1\n"; stdout != want || status != 0 {
		t.Errorf("plain: status %d, output %q, want %q\n%s", status, stdout, want, stderr)
	}
	stdout, stderr, status = env(t, "--stack", "prod")
	if status != 0 {
		t.Fatalf("shell: status %d: %s", status, stderr)
	}
	// A shell is the judge of the quoting.
	got, err := exec.Command("sh", "-c", `eval "$1"; printf '%s|%s' "$OFFLOAD_QUEUE_URL" "$OFFLOAD_ODD"`, "sh", stdout).Output()
	if want := "https://sqs/1|it's $HOME"; err != nil || string(got) != want {
		t.Errorf("eval gave %q (%v), want %q", got, err, want)
	}
}

func TestEnvRefuses(t *testing.T) {
	cloudFormation(t, "empty", nil)
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"a stack that is not there": {[]string{"--stack", "prodd"}, `stack "prodd" in region "eu-west-1"`},
		"a stack without outputs":   {[]string{"--stack", "empty"}, "has no outputs"},
		"a format":                  {[]string{"--format", "yaml"}, `--format "yaml": must be shell or plain`},
	} {
		if stdout, stderr, status := env(t, tt.args...); status != 1 || stdout != "" || !strings.Contains(stderr, tt.want) {
			t.Errorf("%s: status %d, output %q, error %q, want %q", name, status, stdout, stderr, tt.want)
		}
	}
	t.Setenv("AWS_REGION", "")
	if _, stderr, status := env(t); status != 1 || !strings.Contains(stderr, "there is no region: set AWS_REGION") {
		t.Errorf("no region: status %d, error %q", status, stderr)
	}
	cloudFormation(t, "prod", map[string]string{"QueueUrl": "https://sqs/1"})
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	if _, stderr, status := env(t, "--stack", "prod"); status != 1 || !strings.Contains(stderr, "there are no credentials: set AWS_PROFILE") {
		t.Errorf("no credentials: status %d, error %q", status, stderr)
	}
	none := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotImplemented) }))
	t.Cleanup(none.Close)
	cloudFormation(t, "prod", nil)
	t.Setenv("AWS_ENDPOINT_URL", none.URL)
	if _, stderr, status := env(t, "--stack", "prod"); status != 1 || !strings.Contains(stderr, "has no CloudFormation; offload dev gives the variables") {
		t.Errorf("no CloudFormation: status %d, error %q", status, stderr)
	}
	cloudFormation(t, "lines", map[string]string{"Two": "a\nOFFLOAD_QUEUE_URL=evil"})
	if stdout, stderr, status := env(t, "--stack", "lines", "--format", "plain"); status != 1 || stdout != "" || !strings.Contains(stderr, "output Two holds a line break") {
		t.Errorf("line break: status %d, output %q, error %q", status, stdout, stderr)
	}
}
