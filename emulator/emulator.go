package emulator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/offloadhq/offload/emulator/lambda"
	"github.com/offloadhq/offload/emulator/sqs"
	"github.com/offloadhq/offload/emulator/template"
)

// Emulator is a template that runs. Its methods are safe for concurrent use.
type Emulator struct {
	options  Options
	template *template.Template
	listener net.Listener
	server   *http.Server
	sqs      *sqs.Service
	lambda   *lambda.Service

	stopMappings context.CancelFunc
	mappings     sync.WaitGroup // the mappings' pollers
	done         chan struct{}  // closed when the server has ended
	serveErr     error          // valid after done
	closing      sync.Once
	closeErr     error // valid after closing
}

// Start reads the template, builds its functions, creates its queues and mappings, and serves. It blocks while it
// builds; ctx ends that, and has no meaning afterwards: [Emulator.Close] ends the rest. Warnings of the template, and
// progress, go to Options.Output. An error names what is wrong and leaves nothing running.
func Start(ctx context.Context, opts *Options) (_ *Emulator, err error) {
	o, err := opts.filled()
	if err != nil {
		return nil, fmt.Errorf("emulator: %w", err)
	}
	listener, err := listen(*o.Port)
	if err != nil {
		return nil, err
	}
	e := &Emulator{options: o, listener: listener, stopMappings: func() {}, done: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.abandon(ctx))
		}
	}()
	if err := e.load(); err != nil {
		return nil, err
	}
	binaries, err := e.build(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.startQueues(); err != nil {
		return nil, err
	}
	if err := e.startFunctions(binaries); err != nil {
		return nil, err
	}
	e.server = &http.Server{
		Handler:           newHandler(e.sqs, e.lambda),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	go func() {
		defer close(e.done)
		if err := e.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			e.serveErr = fmt.Errorf("emulator: AWS endpoint: %w", err)
		}
	}()
	if err := e.startMappings(); err != nil {
		return nil, err
	}
	return e, nil
}

// abandon ends what Start has begun.
func (e *Emulator) abandon(ctx context.Context) error {
	if e.server == nil {
		close(e.done)
		_ = e.listener.Close()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return e.Close(ctx)
}

func listen(port int) (net.Listener, error) {
	address := fmt.Sprintf("127.0.0.1:%d", port)
	listener, err := net.Listen("tcp", address) //nolint:noctx // it does not block
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %d: is in use by another process: stop it, or choose another with --port (0 picks a free one)", port)
	}
	if err != nil {
		return nil, fmt.Errorf("port %d: listen: %w", port, err)
	}
	return listener, nil
}

func (e *Emulator) load() error {
	t, err := template.Load(e.options.Template, &template.Options{
		Parameters: e.options.Parameters,
		Values:     e.options.Values,
		Region:     region,
		AccountID:  account,
		QueueURL:   func(name string) string { return e.Endpoint() + "/" + account + "/" + name },
	})
	if err != nil {
		return err
	}
	e.template = t
	for _, w := range t.Warnings {
		fmt.Fprintln(e.options.Output, "warning:", w)
	}
	return nil
}

// build returns the directory of each function's bootstrap, by logical id.
func (e *Emulator) build(ctx context.Context) (dirs map[string]string, err error) {
	dir, err := filepath.Abs(filepath.Join(e.options.workDir(), "build"))
	if err != nil {
		return nil, err
	}
	if err := prepare(e.options.workDir()); err != nil {
		return nil, err
	}
	// A compiler that is killed leaves its files behind: here they are removed.
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".tmp-")
	if err != nil {
		return nil, fmt.Errorf("emulator: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	return template.BuildAll(ctx, e.template.Functions, template.BuildOptions{
		OutDir: dir,
		Env:    append(os.Environ(), "GOTMPDIR="+tmp),
		Progress: func(s template.BuildStep) {
			switch {
			case !s.Done:
				fmt.Fprintf(e.options.Output, "building %s\n", s.Function)
			case s.Err == nil:
				fmt.Fprintf(e.options.Output, "built %s in %s\n", s.Function, s.Took.Round(10*time.Millisecond))
			}
		},
	})
}

// prepare makes the emulator's own directory, and keeps version control out of it.
func prepare(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("emulator: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("*\n"), 0o600); err != nil {
		return fmt.Errorf("emulator: %w", err)
	}
	return nil
}

// Endpoint is the URL of the AWS endpoint, such as http://127.0.0.1:4566.
func (e *Emulator) Endpoint() string { return "http://" + e.listener.Addr().String() }

// Region is the AWS region that everything lives in.
func (e *Emulator) Region() string { return region }

// Environment is what a program needs to use the emulator as it would use AWS: the endpoint, the region, dummy keys, and
// each output FooBar of the template as OFFLOAD_FOO_BAR. The map is the caller's.
func (e *Emulator) Environment() map[string]string {
	env := e.awsEnvironment()
	env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"] = "offload", "offload"
	for _, output := range e.template.Outputs {
		env[output.EnvName] = output.Value
	}
	return env
}

func (e *Emulator) awsEnvironment() map[string]string {
	return map[string]string{"AWS_ENDPOINT_URL": e.Endpoint(), "AWS_REGION": region, "AWS_DEFAULT_REGION": region}
}

// Done is closed when the emulator no longer serves: after [Emulator.Close], or by a failure that [Emulator.Err] tells.
func (e *Emulator) Done() <-chan struct{} { return e.done }

// Err is why the emulator ended by itself; nil while it serves and after Close.
func (e *Emulator) Err() error {
	select {
	case <-e.done:
		return e.serveErr
	default:
		return nil
	}
}

// Close stops taking messages, lets what runs come to its end until ctx ends, and then kills it. It leaves no process
// behind. Messages that are in the queues are gone. Every call returns the result of the first.
func (e *Emulator) Close(ctx context.Context) error {
	e.closing.Do(func() { e.closeErr = e.close(ctx) })
	return e.closeErr
}

func (e *Emulator) close(ctx context.Context) error {
	var problems []error
	// First the sources of work, then the work, and last what the work needs.
	e.stopMappings()
	e.waitMappings(ctx)
	if e.lambda != nil {
		problems = append(problems, e.lambda.Close(ctx)) // kills what is not done when ctx ends
	}
	e.mappings.Wait()
	if e.sqs != nil {
		problems = append(problems, e.sqs.Close()) // ends long polls too
	}
	if e.server != nil {
		if err := e.server.Shutdown(ctx); err != nil {
			problems = append(problems, fmt.Errorf("emulator: AWS endpoint: requests were cut off: %w", err), e.server.Close())
		}
		<-e.done
	}
	return errors.Join(problems...)
}

// waitMappings waits until the batches in flight have ended, or ctx has.
func (e *Emulator) waitMappings(ctx context.Context) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		e.mappings.Wait()
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}
