package localstack_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"image"
	_ "image/jpeg" // what thumbnails may be
	"image/png"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/emulator"
	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/localstack"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/claimcheck"
	"github.com/offloadhq/offload/transport/claimcheck/dirstore"
	"github.com/offloadhq/offload/transport/lambdatransport"
	"github.com/offloadhq/offload/transport/sqstransport"
)

// deployed is template.yaml, running on a target.
type deployed struct {
	target
	t       *testing.T
	outputs map[string]string
	result  func(key string) []byte // nil: not there
	logs    func() string           // of the functions
	store   claimcheck.Store        // of large payloads, as the functions have it
}

// From client.Fire to the effect, on every road, through the stack of template.yaml: built and deployed by sam on
// LocalStack, and as offload dev runs it on the emulator.
func TestEndToEnd(t *testing.T) {
	t.Run("emulator", func(t *testing.T) { endToEnd(onEmulator(t)) })
	t.Run("localstack", func(t *testing.T) {
		d := onLocalStack(t)
		endToEnd(d)
		d.judge(t, "logs/group", strings.Contains(d.logs(), localstack.Project(t).Name+"-WorkerLogGroup-"), "the log lines are elsewhere:\n%s", d.logs())
	})
}

func onEmulator(t *testing.T) *deployed {
	out, payloads := t.TempDir(), t.TempDir()
	e, logs := startEmulator(t, "../template.yaml", func(o *emulator.Options) {
		o.Env = map[string]string{"OUT": out, "OFFLOAD_PAYLOADS_DIR": payloads, "OFFLOAD_DEV": "1"}
	})
	store, err := dirstore.Open(payloads, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	outputs := map[string]string{}
	for name, value := range e.Environment() {
		outputs[name] = value
	}
	return &deployed{
		target: target{"emulator", clientConfig(t, e.Endpoint())}, t: t, outputs: outputs, logs: logs.String, store: store,
		result: func(key string) []byte {
			b, err := os.ReadFile(filepath.Join(out, filepath.FromSlash(key)))
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			return b
		},
	}
}

func onLocalStack(t *testing.T) *deployed {
	s := localstack.Project(t)
	t.Logf("sam build and sam deploy took %v", s.Took)
	d := &deployed{target: target{"localstack", s.Config}, t: t, outputs: map[string]string{}}
	for name, value := range s.Outputs {
		d.outputs[environmentName(name)] = value
	}
	objects := s3.NewFromConfig(s.Config, func(o *s3.Options) { o.UsePathStyle = true })
	d.result = func(key string) []byte {
		got, err := objects.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(s.Output(t, "ResultsBucket")), Key: &key})
		if missing := (*types.NoSuchKey)(nil); errors.As(err, &missing) {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		defer got.Body.Close()
		b, err := io.ReadAll(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	d.logs = func() string { return functionLogs(t, s) }
	d.store = bucketStore(t, s.Config, s.Output(t, "PayloadsBucket"))
	return d
}

// environmentName is how an output is named among the variables of a program: see cmd/offload env.
func environmentName(output string) string {
	var b strings.Builder
	for i, r := range output {
		if i > 0 && 'A' <= r && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return "OFFLOAD_" + strings.ToUpper(b.String())
}

// functionLogs are those of both functions, a line after the name of its group.
func functionLogs(t *testing.T, s *localstack.Stack) string {
	t.Helper()
	api := cloudwatchlogs.NewFromConfig(s.Config)
	var all strings.Builder
	groups := cloudwatchlogs.NewDescribeLogGroupsPaginator(api, &cloudwatchlogs.DescribeLogGroupsInput{})
	for groups.HasMorePages() {
		page, err := groups.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range page.LogGroups {
			if !strings.Contains(*g.LogGroupName, s.Name+"-") {
				continue
			}
			events := cloudwatchlogs.NewFilterLogEventsPaginator(api, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: g.LogGroupName})
			for events.HasMorePages() {
				page, err := events.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range page.Events {
					all.WriteString(*g.LogGroupName + ": " + aws.ToString(e.Message) + "\n")
				}
			}
		}
	}
	return all.String()
}

func endToEnd(d *deployed) {
	c := d.client()
	d.t.Run("EachRoadHasItsEffect", func(t *testing.T) { d.on(t).effects(c) })
	d.t.Run("LargePayloadsTravelBesideTheirMessages", func(t *testing.T) { d.on(t).largePayloads(c) })
	d.t.Run("FailedTasksEndAsDeadLettersWithTheirReason", func(t *testing.T) { d.on(t).deadLetters(c) })
	d.t.Run("C7_C11_QueuesAreAsInTheTemplate", func(t *testing.T) { d.on(t).queues() })
	d.t.Run("NothingIsLeft", func(t *testing.T) {
		for _, name := range []string{"OFFLOAD_QUEUE_URL", "OFFLOAD_BULK_QUEUE_URL"} {
			q := d.on(t).queue(name)
			eventually(t, name+" to be empty", func() bool { return q.left() == 0 })
		}
	})
}

func (d *deployed) on(t *testing.T) *deployed {
	c := *d
	c.t = t
	return &c
}

func (d *deployed) output(name string) string {
	d.t.Helper()
	value := d.outputs[name]
	if value == "" {
		d.t.Fatalf("there is no output %s, only %v", name, slices.Sorted(maps.Keys(d.outputs)))
	}
	return value
}

func (d *deployed) queue(output string) *queue {
	d.t.Helper()
	return &queue{tb: d.t, api: sqsOf(d.target), url: d.output(output)}
}

// client is that of a web host: the queue, the direct road, the bulk queue, each with a claim check in front.
func (d *deployed) client() *client.Client {
	d.t.Helper()
	queues := sqstransport.NewClient(d.aws)
	onto := func(output string) transport.Sender {
		s, err := sqstransport.New(queues, d.output(output), nil)
		if err != nil {
			d.t.Fatal(err)
		}
		return d.checked(s)
	}
	direct, err := lambdatransport.New(lambda.NewFromConfig(d.aws), d.output("OFFLOAD_WORKER_FUNCTION"), nil)
	if err != nil {
		d.t.Fatal(err)
	}
	c, err := client.New(onto("OFFLOAD_QUEUE_URL"), &client.Options{Routes: map[string]transport.Sender{
		jobs.ClassDirect: d.checked(direct), jobs.ClassBulk: onto("OFFLOAD_BULK_QUEUE_URL"),
	}})
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		if err := c.Close(context.WithoutCancel(d.t.Context())); err != nil {
			d.t.Error(err)
		}
	})
	return c
}

func (d *deployed) checked(behind transport.Sender) transport.Sender {
	d.t.Helper()
	s, err := claimcheck.NewSender(behind, d.store, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

func (d *deployed) fire(c *client.Client, what task.Task, opts ...task.FireOption) string {
	d.t.Helper()
	receipt, err := c.Fire(d.t.Context(), what, opts...)
	if err != nil {
		d.t.Fatal(err)
	}
	return receipt.ID
}

// effects fires a task on each road and looks at what it has made.
func (d *deployed) effects(c *client.Client) {
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 64, 32))); err != nil {
		d.t.Fatal(err)
	}
	began := time.Now()
	event := d.fire(c, jobs.Analytics.With(jobs.Event{Name: "signup"}))
	thumbnail := d.fire(c, jobs.Thumbnail.With(jobs.Picture{Width: 16, Image: picture.Bytes()}))
	export := d.fire(c, jobs.Export.With(jobs.Table{Rows: 10}))

	var stored struct{ ID, Name string }
	d.decode(jobs.AnalyticsPrefix+event+".json", func(b []byte) error { return json.Unmarshal(b, &stored) })
	if stored.ID != event || stored.Name != "signup" {
		d.t.Errorf("the event is %+v", stored)
	}
	d.decode(jobs.ThumbnailPrefix+thumbnail+".jpg", func(b []byte) error {
		small, _, err := image.Decode(bytes.NewReader(b))
		if err == nil && small.Bounds().Dx() != 16 {
			d.t.Errorf("the thumbnail is %v", small.Bounds())
		}
		return err
	})
	d.decode(jobs.ExportPrefix+export+".csv", func(b []byte) error {
		if n := bytes.Count(b, []byte("\n")); n != 11 {
			d.t.Errorf("the table has %d lines, want 11", n)
		}
		return nil
	})
	d.t.Logf("all effects were seen %v after the first was fired", time.Since(began).Round(time.Millisecond))
	for _, id := range []string{event, thumbnail, export} {
		eventually(d.t, "a log line of task "+id, func() bool { return strings.Contains(d.logs(), id) })
	}
}

// largePayloads fires an image of several megabytes by the queue and by the direct road, and one that is none.
func (d *deployed) largePayloads(c *client.Client) {
	noise := image.NewNRGBA(image.Rect(0, 0, 1000, 600))
	_, _ = rand.Read(noise.Pix) // never fails
	var picture bytes.Buffer
	if err := png.Encode(&picture, noise); err != nil || picture.Len() < 2<<20 {
		d.t.Fatalf("an image of %d bytes, %v", picture.Len(), err)
	}
	large := jobs.Thumbnail.With(jobs.Picture{Width: 16, Image: picture.Bytes()})
	for _, id := range []string{d.fire(c, large), d.fire(c, large, task.Queue(jobs.ClassDirect))} {
		d.decode(jobs.ThumbnailPrefix+id+".png", func(b []byte) error {
			small, _, err := image.Decode(bytes.NewReader(b))
			if err == nil && small.Bounds().Dx() != 16 {
				d.t.Errorf("the thumbnail is %v", small.Bounds())
			}
			return err
		})
	}
	bad := d.fire(c, jobs.Thumbnail.With(jobs.Picture{Width: 16, Image: append([]byte("no image"), picture.Bytes()...)}))
	q := d.queue("OFFLOAD_DEAD_LETTER_QUEUE_URL")
	eventually(d.t, "the dead letter of a large task", func() bool {
		for _, m := range q.receive(time.Second) {
			if (run{body: []byte(*m.Body)}).id() != bad {
				continue
			}
			q.remove(m)
			if len(*m.Body) > 2000 {
				d.t.Errorf("the dead letter has %d bytes", len(*m.Body))
			}
			e, err := task.Parse([]byte(*m.Body))
			if p, stored := e.Payload(); err != nil || !stored || p.Ref == "" {
				d.t.Errorf("the dead letter is %s (%v)", *m.Body, err)
			}
			return true
		}
		return false
	})
}

// decode waits for a result.
func (d *deployed) decode(key string, decode func([]byte) error) {
	d.t.Helper()
	var b []byte
	eventually(d.t, "the result "+key, func() bool { b = d.result(key); return b != nil })
	if err := decode(b); err != nil {
		d.t.Errorf("result %s: %v", key, err)
	}
}

// deadLetters fires tasks that cannot succeed, on each road.
func (d *deployed) deadLetters(c *client.Client) {
	bad := map[string]struct {
		id, queue, name, says string
	}{
		"queue":  {d.fire(c, jobs.Thumbnail.With(jobs.Picture{Width: -1, Image: []byte("x")})), "OFFLOAD_DEAD_LETTER_QUEUE_URL", jobs.Thumbnail.Name(), "width is -1"},
		"direct": {d.fire(c, jobs.Analytics.With(jobs.Event{})), "OFFLOAD_DEAD_LETTER_QUEUE_URL", jobs.Analytics.Name(), "name is empty"},
		"bulk":   {d.fire(c, jobs.Export.With(jobs.Table{Rows: -1})), "OFFLOAD_BULK_DEAD_LETTER_QUEUE_URL", jobs.Export.Name(), "rows is -1"},
	}
	letters := map[string]letter{}
	eventually(d.t, "the dead letters", func() bool {
		for _, name := range []string{"OFFLOAD_DEAD_LETTER_QUEUE_URL", "OFFLOAD_BULK_DEAD_LETTER_QUEUE_URL"} {
			q := d.queue(name)
			for _, m := range q.receive(time.Second) {
				q.remove(m)
				letters[(run{body: []byte(*m.Body)}).id()] = letter{name, texts(m)}
			}
		}
		return slices.IndexFunc(slices.Collect(maps.Keys(bad)), func(road string) bool { _, ok := letters[bad[road].id]; return !ok }) < 0
	})
	for road, want := range bad {
		got := letters[want.id]
		a := got.attributes
		if got.queue != want.queue || a["Offload.Reason"] != transport.ReasonPermanent || a["Offload.TaskId"] != want.id ||
			a["Offload.Name"] != want.name || a["Offload.Attempt"] != "1" || !strings.Contains(a["Offload.Message"], want.says) {
			d.t.Errorf("%s: the dead letter is in %s with %v; want one in %s that says %q", road, got.queue, a, want.queue, want.says)
		}
	}
}

type letter struct {
	queue      string
	attributes map[string]string
}

// queues looks at what a stack must keep so that nothing is lost: see failures C7 and C11.
func (d *deployed) queues() {
	for _, class := range []struct{ queue, dead, visibility string }{
		{"OFFLOAD_QUEUE_URL", "OFFLOAD_DEAD_LETTER_QUEUE_URL", "360"},
		{"OFFLOAD_BULK_QUEUE_URL", "OFFLOAD_BULK_DEAD_LETTER_QUEUE_URL", "5400"},
	} {
		a, dead := d.queue(class.queue).attributes(), d.queue(class.dead).attributes()
		if a["VisibilityTimeout"] != class.visibility || a["MessageRetentionPeriod"] != "345600" || dead["MessageRetentionPeriod"] != "1209600" {
			d.t.Errorf("%s: visibility %s, retention %s and %s of dead letters; want %s, 345600, 1209600",
				class.queue, a["VisibilityTimeout"], a["MessageRetentionPeriod"], dead["MessageRetentionPeriod"], class.visibility)
		}
		var redrive struct {
			DeadLetterTargetARN string `json:"deadLetterTargetArn"`
			MaxReceiveCount     json.Number
		}
		if err := json.Unmarshal([]byte(a["RedrivePolicy"]), &redrive); err != nil || redrive.DeadLetterTargetARN != dead["QueueArn"] || redrive.MaxReceiveCount != "15" {
			d.t.Errorf("%s: the redrive policy is %s (%v)", class.queue, a["RedrivePolicy"], err)
		}
	}
}
