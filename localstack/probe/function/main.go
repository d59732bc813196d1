// Command function is the probe: it writes down each event that it gets, and does what the event orders.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/offloadhq/offload/localstack/probe/order"
)

func main() { lambda.Start(probe{dir: os.Getenv("RECORDS")}) }

// probe is a lambda.Handler: it sees the bytes of the event as they come.
type probe struct{ dir string }

type record struct {
	MessageID  string            `json:"messageId"`
	Body       string            `json:"body"`
	Attributes map[string]string `json:"attributes"`
}

type failure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

func (p probe) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	var batch struct{ Records []record }
	if json.Unmarshal(event, &batch) == nil && batch.Records != nil {
		return p.batch(batch.Records)
	}
	c, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return nil, errors.New("the context is no invocation")
	}
	began := time.Now()
	runs, err := filepath.Glob(filepath.Join(p.dir, "direct-"+c.AwsRequestID+"-*"))
	if err != nil {
		return nil, err
	}
	run := len(runs) + 1
	fmt.Println("run", run, "of", c.AwsRequestID)
	if err := p.write("direct-"+c.AwsRequestID, run, began, event); err != nil {
		return nil, err
	}
	return []byte(`"done"`), obey(event, run)
}

// batch answers with a partial batch response.
func (p probe) batch(records []record) ([]byte, error) {
	answer := struct {
		BatchItemFailures []failure `json:"batchItemFailures"`
	}{[]failure{}}
	for _, r := range records {
		began := time.Now()
		run, err := strconv.Atoi(r.Attributes["ApproximateReceiveCount"])
		if err != nil {
			return nil, err
		}
		if err := obey([]byte(r.Body), run); err != nil {
			answer.BatchItemFailures = append(answer.BatchItemFailures, failure{r.MessageID})
		}
		if err := p.write("batch-"+r.MessageID, run, began, []byte(r.Body)); err != nil {
			return nil, err
		}
	}
	return json.Marshal(answer)
}

// write keeps a body whole or not at all, in a file named by what it was, the number of the run, and when that began and
// ended.
func (p probe) write(what string, run int, began time.Time, body []byte) error {
	f, err := os.CreateTemp(p.dir, ".new-")
	if err != nil {
		return err
	}
	if _, err := f.Write(body); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(p.dir, fmt.Sprintf("%s-%d-%d-%d", what, run, began.UnixNano(), time.Now().UnixNano())))
}

// obey does what a task of this name orders; other bodies order nothing.
func obey(body []byte, run int) error {
	var e struct {
		Type string
		Data order.Order
	}
	if json.Unmarshal(body, &e) != nil || e.Type != order.Probe.Name() {
		return nil
	}
	time.Sleep(time.Duration(e.Data.Sleep) * time.Millisecond)
	switch {
	case e.Data.Crash:
		log.Println("crashing, as ordered")
		os.Exit(3)
	case e.Data.Loop:
		select {}
	case e.Data.Fail < 0 || run <= e.Data.Fail:
		return fmt.Errorf("run %d was ordered to fail", run)
	}
	return nil
}
