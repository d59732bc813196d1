package infra_test

import (
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/transport/claimcheck"
	"github.com/offloadhq/offload/transport/claimcheck/s3store"
	"github.com/offloadhq/offload/transport/sqstransport"
)

// actions are the IAM actions that allow the operations which the project's programs call.
// Source: Service Authorization Reference, "Actions, resources, and condition keys" of each service: batches have no action
// of their own, and all parts of an upload but its end by Abort are s3:PutObject (S3 User Guide, "Multipart upload API and
// permissions").
var actions = map[string]string{
	"sqs.SendMessage":                  "sqs:SendMessage",
	"sqs.SendMessageBatch":             "sqs:SendMessage",
	"sqs.ChangeMessageVisibility":      "sqs:ChangeMessageVisibility",
	"sqs.ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
	"lambda.Invoke":                    "lambda:InvokeFunction",
	"s3.PutObject":                     "s3:PutObject",
	"s3.GetObject":                     "s3:GetObject",
	"s3.CreateMultipartUpload":         "s3:PutObject",
	"s3.UploadPart":                    "s3:PutObject",
	"s3.CompleteMultipartUpload":       "s3:PutObject",
	"s3.AbortMultipartUpload":          "s3:AbortMultipartUpload",
}

// callers are the types whose exported methods are operations of a service, as the linker names them: the clients of the SDK, and
// our own encodings of a protocol. One more of those needs a line here; without it the test finds too few operations.
var callers = []*regexp.Regexp{
	regexp.MustCompile(`/aws-sdk-go-v2/service/(\w+)\.\(\*Client\)\.([A-Z]\w*)$`),
	regexp.MustCompile(`/transport/(sqs|lambda)transport\.\(\*lean\)\.([A-Z]\w*)$`),
}

// notCalled are exported methods of callers that call nothing, or are never called here.
var notCalled = []string{
	"lambda.Options", "s3.Options", "sqs.Options", "sqs.Facts",
	"s3.CreateSession", // the client calls it itself for directory buckets (S3 Express One Zone), and the stack has none
}

// credentials are the services with which the SDK gets credentials on a developer's machine. A Lambda function and a host with
// a role have theirs already.
var credentials = []string{"signin", "sso", "ssooidc", "sts"}

// TestH3_EachActionOfTheCodeIsInItsRole derives the actions from the programs: the linker keeps a method only if something can
// call it (cmd/link, "Deadcode"), so what is left of the clients is what the program may call. That works as long as
// nothing looks up methods by name at run time, and so needs the tag lambda.norpc, with which the functions are built for
// AWS too: net/rpc makes the linker keep every method. Of the hundred operations of S3 it keeps the seven that are named
// above; with the SDK's client for SQS it kept 2 of 23.
func TestH3_EachActionOfTheCodeIsInItsRole(t *testing.T) {
	for _, program := range []struct {
		dir   string
		needs []infra.Need
	}{
		{"functions/worker", infra.WorkerNeeds()},
		{"examples/api", infra.ProducerNeeds()},
	} {
		t.Run(program.dir, func(t *testing.T) {
			t.Parallel()
			var want []string
			for _, n := range program.needs {
				if n.By == infra.ByCode {
					want = append(want, n.Action)
				}
			}
			slices.Sort(want)
			want = slices.Compact(want)
			if got := called(t, program.dir); !slices.Equal(got, want) {
				t.Errorf("the code calls\n%s\nthe rules say\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// called gives the actions that a program needs, from its symbols.
func called(t *testing.T, dir string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "program")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-o", file, "./"+dir)
	build.Dir = ".."
	build.Env = append(build.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build ./%s: %v\n%s", dir, err, out)
	}
	out, err := exec.CommandContext(t.Context(), "go", "tool", "nm", file).Output()
	if err != nil {
		t.Fatalf("go tool nm: %v", err)
	}
	found := make(map[string]bool)
	for line := range strings.Lines(string(out)) {
		for _, caller := range callers {
			m := caller.FindStringSubmatch(strings.TrimSpace(line))
			if m == nil || slices.Contains(credentials, m[1]) || slices.Contains(notCalled, m[1]+"."+m[2]) {
				continue
			}
			action, ok := actions[m[1]+"."+m[2]]
			if !ok {
				t.Errorf("%s: which IAM action allows %s.%s? Add it to the table", dir, m[1], m[2])
				continue
			}
			found[action] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// TestH3_TablesAgree: the driver says itself which actions its operations need.
func TestH3_TablesAgree(t *testing.T) {
	for operation, action := range sqstransport.Actions() {
		if actions["sqs."+operation] != action {
			t.Errorf("sqs.%s: the driver says %s, the table %q", operation, action, actions["sqs."+operation])
		}
	}
	for operation, action := range s3store.Actions() {
		if actions["s3."+operation] != action {
			t.Errorf("s3.%s: the store says %s, the table %q", operation, action, actions["s3."+operation])
		}
	}
}

// The rules look where the store writes, and ask of a bucket what the claim check asks of a store.
func TestG2_RulesAgreeWithTheStore(t *testing.T) {
	if infra.PayloadsPrefix != s3store.DefaultPrefix {
		t.Errorf("the rules look below %q, the store writes below %q", infra.PayloadsPrefix, s3store.DefaultPrefix)
	}
	s := small()
	s.Buckets = []infra.Bucket{{Resource: named("P", "arn:aws:s3:::P"), Expirations: []infra.Expiration{{Days: int(claimcheck.MinRetention / day)}}}}
	s.Outputs["PayloadsBucket"] = "P"
	rule := func(f infra.Finding) bool { return f.Rule == "G2-lifetime" }
	if r := infra.Check(s); slices.ContainsFunc(r.Findings, rule) {
		t.Errorf("claimcheck.MinRetention is too short: %v", r.Findings)
	}
	s.Buckets[0].Expirations[0].Days--
	if r := infra.Check(s); !slices.ContainsFunc(r.Findings, rule) {
		t.Error("claimcheck.MinRetention is longer than the rules ask for")
	}
}
