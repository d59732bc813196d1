package localstack_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/emulator"
	"github.com/offloadhq/offload/localstack"
	"github.com/offloadhq/offload/localstack/probe/order"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/lambdatransport"
	"github.com/offloadhq/offload/transport/sqstransport"
)

// probe is probe/template.yaml on a target.
type probe struct {
	target
	t        *testing.T
	dir      string // of the records
	function string
	url      map[string]string // of the queues
}

// onEachLambda runs a test against the Lambda of everything that has one.
func onEachLambda(t *testing.T, test func(p *probe)) {
	t.Helper()
	const template = "probe/template.yaml"
	t.Run("emulator", func(t *testing.T) {
		dir := t.TempDir()
		e, _ := startEmulator(t, template, func(o *emulator.Options) { o.Parameters = map[string]string{"Records": dir} })
		env := e.Environment()
		test(&probe{target{"emulator", clientConfig(t, e.Endpoint())}, t, dir, env["OFFLOAD_PROBE"], map[string]string{
			"Work": env["OFFLOAD_WORK_URL"], "Limited": env["OFFLOAD_LIMITED_URL"], "Careless": env["OFFLOAD_CARELESS_URL"], "Failures": env["OFFLOAD_FAILURES_URL"],
		}})
	})
	t.Run("localstack", func(t *testing.T) {
		dir := t.TempDir()
		if localstack.Require(t).Container {
			localstack.Unavailable(t, "the probe's records are not available: its functions run inside the container, which shares no files with the tests: make localstack-up LOCALSTACK_MODE=host starts a LocalStack that does")
		}
		s := localstack.Deploy(t, localstack.Deployment{
			Name: localstack.UniqueName("probe"), Template: template, Parameters: map[string]string{"Records": dir, "Architecture": localstack.Architecture()},
		})
		t.Logf("sam build and sam deploy took %v", s.Took)
		test(&probe{target{"localstack", s.Config}, t, dir, s.Output(t, "Probe"), map[string]string{
			"Work": s.Output(t, "WorkUrl"), "Limited": s.Output(t, "LimitedUrl"), "Careless": s.Output(t, "CarelessUrl"), "Failures": s.Output(t, "FailuresUrl"),
		}})
	})
}

// on returns the probe for a subtest.
func (p *probe) on(t *testing.T) *probe {
	c := *p
	c.t = t
	return &c
}

func (p *probe) queue(name string) *queue {
	q := &queue{tb: p.t, api: sqsOf(p.target), url: p.url[name]}
	q.arn = q.attributes()["QueueArn"]
	return q
}

// fire fires a task on a sender and returns its envelope's id.
func (p *probe) fire(s transport.Sender, o order.Order) string {
	p.t.Helper()
	c, err := client.New(s, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() {
		if err := c.Close(p.t.Context()); err != nil {
			p.t.Error(err)
		}
	}()
	receipt, err := c.Fire(p.t.Context(), order.Probe.With(o))
	if err != nil {
		p.t.Fatal(err)
	}
	return receipt.ID
}

func (p *probe) direct() transport.Sender {
	p.t.Helper()
	s, err := lambdatransport.New(lambda.NewFromConfig(p.aws), p.function, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

func (p *probe) onto(name string) transport.Sender {
	p.t.Helper()
	s, err := sqstransport.New(sqstransport.NewClient(p.aws), p.url[name], nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// run is one run of the probe.
type run struct {
	file         string
	batch        bool
	number       int // of the attempt, 1 is the first
	began, ended time.Time
	body         []byte
}

// id is that of the task, "" if the body is none.
func (r run) id() string {
	e, err := task.Parse(r.body)
	if err != nil {
		return ""
	}
	return e.ID()
}

// runs are the records that were not forgotten, in order.
func (p *probe) runs() (all []run) {
	p.t.Helper()
	files, err := filepath.Glob(filepath.Join(p.dir, "[bd]*"))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, file := range files {
		parts := strings.Split(filepath.Base(file), "-")
		last := parts[len(parts)-3:]
		number := func(s string) int64 { n, _ := strconv.ParseInt(s, 10, 64); return n }
		body, err := os.ReadFile(file)
		if err != nil {
			p.t.Fatal(err)
		}
		all = append(all, run{
			file: file, batch: parts[0] == "batch", number: int(number(last[0])), body: body,
			began: time.Unix(0, number(last[1])), ended: time.Unix(0, number(last[2])),
		})
	}
	slices.SortFunc(all, func(a, b run) int { return a.began.Compare(b.began) })
	return all
}

// of are the runs of one task.
func (p *probe) of(id string) (all []run) {
	for _, r := range p.runs() {
		if r.id() == id {
			all = append(all, r)
		}
	}
	return all
}
