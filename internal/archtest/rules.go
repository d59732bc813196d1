package archtest

import "slices"

// Layers are the top folders from the lowest to the highest. A package imports its own folder, folders in lower layers,
// and internal; never a neighbour of its layer. So client and worker never meet.
var Layers = [][]string{
	{"task"},
	{"transport", "state"},
	{"client", "worker"},
	{"jobs", "infra", "console", "emulator"},
	{"functions", "cmd", "examples"},
}

// InternalMay lists the top folders that packages below internal/ may import. It ends below client and worker, so that
// nothing can join those two by way of internal.
var InternalMay = []string{"internal", "task", "transport", "state"}

// Folders are the top folders that the tree may have; each is a line of the design.
var Folders = []string{
	"task", "client", "transport", "state", "worker", "emulator", "console", "jobs", "functions", "infra", "localstack",
	"cmd", "examples", "bench", "internal", "docs",
}

// TestPackages are made for tests, so they may import what only tests may; nothing but tests and each other may import
// them.
var TestPackages = []string{
	"client/clienttest", "transport/transporttest", "transport/claimcheck/storetest", "state/statetest", "worker/workertest", "jobs/storetest", "infra/live/livetest", "internal/archtest", "internal/awss3/awss3test", "internal/memnet",
}

// Mains are the trees that wire programs: they read the environment and load configuration.
var Mains = []string{"functions", "cmd", "examples"}

// ImportRule keeps an import inside the packages that it is meant for. All names are prefixes, at a slash.
type ImportRule struct {
	Imports []string
	Only    []string // packages of the module that may; the rest may not
	Why     string
}

// ImportRules hold for files that are not tests.
var ImportRules = []ImportRule{
	{
		Imports: []string{"github.com/aws/aws-sdk-go-v2", "github.com/aws/smithy-go"},
		Only: []string{
			"transport/sqstransport", "transport/lambdatransport", "transport/claimcheck/s3store", "jobs/s3store", "state/dynamostate",
			"internal/awserr", "internal/awscall", "internal/awss3", "infra/live", "functions", "cmd", "examples",
		},
		Why: "the AWS SDK stays in the drivers named after a service, and in mains",
	},
	{
		Imports: []string{"github.com/aws/aws-lambda-go"},
		Only:    []string{"functions", "examples"},
		Why:     "only Lambda mains know the Lambda runtime: a worker is plain bytes in, bytes out",
	},
	{
		Imports: []string{"github.com/spf13"},
		Only:    []string{"cmd"},
		Why:     "the command line stays in cmd",
	},
	{
		Imports: []string{otel},
		Only:    []string{"client/otelclient"},
		Why:     "OpenTelemetry stays in the package that is named after it: the rest has hooks",
	},
	{
		Imports: []string{"testing", "go.uber.org/goleak", "pgregory.net/rapid", "github.com/cloudevents", "net/http/httptest", otel + "/otel/sdk"},
		Only:    TestPackages,
		Why:     "test libraries are not linked into programs",
	},
	{
		Imports: []string{Module + "/client/clienttest", Module + "/transport/transporttest", Module + "/transport/claimcheck/storetest", Module + "/state/statetest", Module + "/worker/workertest", Module + "/jobs/storetest", Module + "/infra/live/livetest", Module + "/internal/archtest", Module + "/internal/awss3/awss3test", Module + "/internal/memnet"},
		Only:    TestPackages,
		Why:     "test helpers are not linked into programs",
	},
	{
		Imports: []string{Module + "/jobs/analytics", Module + "/jobs/webhook", Module + "/jobs/thumbnail", Module + "/jobs/export", Module + "/worker"},
		Only:    []string{"jobs/analytics", "jobs/webhook", "jobs/thumbnail", "jobs/export", "worker", "functions", "emulator", "cmd", "examples/worker"},
		Why:     "definitions and APIs import no handler",
	},
}

// CallRule keeps functions inside the packages that may call them.
type CallRule struct {
	Calls []string
	Only  []string
	Allow map[string]string // package outside Only: the reason why it may
	Why   string
}

// CallRules hold for files that are not tests.
var CallRules = []CallRule{
	{
		Calls: []string{
			"os.Getenv", "os.LookupEnv", "os.Environ", "os.ExpandEnv", "os.Setenv", "os.Unsetenv", "os.Clearenv",
			"syscall.Getenv", "syscall.Environ",
		},
		Only: Mains,
		Allow: map[string]string{
			"emulator":         "the tools that build functions run in the environment of whoever started them",
			"emulator/lambda":  "a function process gets the PATH and TMPDIR of its host",
			"internal/awscall": "what the SDK itself reads there: which endpoint goes first, and the trace header of a Lambda invocation",
			"internal/cli":     "child processes of the command line inherit its environment",
		},
		Why: "libraries are told by their callers; only mains read the environment",
	},
	{
		Calls: []string{
			"github.com/aws/aws-sdk-go-v2/config.LoadDefaultConfig",
			"github.com/aws/aws-lambda-go/lambda.Start", "github.com/aws/aws-lambda-go/lambda.StartWithOptions",
			"github.com/aws/aws-lambda-go/lambda.StartHandler", "github.com/aws/aws-lambda-go/lambda.StartHandlerFunc",
		},
		Only: Mains,
		Why:  "only mains load AWS configuration and start the Lambda loop",
	},
	{
		Calls: []string{"os.Exit", "log.Fatal", "log.Fatalf", "log.Fatalln"},
		Only:  Mains,
		Why:   "a library returns errors",
	},
}

// DepsRule bounds everything that a package links, by way of others too. Prefixes at a slash.
type DepsRule struct {
	Package string
	Never   []string // may not be linked
	Only    []string // outside the standard library, nothing else may be; nil: anything
}

const (
	awsSDK = "github.com/aws/aws-sdk-go-v2"
	otel   = "go.opentelemetry.io"
)

// DepsRules are about the packages that users link into their programs. Package sqstransport needs the SDK's signer and
// credentials, and none of its services: those are what makes a binary large.
var DepsRules = []DepsRule{
	{Package: "task", Only: []string{Module + "/task", Module + "/internal/plainjson", Module + "/internal/ascii", "github.com/oklog/ulid/v2"}},
	{Package: "infra", Only: []string{Module + "/infra"}},
	{Package: "infra/template", Only: []string{Module + "/infra", Module + "/internal/cfn", "go.yaml.in/yaml/v3"}},
	{Package: "client", Never: append([]string{Module + "/worker"}, neverLinked...)},
	{Package: "client/journal", Only: []string{Module + "/client/journal"}},
	{Package: "worker", Never: append([]string{Module + "/client"}, neverLinked...)},
	{Package: "transport", Never: append([]string{Module + "/client", Module + "/worker"}, neverLinked...)},
	{Package: "transport/claimcheck", Never: append([]string{Module + "/client", Module + "/worker", "golang.org/x"}, neverLinked...)},
	{Package: "transport/claimcheck/dirstore", Never: append([]string{Module + "/client", Module + "/worker"}, neverLinked...)},
	{Package: "transport/claimcheck/s3store", Never: slices.Concat([]string{
		Module + "/client", Module + "/worker", awsSDK + "/config", awsSDK + "/feature",
	}, linkedBut("github.com/aws"))},
	{Package: "transport/sqstransport", Never: slices.Concat([]string{
		Module + "/client", Module + "/worker", awsSDK + "/service", awsSDK + "/config", awsSDK + "/feature",
	}, linkedBut("github.com/aws"))},
	{Package: "functions", Never: readers},
	{Package: "examples", Never: readers},
	{Package: "examples/worker", Never: []string{awsSDK + "/service", awsSDK + "/config", awsSDK + "/feature"}},
	{Package: "client/otelclient", Never: append([]string{Module + "/worker", otel + "/otel/sdk"}, linkedBut(otel)...)},
	{Package: "jobs", Never: append([]string{Module + "/client", Module + "/worker", "golang.org/x/image"}, neverLinked...)},
}

// readers are what only the command line needs, to read live stacks.
var readers = []string{
	Module + "/infra", awsSDK + "/service/cloudformation", awsSDK + "/service/cloudwatch",
	awsSDK + "/service/cloudwatchlogs", awsSDK + "/service/iam",
}

// linkedBut is neverLinked without one.
func linkedBut(one string) []string {
	return slices.DeleteFunc(slices.Clone(neverLinked), func(p string) bool { return p == one })
}

var neverLinked = []string{
	otel, "github.com/aws", "github.com/spf13", "github.com/cloudevents", "go.uber.org/goleak", "pgregory.net/rapid",
	"testing", "net/http/httptest",
	Module + "/emulator", Module + "/console", Module + "/infra", Module + "/functions", Module + "/cmd", Module + "/examples",
	Module + "/client/clienttest", Module + "/transport/transporttest", Module + "/transport/claimcheck/storetest", Module + "/state/statetest",
	Module + "/worker/workertest", Module + "/jobs/storetest", Module + "/internal/archtest",
}

// Lines are the first words of package comments, after "Package NAME" and perhaps "is": the lines of the map in the
// design.
var Lines = map[string]string{
	"task":                           "what a task is: Definition, Task, Envelope, Policy, outcome errors. Standard library and an id generator only.",
	"client":                         "the thin client on the web host: Fire, FireBatch, Flush, Close.",
	"client/clienttest":              "a recorder and typed assertions for users' own tests",
	"client/journal":                 "the crash-safe log behind the Journaled mode",
	"client/otelclient":              "OpenTelemetry for the client",
	"transport":                      "how envelopes travel: the Sender seam (out) and the Settler seam (what becomes of a delivery).",
	"transport/transporttest":        "the conformance suite every sender and settler passes",
	"transport/claimcheck":           "payloads too large for a message",
	"transport/claimcheck/storetest": "the conformance suite every claimcheck.Store passes",
	"state":                          "what is known about a task: lease, checkpoint, progress, result: the Store seam.",
	"state/statetest":                "the conformance suite every store passes",
	"worker":                         "what a handler runs inside: Mux, middleware, batches, retries, deadlines, once-only, checkpoints.",
	"worker/workertest":              "runs one task through the real executor",
	"emulator":                       "SQS, event source mappings and Lambda on one machine, driven by template.yaml. For development and tests.",
	"console":                        "the web console: an http.Handler over a small Source interface. html/template and embed, no build step.",
	"jobs":                           "this deployment's definitions (what the API imports); one folder each for the handlers: analytics, webhook, thumbnail, export.",
	"infra":                          "the rules that a stack must keep, and their two readers: of the template, of a live stack.",
}

// Sleepers are test files that may sleep outside testing/synctest: each has its reason.
var Sleepers = map[string]string{
	"client/bench_test.go":                   "the network of a benchmark takes real time",
	"client/oracle_test.go":                  "runs in the synctest bubble that main_test.go opens",
	"client/retry_test.go":                   "the same",
	"emulator/lambda/main_test.go":           "plays a function that hangs on purpose, in a process of its own",
	"emulator/lambda/pool_test.go":           "a child process waits to be killed",
	"transport/sqstransport/bench_test.go":   "the network of a benchmark takes real time",
	"transport/memtransport/example_test.go": "an example polls in the fewest words",
}

// MaxLines is the longest file that is not a test.
const MaxLines = 450
