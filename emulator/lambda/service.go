package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Request is an invocation to make.
type Request struct {
	Function  string // name, partial ARN or ARN, each with or without :QUALIFIER
	Qualifier string // alias, version or $LATEST; "" for $LATEST, or for what Function says
	Payload   []byte // JSON; empty stands for {}. It must not be changed until the call returns
	// TraceHeader is the X-Ray header that the function gets. "" makes one.
	TraceHeader string
	Kind        Kind // for reports; default Synchronous. InvokeAsync sets its own
	// LogTail asks for Response.LogTail.
	LogTail bool
}

// Response is the answer of a function.
type Response struct {
	Payload         []byte // what the function returned, or the error object
	FunctionError   string // "Unhandled" if the function failed, else ""
	ExecutedVersion string
	RequestID       string
	LogTail         []byte // the last 4 KB of what Lambda would log, if asked for
}

// Service runs functions. It is safe for concurrent use. Close it: it owns processes.
type Service struct {
	o         Options
	starter   *starter
	mux       *http.ServeMux
	sandboxes sync.WaitGroup
	queues    sync.WaitGroup

	mu        sync.Mutex
	functions map[string]*function
	mappings  []EventSourceMapping
	running   int           // invocations accepted and not ended
	closed    bool          // no more are accepted
	drained   chan struct{} // closed when closed and running is 0
}

// New returns a service without functions. Every problem of the options is returned, joined.
func New(opts *Options) (*Service, error) {
	if opts == nil {
		opts = &Options{}
	}
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Service{o: o, starter: newStarter(), functions: make(map[string]*function), drained: make(chan struct{})}
	s.mux = s.routes()
	return s, nil
}

// AddFunction adds a function and returns its ARN. No process is started. Every problem is returned, joined; a name
// that is taken is one.
func (s *Service) AddFunction(f Function) (arn string, err error) {
	f, err = f.withDefaults(&s.o)
	if err != nil {
		return "", fmt.Errorf("lambda: %w", err)
	}
	fn := &function{Function: f, arn: s.arn(f.Name), svc: s, added: time.Now(), all: make(map[*sandbox]bool)}
	fn.queue = newAsyncQueue(f.Name, fn.limit(), &s.o, fn.runEvent)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return "", fmt.Errorf("lambda: function %q: %w", f.Name, ErrClosed)
	case s.functions[f.Name] != nil:
		return "", fmt.Errorf("lambda: function %q: exists already", f.Name)
	}
	s.functions[f.Name] = fn
	ctx, stop := context.WithCancel(context.Background())
	fn.stopEvents = stop
	s.queues.Go(func() { fn.queue.run(ctx) })
	return fn.arn, nil
}

func (s *Service) arn(name string) string {
	return "arn:aws:lambda:" + s.o.Region + ":" + s.o.AccountID + ":function:" + name
}

// Invoke runs a function and waits for its answer. A function that fails gives a Response with FunctionError and a nil
// error; a non-nil error means that it did not run to an end: an [*Error], or that of ctx. When ctx ends the invocation
// goes on, as on AWS, and only the wait ends.
func (s *Service) Invoke(ctx context.Context, r Request) (Response, error) {
	t, err := s.find(r)
	if err != nil {
		return Response{}, err
	}
	payload, err := checkPayload(r.Payload, maxSyncRequest)
	if err != nil {
		return Response{}, err
	}
	inv := t.invocation(newID(), r.TraceHeader, payload)
	inv.kind, inv.wantTail = r.Kind, r.LogTail
	if inv.kind == "" {
		inv.kind = Synchronous
	}
	if err := t.fn.start(inv, t.fn.dispatch); err != nil {
		return Response{}, err
	}
	return inv.await(ctx)
}

// InvokeAsync accepts an event and returns at once. The event is held in memory; see [Service.PendingAsync].
func (s *Service) InvokeAsync(ctx context.Context, r Request) (requestID string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	t, err := s.find(r)
	if err != nil {
		return "", err
	}
	payload, err := checkPayload(r.Payload, maxAsyncRequest)
	if err != nil {
		return "", err
	}
	now := time.Now()
	e := &asyncEvent{
		id: newID(), qualifier: t.qualifier, qualifiedARN: t.fn.arn + ":" + Latest, trace: r.TraceHeader,
		payload: bytes.Clone(payload), config: t.config(), accepted: now, due: now,
	}
	if t.qualifier != "" {
		e.qualifiedARN = t.fn.arn + ":" + t.qualifier
	}
	if e.trace == "" {
		e.trace = newTrace(now)
	}
	if !t.fn.queue.add(e) {
		return "", errService(ErrClosed, fmt.Errorf("function %q: %w", t.fn.Name, ErrClosed))
	}
	return e.id, nil
}

// PendingAsync is the number of asynchronous events that were accepted and have not ended: they wait, run, wait for a
// retry, or are on their way to a destination.
func (s *Service) PendingAsync() int {
	n := 0
	for _, fn := range s.list() {
		n += fn.queue.pending()
	}
	return n
}

// Close refuses new invocations, waits until the ones that run have ended or ctx ends, and ends all processes: none is
// left when it returns. Asynchronous events that wait are lost, and a non-nil error says how many, and how many
// invocations were killed. Close may be called again, and then does nothing.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.settle()
	s.mu.Unlock()

	for _, fn := range s.list() {
		fn.stopEvents()
	}
	killed := 0
	select {
	case <-s.drained:
	case <-ctx.Done():
		s.mu.Lock()
		killed = s.running
		s.mu.Unlock()
	}
	for _, fn := range s.list() {
		fn.close()
	}
	s.sandboxes.Wait()
	s.queues.Wait()
	s.starter.close()

	var problems []error
	if killed > 0 {
		problems = append(problems, fmt.Errorf("lambda: close: %d invocations were killed: %w", killed, context.Cause(ctx)))
	}
	if n := s.PendingAsync(); n > 0 {
		problems = append(problems, fmt.Errorf("lambda: close: %d asynchronous events are lost: they are held in memory", n))
	}
	return errors.Join(problems...)
}

func (s *Service) list() []*function {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*function, 0, len(s.functions))
	for _, fn := range s.functions {
		all = append(all, fn)
	}
	return all
}

// begin counts an invocation, unless the service is closed. ended is its counterpart.
func (s *Service) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.running++
	return true
}

func (s *Service) ended() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	s.settle()
}

// settle closes drained when there is nothing left to drain. Callers hold mu.
func (s *Service) settle() {
	if s.closed && s.running == 0 && !isClosed(s.drained) {
		close(s.drained)
	}
}

// found is a function and the version of it that a request names.
type found struct {
	fn        *function
	qualifier string // as named; "" for none
	version   string
}

func (s *Service) find(r Request) (found, error) {
	t, ok := parseTarget(r.Function)
	if !ok {
		return found{}, errInvalidParameter("function %q: is no function name, partial ARN or ARN", r.Function)
	}
	if t.qualifier != "" && r.Qualifier != "" && t.qualifier != r.Qualifier {
		return found{}, errInvalidParameter("function %q: its qualifier and the Qualifier %q differ", r.Function, r.Qualifier)
	}
	if r.Qualifier == "" {
		r.Qualifier = t.qualifier
	}
	s.mu.Lock()
	fn := s.functions[t.name]
	s.mu.Unlock()
	if fn == nil || (t.region != "" && t.region != s.o.Region) || (t.account != "" && t.account != s.o.AccountID) {
		arn := s.arn(t.name)
		if t.region != "" {
			arn = r.Function
		}
		return found{}, errNotFound("Function not found: %s", arn)
	}
	version, err := fn.version(r.Qualifier)
	if err != nil {
		return found{}, errNotFound("Function not found: %s:%s (%v)", fn.arn, r.Qualifier, err)
	}
	return found{fn: fn, qualifier: r.Qualifier, version: version}, nil
}

func (t *found) invocation(id, trace string, payload []byte) *invocation {
	if trace == "" {
		trace = newTrace(time.Now())
	}
	arn := t.fn.arn
	if t.qualifier != "" {
		arn += ":" + t.qualifier
	}
	return &invocation{id: id, arn: arn, version: t.version, trace: trace, payload: payload, done: make(chan answer, 1)}
}

// config is the asynchronous configuration that is bound to the qualifier, and to no other.
func (t *found) config() AsyncConfig {
	key := t.qualifier
	if key == "" {
		key = Latest
	}
	if c, ok := t.fn.Async[key]; ok {
		return c
	}
	return AsyncConfig{}.withDefaults()
}

// start counts inv and dispatches it.
func (fn *function) start(inv *invocation, dispatch func(*invocation) error) error {
	if !fn.svc.begin() {
		return errService(ErrClosed, fmt.Errorf("function %q: %w", fn.Name, ErrClosed))
	}
	if err := dispatch(inv); err != nil {
		fn.svc.ended()
		return err
	}
	return nil
}

func (inv *invocation) await(ctx context.Context) (Response, error) {
	select {
	case a := <-inv.done:
		return a.response, a.err
	case <-ctx.Done():
		return Response{}, fmt.Errorf("lambda: request %s goes on, but the wait for it ended: %w", inv.id, ctx.Err())
	}
}

// runEvent is one attempt at an asynchronous event. It ends when the invocation does: ctx ends only the wait for a
// free process.
func (fn *function) runEvent(ctx context.Context, e *asyncEvent) (Response, error) {
	version, err := fn.version(e.qualifier)
	if err != nil {
		return Response{}, errNotFound("Function not found: %s (%v)", e.qualifiedARN, err)
	}
	t := found{fn: fn, qualifier: e.qualifier, version: version}
	inv := t.invocation(e.id, e.trace, e.payload)
	inv.kind = Asynchronous
	dispatch := fn.dispatch
	if fn.Reserved == nil {
		ctx, cancel := context.WithDeadline(ctx, e.expires())
		defer cancel()
		dispatch = func(inv *invocation) error { return fn.dispatchWhenFree(ctx, inv) }
	}
	if err := fn.start(inv, dispatch); err != nil {
		return Response{}, err
	}
	return inv.await(context.WithoutCancel(ctx))
}

// checkPayload returns what the function gets, which is {} for nothing.
func checkPayload(payload []byte, limit int) ([]byte, error) {
	if len(payload) > limit {
		return nil, errTooLarge(limit)
	}
	if len(bytes.TrimSpace(payload)) == 0 {
		return []byte("{}"), nil
	}
	if !json.Valid(payload) {
		var v json.RawMessage
		return nil, errInvalidContent(json.Unmarshal(payload, &v))
	}
	return payload, nil
}

var _ http.Handler = (*Service)(nil)
