package infra

import "time"

// A Queue is an AWS::SQS::Queue.
type Queue struct {
	Resource
	URL                string
	FIFO               bool
	VisibilityTimeout  time.Duration // 30 s when not set
	Retention          time.Duration // 4 days when not set
	Delay              time.Duration
	MaximumMessageSize int    // bytes; 1,048,576 when not set
	DeadLetterARN      string // RedrivePolicy; "" when there is none
	MaxReceiveCount    int    // RedrivePolicy; 0 when there is none
	RedriveAllow       RedriveAllow
	ManagedSSE         bool        // keys of SQS; the default when nothing is set
	KMSKeyID           string      // key, alias or ARN; "" when KMS is not used
	Policy             []Statement // the queue's own policy
}

// RedriveAllow is the RedriveAllowPolicy of a dead-letter queue.
type RedriveAllow struct {
	Permission string   // allowAll (also when not set), denyAll or byQueue
	Sources    []string // ARNs, sorted; byQueue only
}

// A Function is an AWS::Lambda::Function, with everything that hangs on it.
type Function struct {
	Resource
	Runtime             string
	Architecture        string // x86_64 when not set
	Timeout             time.Duration
	MemoryMB            int
	ReservedConcurrency *int   // nil: not reserved
	RecursiveLoop       string // Terminate (also when not set) or Allow
	RoleARN             string
	LogGroup            string // name; /aws/lambda/NAME when not set
	DeadLetterARN       string // DeadLetterConfig; "" when there is none
	KMSKeyARN           string // key of the environment variables; "" for AWS's own
	Aliases             []string
	Async               []Async // event invoke configurations, by qualifier
	URLs                []FunctionURL
	Policy              []Statement // resource policies of the function and its aliases

	// What the worker is told by its variables; "" when they are not set. Nothing else is read of the variables.
	QueueURL           string // OFFLOAD_QUEUE_URL: where it settles what failed
	DeadLetterQueueURL string // OFFLOAD_DEAD_LETTER_QUEUE_URL
}

// Async is an event invoke configuration: what becomes of asynchronous invocations of one qualifier.
type Async struct {
	Qualifier  string        // the alias or version; "$LATEST" for the unqualified function
	MaxRetries int           // 2 when not set
	MaxAge     time.Duration // 6 h when not set
	OnFailure  string        // ARN; "" when there is none
	OnSuccess  string        // ARN; "" when there is none
}

// A FunctionURL makes a function reachable over HTTPS.
type FunctionURL struct {
	Qualifier string // "" for the unqualified function
	AuthType  string // NONE or AWS_IAM
}

// A Mapping is an AWS::Lambda::EventSourceMapping from a queue to a function.
type Mapping struct {
	Resource
	QueueARN                string
	FunctionARN             string // with the qualifier that the mapping calls
	BatchSize               int    // 10 when not set
	Window                  time.Duration
	ReportBatchItemFailures bool
	MaximumConcurrency      int  // 0 when not set
	ProvisionedPollers      bool // ProvisionedPollerConfig is set
	Filters                 []string
	Enabled                 bool
}

// A Role is an AWS::IAM::Role with all its inline policies.
type Role struct {
	Resource
	Trust           []Statement
	Statements      []Statement
	ManagedPolicies []string // ARNs, sorted
}

// A ManagedPolicy is an AWS::IAM::ManagedPolicy of the stack.
type ManagedPolicy struct {
	Resource
	Statements []Statement
}

// A Statement is one statement of an IAM policy. Lists are sorted; where IAM takes one string for a list of one, there is a list.
type Statement struct {
	Sid           string
	Effect        string
	Principals    []string // "*", or kind and id: "Service:lambda.amazonaws.com", "AWS:arn:…"
	NotPrincipals []string
	Actions       []string
	NotActions    []string
	Resources     []string
	NotResources  []string
	Conditions    []Condition // sorted by operator and key
}

// A Condition is one test of a statement: all conditions must hold, and one of the values of each.
type Condition struct {
	Operator string // StringEquals
	Key      string // aws:SourceArn
	Values   []string
}

// An Alarm is an AWS::CloudWatch::Alarm over one metric.
type Alarm struct {
	Resource
	Namespace         string
	Metric            string
	Dimensions        map[string]string
	Statistic         string // Maximum, Sum, …, or an extended one such as p99
	Period            time.Duration
	EvaluationPeriods int
	DatapointsToAlarm int // EvaluationPeriods when not set
	Threshold         float64
	Comparison        string   // GreaterThanThreshold
	MissingData       string   // missing when not set
	Actions           []string // AlarmActions, sorted
	ActionsEnabled    bool     // true when not set
	Expressions       []string // metric maths; Metric is "" then
}

// A Bucket is an AWS::S3::Bucket.
type Bucket struct {
	Resource
	Encryption  string // AES256 (also when not set), aws:kms or aws:kms:dsse
	KMSKeyID    string
	PublicBlock PublicBlock
	Policy      []Statement
	Expirations []Expiration // of lifecycle rules that are enabled, sorted by prefix and days
}

// An Expiration is a lifecycle rule of a bucket that removes objects by their age.
type Expiration struct {
	Prefix string // of the objects; "" for all
	Days   int    // 0: at a date that the rule names, whatever their age
	Some   bool   // only those with a tag or of a size that the rule names
}

// PublicBlock is the public access block of a bucket. AWS sets all four on a bucket that is created without one.
type PublicBlock struct {
	BlockPublicACLs, BlockPublicPolicy, IgnorePublicACLs, RestrictPublicBuckets bool
}

// A LogGroup is an AWS::Logs::LogGroup. Its ARN ends in ":*", as GetAtt gives it.
type LogGroup struct {
	Resource
	RetentionDays int // 0: kept for ever
	KMSKeyARN     string
}
