package lambda

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const maxErrorBody = 1 << 20

// runtimeAPI is the listener of one process: the Runtime API and as much of the Extensions API as an internal extension
// without events needs. It turns requests into calls and waits for their replies.
type runtimeAPI struct {
	s       *sandbox
	address string
	server  *http.Server
	served  sync.WaitGroup

	stop chan struct{} // closed when no call will be answered any more
}

func listen(s *sandbox) (*runtimeAPI, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a := &runtimeAPI{s: s, address: l.Addr().String(), stop: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", a.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", a.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", a.invocationError)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", a.initError)
	mux.HandleFunc("POST /2020-01-01/extension/register", a.register)
	mux.HandleFunc("GET /2020-01-01/extension/event/next", a.event)
	a.server = &http.Server{
		Handler: mux, ReadHeaderTimeout: time.Minute,
		ErrorLog: log.New(io.Discard, "", 0), // a process that ends in the middle of a request is no news here
	}
	a.served.Go(func() { _ = a.server.Serve(l) })
	return a, nil
}

func (a *runtimeAPI) close() {
	close(a.stop)
	_ = a.server.Close()
	a.served.Wait()
}

// ask gives a call to the sandbox and returns its reply; false if there will be none.
func (a *runtimeAPI) ask(r *http.Request, c call) (reply, bool) {
	c.reply = make(chan reply, 1)
	c.gone = r.Context().Done()
	select {
	case a.s.calls <- c:
	case <-a.stop:
		return reply{problem: problemGone}, true
	case <-c.gone:
		return reply{}, false
	}
	select {
	case got := <-c.reply:
		return got, true
	case <-c.gone:
		return reply{}, false
	}
}

func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	got, ok := a.ask(r, call{kind: callNext})
	if !ok {
		return
	}
	if got.problem != nil {
		got.problem.write(w)
		return
	}
	inv, h := got.invocation, w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(inv.payload)))
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(got.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", inv.arn)
	h.Set("Lambda-Runtime-Trace-Id", inv.trace)
	_, _ = w.Write(inv.payload)
}

func (a *runtimeAPI) response(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxResponse))
	c := call{kind: callResponse, id: r.PathValue("id"), body: body}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		c.kind, c.body = callTooLarge, nil
	case err != nil:
		return
	}
	// A response that was streamed says in its trailer that it failed in the middle.
	if c.err = r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); c.err != "" {
		if c.body, err = base64.StdEncoding.DecodeString(r.Trailer.Get("Lambda-Runtime-Function-Error-Body")); err != nil {
			c.body = nil
		}
	}
	a.accept(w, r, c)
}

func (a *runtimeAPI) invocationError(w http.ResponseWriter, r *http.Request) {
	a.report(w, r, call{kind: callError, id: r.PathValue("id")})
}

func (a *runtimeAPI) initError(w http.ResponseWriter, r *http.Request) {
	a.report(w, r, call{kind: callInitError})
}

func (a *runtimeAPI) report(w http.ResponseWriter, r *http.Request, c call) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxErrorBody))
	if err != nil {
		problemSize.write(w)
		return
	}
	if len(body) == 0 {
		body = []byte("{}")
	}
	c.body = body
	a.accept(w, r, c)
}

func (a *runtimeAPI) accept(w http.ResponseWriter, r *http.Request, c call) {
	got, ok := a.ask(r, c)
	switch {
	case !ok:
	case got.problem != nil:
		got.problem.write(w)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"status":"OK"}`+"\n")
	}
}

// register takes an extension that wants no events: its registration is what makes Lambda send SIGTERM.
// ("Lambda Extensions API": an internal extension cannot register for SHUTDOWN. INVOKE is not there either.)
func (a *runtimeAPI) register(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Events []string `json:"events"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxErrorBody)).Decode(&body); err != nil {
		(&problem{400, "InvalidRequestFormat", "The body is not a JSON object with events: " + err.Error()}).write(w)
		return
	}
	if len(body.Events) > 0 {
		(&problem{403, "Extension.InvalidEventType", "The emulator sends no events to extensions: register for none"}).write(w)
		return
	}
	got, ok := a.ask(r, call{kind: callRegister})
	if !ok {
		return
	}
	if got.problem != nil {
		got.problem.write(w)
		return
	}
	f := &a.s.fn.Function
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Lambda-Extension-Identifier", newID())
	_ = json.NewEncoder(w).Encode(map[string]string{
		"functionName": f.Name, "functionVersion": a.s.version, "handler": f.Handler,
	})
}

// event waits until the process has gone, since no extension is registered for an event.
func (a *runtimeAPI) event(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func (p *problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(p.status)
	_ = json.NewEncoder(w).Encode(map[string]string{"errorType": p.errorType, "errorMessage": p.message})
}
