package localstack_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/offloadhq/offload/emulator"
	"github.com/offloadhq/offload/localstack"
)

// target is something that the suites run against.
type target struct {
	name string
	aws  aws.Config
}

// onEach runs a test against the SQS of everything that has one.
func onEach(t *testing.T, test func(t *testing.T, x target)) {
	t.Helper()
	t.Run("emulator", func(t *testing.T) {
		e, _ := startEmulator(t, "testdata/empty.yaml", nil)
		test(t, target{"emulator", clientConfig(t, e.Endpoint())})
	})
	t.Run("localstack", func(t *testing.T) {
		test(t, target{"localstack", clientConfig(t, localstack.Require(t).Endpoint)})
	})
	t.Run("moto", func(t *testing.T) {
		test(t, target{"moto", clientConfig(t, startMoto(t))})
	})
}

func clientConfig(tb testing.TB, endpoint string) aws.Config {
	tb.Helper()
	cfg, err := localstack.ClientConfig(tb.Context(), endpoint)
	if err != nil {
		tb.Fatal(err)
	}
	return cfg
}

// retryDelays are those that LAMBDA_RETRY_BASE_DELAY=1 gives LocalStack.
var retryDelays = []time.Duration{time.Second, 2 * time.Second}

// startEmulator runs a template in the emulator until the test ends, and returns what its functions have logged.
func startEmulator(tb testing.TB, template string, change func(*emulator.Options)) (*emulator.Emulator, *lines) {
	tb.Helper()
	logs, anyPort := &lines{}, 0
	o := &emulator.Options{
		Template: template, Port: &anyPort, RetryDelays: retryDelays, Output: logs,
		OnLog: func(function, line string) { _, _ = logs.Write([]byte(function + ": " + line + "\n")) },
	}
	if change != nil {
		change(o)
	}
	e, err := emulator.Start(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := e.Close(ctx); err != nil {
			tb.Error(err)
		}
		if tb.Failed() {
			tb.Log(logs.String())
		}
	})
	return e, logs
}

// startMoto runs moto's server until the test ends, and returns its endpoint.
func startMoto(tb testing.TB) string {
	tb.Helper()
	program := os.Getenv("MOTO_SERVER")
	if program == "" {
		program = filepath.Join("..", ".tools", "moto", "bin", "moto_server")
	}
	if _, err := exec.LookPath(program); err != nil {
		localstack.Unavailable(tb, "moto is not available: set MOTO_SERVER to its program moto_server (pip install 'moto[server]')")
	}
	cmd := exec.Command(program, "-H", "127.0.0.1", "-p", "0")
	says, err := cmd.StderrPipe()
	if err != nil {
		tb.Fatal(err)
	}
	cmd.Stdout = cmd.Stderr
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	ended := make(chan struct{})
	tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		_ = cmd.Wait()
	})
	endpoint := make(chan string, 1)
	go func() {
		defer close(ended)
		at := regexp.MustCompile(`Running on (http://[0-9.:]+)`)
		for s := bufio.NewScanner(says); s.Scan(); { // to its end, so that it never blocks
			if found := at.FindStringSubmatch(s.Text()); found != nil {
				endpoint <- found[1]
			}
		}
	}()
	select {
	case url := <-endpoint:
		return url
	case <-ended:
		tb.Fatalf("%s ended at once", program)
	case <-time.After(patience):
		tb.Fatalf("%s did not say where it runs in %v", program, patience)
	}
	return ""
}
