package template

import (
	"time"

	"github.com/offloadhq/offload/internal/cfn"
)

// A Template is what one template file describes, as far as the emulator runs it. All values are computed. It is plain
// data: nothing in it changes after Load, and it may be read concurrently.
type Template struct {
	File      string // as given to Load
	Dir       string // absolute directory of File; relative paths in the template start here
	Queues    []Queue
	Functions []Function
	Mappings  []Mapping     // event source mappings, in the order of the template
	Outputs   []Output      // outputs whose value could be computed, in the order of the template
	Warnings  []cfn.Warning // sorted by line
}

// A Queue is one AWS::SQS::Queue. Template.Queues holds a dead-letter queue before the queues that name it, so that they can be
// created in order.
type Queue struct {
	LogicalID  string
	Name       string // the logical id when the template gives no QueueName
	ARN        string
	URL        string            // what Ref gives: Options.QueueURL of Name
	Attributes map[string]string // the attributes that the template sets, named and spelled as CreateQueue takes them
	Tags       map[string]string
	Line       int
}

// Build methods of a [Function]. MethodPrebuilt means that CodeDir holds an executable bootstrap, which is run as it is.
const (
	MethodGo       = "go1.x"
	MethodMakefile = "makefile"
	MethodPrebuilt = "prebuilt"
)

// A Function is one AWS::Serverless::Function or AWS::Lambda::Function that can run on this machine: a Go program, or
// anything else that a makefile builds into an executable named bootstrap.
type Function struct {
	LogicalID       string
	Name            string // the logical id when the template gives no FunctionName
	ARN             string // without a qualifier
	CodeDir         string // absolute; the directory that CodeUri (or Code) names
	Handler         string
	Runtime         string // provided.al2023 or provided.al2
	BuildMethod     string // MethodGo, MethodMakefile or MethodPrebuilt
	BuildProperties BuildProperties
	Architectures   []string          // as in the template; builds are for the host all the same
	Env             map[string]string // the template's own variables; Lambda's are added by who runs it
	Timeout         time.Duration     // 1 s to 900 s; 3 s when not set
	MemoryMB        int               // 128 to 10240; 128 when not set
	Reserved        *int              // ReservedConcurrentExecutions; nil: not reserved
	AllowRecursion  bool              // RecursiveLoop: Allow
	Alias           string            // AutoPublishAlias, or the first AWS::Lambda::Alias; "" when there is none
	Aliases         []string          // every alias of the function, Alias first
	Async           Async
	AsyncQualifier  string // the qualifier that Async holds for: "" or "$LATEST" is the unqualified function
	Line            int
}

// BuildProperties are the settings of a function's build, from the Metadata of its resource.
type BuildProperties struct {
	TrimGoPath       bool   // go1.x: build with -trimpath
	WorkingDirectory string // makefile: absolute directory that make runs in; "" means CodeDir
}

// Async says what becomes of asynchronous invocations of a function (EventInvokeConfig).
type Async struct {
	MaxRetries *int          // 0 to 2; nil: Lambda's default of 2
	MaxAge     time.Duration // 60 s to 6 h; 0: Lambda's default of 6 h
	OnFailure  string        // ARN of the queue for events that failed for good; "" when there is none
}

// A Mapping is one event source mapping from a queue to a function.
type Mapping struct {
	LogicalID               string
	QueueARN                string
	FunctionName            string
	Qualifier               string        // "" is the unqualified function; the alias when the function has AutoPublishAlias
	BatchSize               int           // 1 to 10000; 10 when not set
	Window                  time.Duration // MaximumBatchingWindowInSeconds; 0 to 300 s
	MaximumConcurrency      int           // 2 to 1000; 0 when not set
	ReportBatchItemFailures bool
	Enabled                 bool
	Line                    int
}

// An Output is one output of the template.
type Output struct {
	Name    string
	EnvName string // see EnvName
	Value   string
	Line    int
}
