package sqs_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/offloadhq/offload/emulator/sqs"
)

// request performs one request without a network.
func request(s *sqs.Service, action, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "AmazonSQS."+action)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// errorOf returns type, query code and status of an answer.
func errorOf(t *testing.T, w *httptest.ResponseRecorder) (shape, query string) {
	t.Helper()
	var body struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("answer %q: %v", w.Body, err)
	}
	if w.Code != http.StatusOK && body.Message == "" {
		t.Errorf("an error without a message: %q", w.Body)
	}
	if w.Header().Get("X-Amzn-Requestid") == "" {
		t.Error("no request id")
	}
	return body.Type, w.Header().Get("X-Amzn-Query-Error")
}

func entries(n int, format string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(format, i)
	}
	return `{"QueueUrl":"q","Entries":[` + strings.Join(list, ",") + `]}`
}

func attributes(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`"a%d":{"DataType":"String","StringValue":"v"}`, i)
	}
	return "{" + strings.Join(list, ",") + "}"
}

func withAttribute(name, attribute string) string {
	return fmt.Sprintf(`{"QueueUrl":"q","MessageBody":"x","MessageAttributes":{%q:%s}}`, name, attribute)
}

const (
	ok          = ""
	ns          = "com.amazonaws.sqs#"
	coral       = "com.amazon.coral.service#"
	invalid     = coral + "InvalidParameterValueException"
	invalidCode = "InvalidParameterValue;Sender"
	entry       = `{"Id":"%d","MessageBody":"x"}`
)

type requestCase struct {
	name, action, body string
	shape, query       string // of the error; "" if there is none
	status             int    // 0 is 400
}

func runCases(t *testing.T, s *sqs.Service, cases []requestCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := request(s, c.action, c.body)
			shape, query := errorOf(t, w)
			want := c.status
			switch {
			case c.shape == ok:
				want = http.StatusOK
			case want == 0:
				want = http.StatusBadRequest
			}
			if shape != c.shape || query != c.query || w.Code != want {
				t.Errorf("got %d %q %q, want %d %q %q\n%.300s", w.Code, shape, query, want, c.shape, c.query, w.Body)
			}
		})
	}
}

// TestC4_LimitsOfOneMessage: at each limit and one beyond it.
func TestC4_LimitsOfOneMessage(t *testing.T) {
	s := newService(t)
	create(t, s, "q", nil)
	create(t, s, "small", map[string]string{"MaximumMessageSize": "1024"})
	body := func(n int) string {
		return `{"QueueUrl":"q","MessageBody":"` + strings.Repeat("x", n) + `"}`
	}
	withDelay := func(n string) string { return `{"QueueUrl":"q","MessageBody":"x","DelaySeconds":` + n + `}` }
	group := func(id string) string {
		return fmt.Sprintf(`{"QueueUrl":"q","MessageBody":"x","MessageGroupId":%q}`, id)
	}
	str := `{"DataType":"String","StringValue":"v"}`
	const send = "SendMessage"
	runCases(t, s, []requestCase{
		{"1 MiB", send, body(1 << 20), ok, ok, 0},
		{"1 MiB and one", send, body(1<<20 + 1), invalid, invalidCode, 0},
		{"attributes count", send, `{"QueueUrl":"q","MessageBody":"` + strings.Repeat("x", 1<<20-7) + `","MessageAttributes":{"a":` + str + `}}`, invalid, invalidCode, 0},
		{"attributes just fit", send, `{"QueueUrl":"q","MessageBody":"` + strings.Repeat("x", 1<<20-8) + `","MessageAttributes":{"a":` + str + `}}`, ok, ok, 0},
		{"the trace header does not count", send, `{"QueueUrl":"q","MessageBody":"` + strings.Repeat("x", 1<<20) + `","MessageSystemAttributes":{"AWSTraceHeader":` + str + `}}`, ok, ok, 0},
		{"limit of the queue", send, `{"QueueUrl":"small","MessageBody":"` + strings.Repeat("x", 1025) + `"}`, invalid, invalidCode, 0},
		{"empty body", send, body(0), coral + "MissingRequiredParameterException", "MissingParameter;Sender", 0},
		{"no body", send, `{"QueueUrl":"q"}`, coral + "MissingRequiredParameterException", "MissingParameter;Sender", 0},
		{"no queue", send, `{"MessageBody":"x"}`, coral + "MissingRequiredParameterException", "MissingParameter;Sender", 0},
		{"10 attributes", send, `{"QueueUrl":"q","MessageBody":"x","MessageAttributes":` + attributes(10) + `}`, ok, ok, 0},
		{"11 attributes", send, `{"QueueUrl":"q","MessageBody":"x","MessageAttributes":` + attributes(11) + `}`, invalid, invalidCode, 0},
		{"name of 256", send, withAttribute(strings.Repeat("n", 256), str), ok, ok, 0},
		{"name of 257", send, withAttribute(strings.Repeat("n", 257), str), invalid, invalidCode, 0},
		{"name with a slash", send, withAttribute("a/b", str), invalid, invalidCode, 0},
		{"name with a prefix of AWS", send, withAttribute("aWs.b", str), invalid, invalidCode, 0},
		{"name with a prefix of Amazon", send, withAttribute("AMAZON.b", str), invalid, invalidCode, 0},
		{"name that begins with a period", send, withAttribute(".b", str), invalid, invalidCode, 0},
		{"name with two periods", send, withAttribute("a..b", str), invalid, invalidCode, 0},
		{"type with a suffix", send, withAttribute("a", `{"DataType":"String.json","StringValue":"v"}`), ok, ok, 0},
		{"unknown type", send, withAttribute("a", `{"DataType":"Text","StringValue":"v"}`), invalid, invalidCode, 0},
		{"no type", send, withAttribute("a", `{"StringValue":"v"}`), invalid, invalidCode, 0},
		{"empty value", send, withAttribute("a", `{"DataType":"String","StringValue":""}`), invalid, invalidCode, 0},
		{"string in a binary", send, withAttribute("a", `{"DataType":"Binary","StringValue":"v"}`), invalid, invalidCode, 0},
		{"number", send, withAttribute("a", `{"DataType":"Number","StringValue":"-1.5e3"}`), ok, ok, 0},
		{"number that is none", send, withAttribute("a", `{"DataType":"Number","StringValue":"one"}`), invalid, invalidCode, 0},
		{"list of values", send, withAttribute("a", `{"DataType":"String","StringListValues":["v"]}`), ns + "UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation;Sender", 0},
		{"other system attribute", send, `{"QueueUrl":"q","MessageBody":"x","MessageSystemAttributes":{"SenderId":` + str + `}}`, invalid, invalidCode, 0},
		{"delay 900", send, withDelay("900"), ok, ok, 0},
		{"delay 901", send, withDelay("901"), invalid, invalidCode, 0},
		{"delay -1", send, withDelay("-1"), invalid, invalidCode, 0},
		{"delay that would wrap around", send, withDelay("18446744074"), invalid, invalidCode, 0},
		{"group of 128", send, group(strings.Repeat("g", 128)), ok, ok, 0},
		{"group of 129", send, group(strings.Repeat("g", 129)), invalid, invalidCode, 0},
		{"group with a space", send, group("a b"), invalid, invalidCode, 0},
		{"deduplication id", send, `{"QueueUrl":"q","MessageBody":"x","MessageDeduplicationId":"d"}`, invalid, invalidCode, 0},
	})
}

// TestC4_LimitsOfABatch: what SQS refuses as a whole.
func TestC4_LimitsOfABatch(t *testing.T) {
	s := newService(t)
	create(t, s, "q", nil)
	ids := func(list ...string) string {
		var out []string
		for _, id := range list {
			out = append(out, fmt.Sprintf(`{"Id":%q,"MessageBody":"x","ReceiptHandle":"h","VisibilityTimeout":1}`, id))
		}
		return `{"QueueUrl":"q","Entries":[` + strings.Join(out, ",") + `]}`
	}
	half := strings.Repeat("x", 1<<19)
	sqsns := "AWS.SimpleQueueService."
	var cases []requestCase
	for _, action := range []string{"SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"} {
		cases = append(
			cases,
			requestCase{action + " empty", action, ids(), ns + "EmptyBatchRequest", sqsns + "EmptyBatchRequest;Sender", 0},
			requestCase{action + " of 10", action, entries(10, entry), ok, ok, 0},
			requestCase{action + " of 11", action, entries(11, entry), ns + "TooManyEntriesInBatchRequest", sqsns + "TooManyEntriesInBatchRequest;Sender", 0},
			requestCase{action + " same id twice", action, ids("a", "a"), ns + "BatchEntryIdsNotDistinct", sqsns + "BatchEntryIdsNotDistinct;Sender", 0},
			requestCase{action + " id with a period", action, ids("a.b"), ns + "InvalidBatchEntryId", sqsns + "InvalidBatchEntryId;Sender", 0},
			requestCase{action + " id of 80", action, ids(strings.Repeat("i", 80)), ok, ok, 0},
			requestCase{action + " id of 81", action, ids(strings.Repeat("i", 81)), ns + "InvalidBatchEntryId", sqsns + "InvalidBatchEntryId;Sender", 0},
			requestCase{action + " no id", action, ids(""), ns + "InvalidBatchEntryId", sqsns + "InvalidBatchEntryId;Sender", 0},
		)
	}
	runCases(t, s, append(
		cases,
		requestCase{"1 MiB in all", "SendMessageBatch", entries(2, `{"Id":"%d","MessageBody":"`+half+`"}`), ok, ok, 0},
		requestCase{"more in all", "SendMessageBatch", entries(2, `{"Id":"%d","MessageBody":"x`+half+`"}`), ns + "BatchRequestTooLong", sqsns + "BatchRequestTooLong;Sender", 0},
		requestCase{"one empty body", "SendMessageBatch", `{"QueueUrl":"q","Entries":[{"Id":"a","MessageBody":"x"},{"Id":"b","MessageBody":""}]}`, coral + "MissingRequiredParameterException", "MissingParameter;Sender", 0},
		requestCase{"11 attributes on one", "SendMessageBatch", `{"QueueUrl":"q","Entries":[{"Id":"a","MessageBody":"x","MessageAttributes":` + attributes(11) + `}]}`, invalid, invalidCode, 0},
	))
}

// TestErrorsOfRequests is the rest of the error table.
func TestErrorsOfRequests(t *testing.T) {
	s := newService(t)
	dead := create(t, s, "dead", map[string]string{"RedriveAllowPolicy": `{"redrivePermission":"byQueue","sourceQueueArns":["arn:aws:sqs:us-east-1:000000000000:friend"]}`})
	arn := create(t, s, "q", nil)
	send(t, s, arn, sqs.Outgoing{Body: "x"})
	handle := receive(t, s, arn, sqs.ReceiveInput{})[0].ReceiptHandle
	if err := s.ChangeVisibility(t.Context(), arn, handle, 0); err != nil {
		t.Fatal(err)
	}
	attrs := func(name, value string) string {
		return fmt.Sprintf(`{"QueueName":"new","QueueUrl":"q","Attributes":{%q:%q}}`, name, value)
	}
	policy := func(target string, count any) string {
		return fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%v}`, target, count)
	}
	badName, badValue := ns+"InvalidAttributeName", ns+"InvalidAttributeValue"
	unknown := coral + "UnknownOperationException"
	missing, missingCode := coral+"MissingRequiredParameterException", "MissingParameter;Sender"
	noQueue, noQueueCode := ns+"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue;Sender"
	unsupported, unsupportedCode := ns+"UnsupportedOperation", "AWS.SimpleQueueService.UnsupportedOperation;Sender"
	runCases(t, s, []requestCase{
		{"unknown operation", "DanceTango", "{}", unknown, "", 0},
		{"operation that is left out", "StartMessageMoveTask", "{}", unsupported, unsupportedCode, 0},
		{"no queue of that name", "SendMessage", `{"QueueUrl":"nope","MessageBody":"x"}`, noQueue, noQueueCode, 0},
		{"URL of no queue", "ReceiveMessage", `{"QueueUrl":"http://h/000000000000/nope"}`, noQueue, noQueueCode, 0},
		{"URL of another account", "ReceiveMessage", `{"QueueUrl":"http://h/111111111111/q"}`, noQueue, noQueueCode, 0},
		{"URL of any host", "ReceiveMessage", `{"QueueUrl":"https://sqs.eu-west-1.amazonaws.com/000000000000/q","VisibilityTimeout":0}`, ok, ok, 0},
		{"URL that is none", "PurgeQueue", `{"QueueUrl":"http://h/a/b/c"}`, ns + "InvalidAddress", "InvalidAddress;Sender", 404},
		{"name of no queue", "GetQueueUrl", `{"QueueName":"nope"}`, noQueue, noQueueCode, 0},
		{"GetQueueUrl without a name", "GetQueueUrl", `{}`, missing, missingCode, 0},
		{"queue with its values", "CreateQueue", `{"QueueName":"q","Attributes":{"DelaySeconds":"0"}}`, ok, ok, 0},
		{"queue with other values", "CreateQueue", `{"QueueName":"q","Attributes":{"DelaySeconds":"1"}}`, ns + "QueueNameExists", "QueueAlreadyExists;Sender", 0},
		{"queue name with a period", "CreateQueue", `{"QueueName":"a.b"}`, invalid, invalidCode, 0},
		{"queue name of 81", "CreateQueue", `{"QueueName":"` + strings.Repeat("n", 81) + `"}`, invalid, invalidCode, 0},
		{"no queue name", "CreateQueue", `{}`, missing, missingCode, 0},
		{"FIFO name", "CreateQueue", `{"QueueName":"a.fifo"}`, unsupported, unsupportedCode, 0},
		{"FIFO attribute", "CreateQueue", attrs("FifoQueue", "true"), unsupported, unsupportedCode, 0},
		{"unknown attribute", "CreateQueue", attrs("Colour", "red"), badName, "InvalidAttributeName;Sender", 0},
		{"attribute of FIFO only", "SetQueueAttributes", attrs("ContentBasedDeduplication", "true"), badName, "InvalidAttributeName;Sender", 0},
		{"visibility 43200", "SetQueueAttributes", attrs("VisibilityTimeout", "43200"), ok, ok, 0},
		{"visibility 43201", "SetQueueAttributes", attrs("VisibilityTimeout", "43201"), badValue, "InvalidAttributeValue;Sender", 0},
		{"delay of a queue 901", "SetQueueAttributes", attrs("DelaySeconds", "901"), badValue, "InvalidAttributeValue;Sender", 0},
		{"retention 59", "SetQueueAttributes", attrs("MessageRetentionPeriod", "59"), badValue, "InvalidAttributeValue;Sender", 0},
		{"retention 1209601", "SetQueueAttributes", attrs("MessageRetentionPeriod", "1209601"), badValue, "InvalidAttributeValue;Sender", 0},
		{"size 1023", "SetQueueAttributes", attrs("MaximumMessageSize", "1023"), badValue, "InvalidAttributeValue;Sender", 0},
		{"size 1048577", "SetQueueAttributes", attrs("MaximumMessageSize", "1048577"), badValue, "InvalidAttributeValue;Sender", 0},
		{"wait of a queue 21", "SetQueueAttributes", attrs("ReceiveMessageWaitTimeSeconds", "21"), badValue, "InvalidAttributeValue;Sender", 0},
		{"value that is no number", "SetQueueAttributes", attrs("DelaySeconds", "soon"), badValue, "InvalidAttributeValue;Sender", 0},
		{"nothing to set", "SetQueueAttributes", `{"QueueUrl":"q"}`, missing, missingCode, 0},
		{"policy that is no JSON", "SetQueueAttributes", attrs("Policy", "{"), badValue, "InvalidAttributeValue;Sender", 0},
		{"redrive to nowhere", "SetQueueAttributes", attrs("RedrivePolicy", policy(arn+"x", 3)), invalid, invalidCode, 0},
		{"redrive to no ARN", "SetQueueAttributes", attrs("RedrivePolicy", policy("dummy", 42)), invalid, invalidCode, 0},
		{"redrive that the target forbids", "SetQueueAttributes", attrs("RedrivePolicy", policy(dead, 3)), invalid, invalidCode, 0},
		{"redrive after 0 receives", "SetQueueAttributes", attrs("RedrivePolicy", policy(dead, 0)), invalid, invalidCode, 0},
		{"redrive after 1001 receives", "SetQueueAttributes", attrs("RedrivePolicy", policy(dead, 1001)), invalid, invalidCode, 0},
		{"redrive removed", "SetQueueAttributes", attrs("RedrivePolicy", ""), ok, ok, 0},
		{"unknown attribute to get", "GetQueueAttributes", `{"QueueUrl":"q","AttributeNames":["Colour"]}`, badName, "InvalidAttributeName;Sender", 0},
		{"receive 0", "ReceiveMessage", `{"QueueUrl":"q","MaxNumberOfMessages":0}`, invalid, invalidCode, 0},
		{"receive 11", "ReceiveMessage", `{"QueueUrl":"q","MaxNumberOfMessages":11}`, invalid, invalidCode, 0},
		{"wait 21", "ReceiveMessage", `{"QueueUrl":"q","WaitTimeSeconds":21}`, invalid, invalidCode, 0},
		{"wait -1", "ReceiveMessage", `{"QueueUrl":"q","WaitTimeSeconds":-1}`, invalid, invalidCode, 0},
		{"hide for 43201", "ReceiveMessage", `{"QueueUrl":"q","VisibilityTimeout":43201}`, invalid, invalidCode, 0},
		{"unknown system attribute", "ReceiveMessage", `{"QueueUrl":"q","MessageSystemAttributeNames":["Colour"]}`, badName, "InvalidAttributeName;Sender", 0},
		{"no handle", "DeleteMessage", `{"QueueUrl":"q"}`, missing, missingCode, 0},
		{"handle that is none", "DeleteMessage", `{"QueueUrl":"q","ReceiptHandle":"garbage"}`, ns + "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid;Sender", 404},
		{"handle of another queue", "DeleteMessage", `{"QueueUrl":"dead","ReceiptHandle":"` + handle + `"}`, ns + "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid;Sender", 404},
		{"change without a timeout", "ChangeMessageVisibility", `{"QueueUrl":"q","ReceiptHandle":"` + handle + `"}`, missing, missingCode, 0},
		{"change to 43201", "ChangeMessageVisibility", `{"QueueUrl":"q","ReceiptHandle":"` + handle + `","VisibilityTimeout":43201}`, invalid, invalidCode, 0},
		{"change of a visible message", "ChangeMessageVisibility", `{"QueueUrl":"q","ReceiptHandle":"` + handle + `","VisibilityTimeout":1}`, ns + "MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight;Sender", 0},
		{"list of 0", "ListQueues", `{"MaxResults":0}`, invalid, invalidCode, 0},
		{"token of nobody", "ListQueues", `{"NextToken":"?"}`, invalid, invalidCode, 0},
		{"no tags", "TagQueue", `{"QueueUrl":"q"}`, missing, missingCode, 0},
		{"purge", "PurgeQueue", `{"QueueUrl":"q"}`, ok, ok, 0},
		{"purge again", "PurgeQueue", `{"QueueUrl":"q"}`, ns + "PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress;Sender", 403},
		{"half an object", "SendMessage", `{"QueueUrl":`, coral + "SerializationException", "", 0},
		{"number for a string", "SendMessage", `{"QueueUrl":1}`, coral + "SerializationException", "", 0},
		{"string for a number", "ReceiveMessage", `{"QueueUrl":"q","MaxNumberOfMessages":"1"}`, coral + "SerializationException", "", 0},
		{"array", "ListQueues", `[]`, coral + "SerializationException", "", 0},
		{"not UTF-8", "SendMessage", "{\"QueueUrl\":\"q\",\"MessageBody\":\"\xff\"}", coral + "SerializationException", "", 0},
		{"unknown field", "ListQueues", `{"Colour":"red"}`, ok, ok, 0},
		{"no body at all", "ListQueues", ``, ok, ok, 0},
		{"4 MiB and more", "SendMessage", `{"QueueUrl":"` + strings.Repeat("x", 4<<20) + `"}`, coral + "RequestEntityTooLargeException", "", 413},
	})
}

// TestErrorNamesTheOperation and tells a stray client what is spoken here.
func TestErrorNamesTheOperation(t *testing.T) {
	s := newService(t)
	if w := request(s, "DanceTango", "{}"); !strings.Contains(w.Body.String(), "DanceTango") {
		t.Errorf("answer %q does not name the operation", w.Body)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/?Action=ListQueues", nil))
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "X-Amz-Target") {
		t.Errorf("answer %d %q to a request of another protocol", w.Code, w.Body)
	}
}

// TestTheTraceHeaderOfARequestGoesToItsMessages: to those that have none of their own.
func TestTheTraceHeaderOfARequestGoesToItsMessages(t *testing.T) {
	s := newService(t)
	arn := create(t, s, "q", nil)
	const own = `"MessageSystemAttributes":{"AWSTraceHeader":{"DataType":"String","StringValue":"Root=own"}}`
	post := func(action, body, trace string) map[string]any {
		t.Helper()
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("X-Amz-Target", "AmazonSQS."+action)
		r.Header["X-Amzn-Trace-Id"] = []string{trace}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		var answer map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%s answers %d %s, %v", action, w.Code, w.Body, err)
		}
		return answer
	}
	sent := post("SendMessage", `{"QueueUrl":"q","MessageBody":"single"}`, "Root=request;Lineage=a:1")
	if _, there := sent["MD5OfMessageSystemAttributes"]; there {
		t.Errorf("a digest of attributes that were not sent: %v", sent)
	}
	post("SendMessageBatch", `{"QueueUrl":"q","Entries":[{"Id":"a","MessageBody":"none"},{"Id":"b","MessageBody":"own",`+own+`}]}`, "Root=request")
	post("SendMessage", `{"QueueUrl":"q","MessageBody":"untraced"}`, "")
	post("SendMessage", `{"QueueUrl":"q","MessageBody":"illegal"}`, "\x01")
	want := map[string]string{"single": "Root=request;Lineage=a:1", "none": "Root=request", "own": "Root=own", "untraced": "", "illegal": ""}
	got, err := s.Receive(t.Context(), arn, sqs.ReceiveInput{Max: 10})
	if err != nil || len(got) != len(want) {
		t.Fatalf("received %d messages, %v", len(got), err)
	}
	for _, m := range got {
		if m.TraceHeader != want[m.Body] {
			t.Errorf("message %q has the trace header %q, want %q", m.Body, m.TraceHeader, want[m.Body])
		}
	}
}
