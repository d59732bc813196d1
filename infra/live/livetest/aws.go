package livetest

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/offloadhq/offload/infra"
	"github.com/offloadhq/offload/internal/awserr"
)

// AWS is an account with one stack. It is safe for concurrent use.
type AWS struct {
	URL string

	tb     testing.TB
	client aws.HTTPClient
	mu     sync.Mutex // guards what follows
	account
	denied  map[string]failure // by permission
	lacking map[string]bool    // services, by the name in their signature
	asked   map[string]bool    // permissions that were used
}

// Options say what is in the account.
type Options struct {
	Stack      *infra.Stack      // is copied; its resources get physical names
	Template   string            // what GetTemplate gives
	Processed  string            // what it gives at the stage Processed, if that is something else
	Parameters map[string]string // of the stack
}

// New starts the server; it ends with the test. A call that the server does not know fails the test.
func New(tb testing.TB, o *Options) *AWS {
	tb.Helper()
	a := &AWS{tb: tb, account: seed(tb, o), denied: make(map[string]failure), lacking: make(map[string]bool), asked: make(map[string]bool)}
	server := httptest.NewServer(a)
	tb.Cleanup(server.Close)
	a.URL = server.URL
	transport := &http.Transport{}
	tb.Cleanup(transport.CloseIdleConnections)
	a.client = new(awserr.Call).Watch(&http.Client{Transport: transport})
	return a
}

// Config is for clients of the account.
func (a *AWS) Config() aws.Config {
	return aws.Config{
		Region: a.stack.Region, BaseEndpoint: aws.String(a.URL), Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
		HTTPClient: a.client, RetryMaxAttempts: 1,
	}
}

// Deny refuses the calls that need a permission (sqs:GetQueueAttributes).
func (a *AWS) Deny(action string) { a.Fail(action, http.StatusForbidden, "AccessDenied") }

// Fail answers the calls that need a permission with an error.
func (a *AWS) Fail(action string, status int, code string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.denied[action] = failure{status: status, code: code, message: "as the test says"}
}

// Lack takes a service away, by the name in its signature (iam): its calls are answered as by an emulator that has no such service.
func (a *AWS) Lack(service string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lacking[service] = true
}

// Encrypt keeps the variables of functions from whoever asks, as a key does that the caller may not use.
func (a *AWS) Encrypt() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, fn := range a.functions {
		fn.configuration["Environment"] = object{"Error": object{"ErrorCode": "AccessDeniedException", "Message": "no kms:Decrypt, as the test says"}}
	}
}

// Lose deletes a resource behind CloudFormation's back.
func (a *AWS) Lose(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range a.stack.Resources() {
		if r.ID == id {
			delete(a.queues, r.Name)
			delete(a.functions, r.Name)
			delete(a.roles, r.Name)
			delete(a.policies, r.ARN)
			delete(a.buckets, r.Name)
			delete(a.logGroups, r.Name)
			a.alarms = slices.DeleteFunc(a.alarms, func(alarm object) bool { return alarm["AlarmName"] == r.Name })
			a.mappings = slices.DeleteFunc(a.mappings, func(m object) bool { return m["UUID"] == r.Name })
		}
	}
}

// Asked gives the permissions that were used, sorted.
func (a *AWS) Asked() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Sorted(maps.Keys(a.asked))
}

// failure is an answer that is an error.
type failure struct {
	status        int
	code, message string
}

func missing(code string) *failure {
	return &failure{http.StatusNotFound, code, "there is no such thing"}
}

// object is an input or an output of an operation.
type object = map[string]any

// operation is what a service does with an input.
type operation func(*account, object) (object, *failure)

// service is one of AWS's, with the protocol that it speaks.
type service struct {
	prefix     string // of its permissions
	read       func(*http.Request) (operation string, in object)
	write      func(w http.ResponseWriter, operation string, out object)
	fail       func(http.ResponseWriter, *failure)
	operations map[string]operation
}

var services = map[string]*service{
	"cloudformation": {"cloudformation", readQuery, writeQuery, failQuery, stackOperations},
	"iam":            {"iam", readQuery, writeQuery, failQuery, roleOperations},
	"sqs":            {"sqs", readTarget, writeJSON, failJSON, queueOperations},
	"logs":           {"logs", readTarget, writeJSON, failJSON, logOperations},
	"lambda":         {"lambda", readLambda, writeJSON, failJSON, functionOperations},
	"monitoring":     {"cloudwatch", readCBOR, writeCBOR, failCBOR, alarmOperations},
	"s3":             {"s3", readS3, writeS3, failS3, bucketOperations},
}

// permissions are those that are not called as their operation.
var permissions = map[string]string{
	"s3:GetBucketEncryption": "s3:GetEncryptionConfiguration", "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
	"s3:PutPublicAccessBlock":            "s3:PutBucketPublicAccessBlock",
	"s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration", "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
	"s3:DeleteBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
}

// ServeHTTP answers one call.
func (a *AWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	parts := strings.Split(scope, "/")
	if len(parts) < 5 || services[parts[3]] == nil {
		a.tb.Errorf("a call to no service: %s %s", r.Method, r.URL)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s := services[parts[3]]
	name, in := s.read(r)
	action := s.prefix + ":" + name
	if p, ok := permissions[action]; ok {
		action = p
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked[action] = true
	if a.lacking[parts[3]] {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Amzn-ErrorType", "UnknownOperationException")
		w.WriteHeader(http.StatusNotImplemented)
		_ = json.NewEncoder(w).Encode(object{"__type": "UnknownOperationException", "message": "there is no " + parts[3]})
		return
	}
	if f, ok := a.denied[action]; ok {
		s.fail(w, &f)
		return
	}
	do, ok := s.operations[name]
	if !ok {
		a.tb.Errorf("the fake AWS does not know %s (%s %s)", action, r.Method, r.URL)
		s.fail(w, &failure{http.StatusBadRequest, "UnknownOperationException", "not in this fake"})
		return
	}
	out, failed := do(&a.account, in)
	if failed != nil {
		s.fail(w, failed)
		return
	}
	s.write(w, name, out)
}

// Model is a stack with the names that it has in the account.
func (a *AWS) Model(s *infra.Stack) *infra.Stack { return rename(a.tb, s) }
