package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"go.uber.org/goleak"
)

// The test binary is also the function: bootstrap is a link to it, and roleEnv says what it is to be.
const roleEnv = "TEST_ROLE"

func TestMain(m *testing.M) {
	switch role := os.Getenv(roleEnv); role {
	case "":
		goleak.VerifyTestMain(m)
	case "function":
		awslambda.Start(handle)
	case "sigterm":
		awslambda.StartWithOptions(handle, awslambda.WithEnableSIGTERM(func() {
			fmt.Println("got SIGTERM")
			if os.Getenv("TEST_STUBBORN") == "" {
				os.Exit(0)
			}
		}))
	case "init-exit":
		fmt.Println("init")
		os.Exit(7)
	case "init-hang":
		time.Sleep(time.Hour)
	case "init-error":
		post("runtime/init/error", `{"errorMessage":"no config","errorType":"Main.NoConfig"}`)
		time.Sleep(time.Hour)
	case "raw":
		raw()
	case "emulator":
		emulate()
	default:
		log.Fatalf("role %q", role)
	}
}

// order is what a function is told to do, in its payload.
type order struct {
	Do   string `json:"do"`
	N    int    `json:"n"`
	Text string `json:"text"`
}

// state is what a function knows of itself.
type state struct {
	PID       int               `json:"pid"`
	Calls     int               `json:"calls"` // of this process
	Most      int64             `json:"most"`  // invocations at once in this process
	Ticks     int64             `json:"ticks"` // of its background goroutine
	Env       map[string]string `json:"env"`
	Dir       string            `json:"dir"`
	RequestID string            `json:"requestId"`
	ARN       string            `json:"arn"`
	Trace     string            `json:"trace"`
	Left      time.Duration     `json:"left"` // until the deadline
	Payload   json.RawMessage   `json:"payload"`
}

var (
	calls             int
	running, most     atomic.Int64
	ticks             atomic.Int64
	errOrdered        = errors.New("as ordered")
	startedBackground bool
)

func handle(ctx context.Context, payload json.RawMessage) (any, error) {
	calls++
	if n := running.Add(1); n > most.Load() {
		most.Store(n)
	}
	defer running.Add(-1)
	var o order
	if err := json.Unmarshal(payload, &o); err != nil {
		return nil, err
	}
	switch o.Do {
	case "error":
		return nil, errOrdered
	case "panic":
		panic("as ordered")
	case "exit":
		os.Exit(o.N)
	case "fatal":
		log.Fatal("as ordered")
	case "goroutine panic":
		go func() { panic("as ordered") }()
		time.Sleep(time.Hour)
	case "loop":
		for {
			runtime.Gosched() // until it is killed
		}
	case "big":
		return strings.Repeat("x", o.N), nil
	case "allocate":
		b := make([]byte, o.N<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		time.Sleep(time.Hour) // until it is killed
		return len(b), nil
	case "log":
		fmt.Println(o.Text)
		fmt.Fprintln(os.Stderr, "stderr "+o.Text)
		fmt.Print("no newline")
	case "background":
		if !startedBackground {
			startedBackground = true
			go func() {
				for range time.Tick(time.Millisecond) {
					ticks.Add(1)
				}
			}()
		}
		for until := ticks.Load() + int64(o.N); ticks.Load() < until; {
			time.Sleep(time.Millisecond)
		}
	case "spawn":
		cmd := exec.Command("sleep", "600")
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		return map[string]int{"child": cmd.Process.Pid, "pid": os.Getpid()}, nil
	case "wait": // until the file is there
		fmt.Printf("waiting %d\n", os.Getpid())
		for {
			if _, err := os.Stat(o.Text); err == nil {
				break
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
	return stateOf(ctx, payload), nil
}

func stateOf(ctx context.Context, payload json.RawMessage) state {
	s := state{PID: os.Getpid(), Calls: calls, Most: most.Load(), Ticks: ticks.Load(), Env: map[string]string{}, Payload: payload}
	for _, kv := range os.Environ() {
		k, v, _ := strings.Cut(kv, "=")
		s.Env[k] = v
	}
	s.Dir, _ = os.Getwd()
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		s.RequestID, s.ARN = lc.AwsRequestID, lc.InvokedFunctionArn
	}
	s.Trace, _ = ctx.Value("x-amzn-trace-id").(string)
	if d, ok := ctx.Deadline(); ok {
		s.Left = time.Until(d)
	}
	return s
}

func api(path string) string {
	return "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/" + path
}

func post(path, body string) (int, string) {
	r, err := http.Post(api(path), "application/json", strings.NewReader(body)) //nolint:noctx // a test's child
	if err != nil {
		log.Fatal(err)
	}
	defer r.Body.Close()
	b, _ := io.ReadAll(r.Body)
	return r.StatusCode, string(b)
}

// raw is a runtime without a library, that makes every mistake once and reports what it was told.
func raw() {
	for {
		r, err := http.Get(api("runtime/invocation/next")) //nolint:noctx // a test's child
		if err != nil {
			log.Fatal(err)
		}
		payload, _ := io.ReadAll(r.Body)
		_ = r.Body.Close()
		id := r.Header.Get("Lambda-Runtime-Aws-Request-Id")
		if strings.Contains(string(payload), "no next") { // answers, and never asks again
			post("runtime/invocation/"+id+"/response", `"answered"`)
			time.Sleep(time.Hour)
		}
		var log []string
		note := func(name string, status int, body string) {
			var e struct {
				Type string `json:"errorType"`
			}
			_ = json.Unmarshal([]byte(body), &e)
			log = append(log, name+": "+strings.TrimSpace(strconv.Itoa(status)+" "+e.Type))
		}
		status, body := post("runtime/invocation/wrong/response", "{}")
		note("wrong response", status, body)
		status, body = post("runtime/invocation/wrong/error", "{}")
		note("wrong error", status, body)
		status, body = post("runtime/init/error", "{}")
		note("late init error", status, body)
		second, err := http.Get(api("runtime/invocation/next")) //nolint:noctx // a test's child
		if err == nil {
			b, _ := io.ReadAll(second.Body)
			_ = second.Body.Close()
			note("next without answer", second.StatusCode, string(b))
		}
		answer, _ := json.Marshal(log)
		post("runtime/invocation/"+id+"/response", string(answer))
		status, body = post("runtime/invocation/"+id+"/response", "{}")
		fmt.Printf("second response: %d %s", status, body)
	}
}
