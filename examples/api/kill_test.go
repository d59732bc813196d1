package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/offloadhq/offload/client/journal"
	"github.com/offloadhq/offload/emulator/sqs"
)

// lives is how many processes a test of this file ends; see make soak.
var lives = map[string]int{"": 3, "commit": 20, "release": 200}[os.Getenv("OFFLOAD_SOAK")]

// patience is for a busy machine.
const patience = time.Minute

// scratch is where binary builds; TestMain removes it.
var scratch string

// binary is this program, built once.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(scratch, "api")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "api"); err != nil {
		log.Fatal(err)
	}
	waits.shutdown, waits.confirm, waits.attempt = patience, patience, patience
	code := m.Run()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

// service is the SQS of the emulator, with a network before it that loses some answers, and that stalls on demand.
type service struct {
	queues *sqs.Service
	faulty bool
	room   int64 // requests after which nothing is stored or answered; 0: any number, negative: none
	seen   atomic.Int64
	server *httptest.Server
}

func newService(t *testing.T, faulty bool, room int64) *service {
	t.Helper()
	s := &service{queues: newQueues(t), faulty: faulty, room: room}
	s.server = httptest.NewServer(s)
	t.Cleanup(s.server.Close)
	return s
}

// ServeHTTP implements http.Handler.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // torn: the host is gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if n := s.seen.Add(1); s.room != 0 && n > s.room {
		<-r.Context().Done()
		return
	}
	luck := 1.0
	if s.faulty {
		luck = rand.Float64()
	}
	switch {
	case luck < 0.05:
		http.Error(w, `{"__type":"ServiceUnavailable"}`, http.StatusServiceUnavailable)
	case luck < 0.10:
		s.queues.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithoutCancel(r.Context())))
		panic(http.ErrAbortHandler) // stored, and the answer is lost
	default:
		s.queues.ServeHTTP(w, r.WithContext(context.WithoutCancel(r.Context())))
	}
}

// stored gives the ids of the tasks that have arrived, after the last request has.
func (s *service) stored(t *testing.T) map[string]bool {
	t.Helper()
	s.server.Close()
	all := map[string]bool{}
	hidden := time.Hour
	for {
		got, err := s.queues.Receive(t.Context(), "arn:aws:sqs:us-east-1:000000000000:q", sqs.ReceiveInput{Max: 1000, Visibility: &hidden})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			return all
		}
		maps.Copy(all, ids(t, got))
	}
}

// environ is that of a host before the service.
func (s *service) environ(more ...string) []string {
	own := []string{
		"AWS_ENDPOINT_URL=" + s.server.URL, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=any", "AWS_SECRET_ACCESS_KEY=any",
		"OFFLOAD_QUEUE_URL=" + s.server.URL + "/000000000000/q", "OFFLOAD_BULK_QUEUE_URL=" + s.server.URL + "/000000000000/bulk",
		"OFFLOAD_WORKER_FUNCTION=f", "ADDR=127.0.0.1:0",
	}
	return append(append(os.Environ(), own...), more...)
}

// life is what became of a host.
type life struct {
	promise string
	err     error  // of its process
	log     string // its end

	mu       sync.Mutex
	accepted []string // ids answered with 202
	full     int      // requests refused because the buffer was full
}

// lost counts the tasks that were promised and have not arrived.
func (l *life) lost(t *testing.T, s *service) (n int) {
	stored := s.stored(t)
	for _, id := range l.accepted {
		if !stored[id] {
			n++
		}
	}
	return n
}

// bound is the most that the host says it may lose.
func (l *life) bound() int {
	if strings.HasSuffix(l.promise, "loses no task") {
		return 0
	}
	_, rest, _ := strings.Cut(l.promise, "at most ")
	n, err := strconv.Atoi(strings.Fields(rest + " none")[0])
	if err != nil {
		return -1
	}
	return n
}

var cut = regexp.MustCompile(`undelivered tasks: (\d+)`)

// undelivered is how many tasks the host gave up at its end, in so many words.
func (l *life) undelivered() int {
	n := 0
	if found := cut.FindStringSubmatch(l.log); found != nil {
		n, _ = strconv.Atoi(found[1])
	}
	return n
}

// impatient reports that the host, whose program has little patience, did not wait for the last requests: their clients were
// not answered.
func (l *life) impatient() bool {
	return strings.Contains(l.log, "api: "+context.DeadlineExceeded.Error())
}

// live starts a host, sends it requests from 16 clients, signals it when it is time, and waits for its end.
func live(t *testing.T, env []string, s syscall.Signal, when func(l *life) bool) *life {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	var logs output
	l := &life{}
	cmd := exec.CommandContext(t.Context(), path)
	cmd.Env, cmd.Stderr = env, &logs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	lines := bufio.NewScanner(out)
	lines.Scan() // it ends, without a line, when the process does
	l.promise = lines.Text()
	signal := sync.OnceFunc(func() { _ = cmd.Process.Signal(s) })
	var clients sync.WaitGroup
	if url := listening(&logs); url != "" {
		for range 16 {
			clients.Go(func() { l.request(url, func() { signal() }, when) })
		}
	}
	clients.Wait()
	l.err, l.log = cmd.Wait(), logs.String()
	l.log = l.log[max(0, len(l.log)-2000):]
	if !when(l) {
		t.Fatalf("void: %d accepted and %d into a full buffer within %v: %v\n%s", len(l.accepted), l.full, patience, l.err, l.log)
	}
	return l
}

var address = regexp.MustCompile(`msg="api listens" url=(\S+)`)

// listening waits for the address of a host, "" if it does not come.
func listening(logs *output) string {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-time.After(time.Millisecond) {
		if found := address.FindStringSubmatch(logs.String()); found != nil {
			return found[1]
		}
	}
	return ""
}

// request posts webhooks one after the other until the host is gone.
func (l *life) request(url string, signal func(), when func(l *life) bool) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for {
		resp, err := client.Post(url+"/webhooks", "application/json", strings.NewReader(`{"url":"http://127.0.0.1:1/x","payload":{}}`))
		if err != nil {
			return
		}
		var answer struct{ ID, Error string }
		err = json.NewDecoder(resp.Body).Decode(&answer)
		_ = resp.Body.Close()
		l.mu.Lock()
		switch {
		case resp.StatusCode == http.StatusAccepted && err == nil:
			l.accepted = append(l.accepted, answer.ID)
		case strings.Contains(answer.Error, "buffer is full"):
			l.full++
		}
		now := when(l)
		l.mu.Unlock()
		if now {
			signal()
		}
	}
}

// afterSome is the moment after a random number of tasks.
func afterSome() func(l *life) bool {
	n := 50 + rand.IntN(400)
	return func(l *life) bool { return len(l.accepted) >= n }
}

// left reports that a journal has tasks that are not sent.
func left(t *testing.T, dir string) bool {
	holders, err := journal.Inspect(dir)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(holders, func(h journal.Holder) bool { return h.Records > 0 })
}

// TestT4_A2_KilledAPI kills the real program under load.
func TestT4_A2_KilledAPI(t *testing.T) {
	for _, mode := range []string{"confirmed", "buffered", "journaled"} {
		t.Run(mode, func(t *testing.T) {
			accepted, most := 0, 0
			for range lives {
				s, dir := newService(t, false, 0), t.TempDir()
				env := s.environ("OFFLOAD_MODE="+mode, "OFFLOAD_JOURNAL="+dir)
				l := live(t, env, syscall.SIGKILL, afterSome())
				for mode == "journaled" && left(t, dir) { // the next start sends what this one has left, as far as its time goes
					if next := live(t, env, syscall.SIGTERM, func(*life) bool { return true }); next.err != nil && !next.impatient() {
						t.Fatalf("the next start: %v\n%s", next.err, next.log)
					}
				}
				n := l.lost(t, s)
				if n > l.bound() || !strings.HasPrefix(l.promise, "mode "+mode) {
					t.Errorf("lost %d of %d, and the host said %q", n, len(l.accepted), l.promise)
				}
				accepted, most = accepted+len(l.accepted), max(most, n)
			}
			t.Logf("%d kills, %d accepted, %d lost at most", lives, accepted, most)
		})
	}
}

// TestT4_A2_KilledAPIWithAFullBuffer kills it when its queue has stalled and its buffer is full.
func TestT4_A2_KilledAPIWithAFullBuffer(t *testing.T) {
	most := 0
	for i := range lives {
		room := 1 + rand.Int64N(20)
		if i == 0 { // else what the host takes for pending may all be stored, where the service is slower than the clients
			room = -1
		}
		s := newService(t, false, room)
		refused := 1 + rand.IntN(20)
		l := live(t, s.environ("OFFLOAD_MODE=buffered", "OFFLOAD_MAX_PENDING=50"), syscall.SIGKILL, func(l *life) bool { return l.full >= refused })
		n := l.lost(t, s)
		if n > l.bound() || l.bound() != 50 {
			t.Errorf("lost %d, and the host said %q", n, l.promise)
		}
		most = max(most, n)
	}
	if t.Logf("%d kills, %d of 50 lost at most", lives, most); most < 25 {
		t.Error("void: the bound was never near")
	}
}

// TestT5_A3_TerminatedAPI ends the real program as a deploy does, before a queue that fails now and then.
func TestT5_A3_TerminatedAPI(t *testing.T) {
	for _, mode := range []string{"confirmed", "buffered"} {
		t.Run(mode, func(t *testing.T) {
			accepted, told := 0, 0
			for range lives {
				s := newService(t, true, 0)
				l := live(t, s.environ("OFFLOAD_MODE="+mode), syscall.SIGTERM, afterSome())
				if n := l.lost(t, s); n > l.undelivered() || (l.err == nil) != (l.undelivered() == 0 && !l.impatient()) {
					t.Errorf("lost %d of %d, and the process ended with %v\n%s", n, len(l.accepted), l.err, l.log)
				}
				accepted, told = accepted+len(l.accepted), told+l.undelivered()
			}
			t.Logf("%d lives, %d accepted, %d told to be undelivered", lives, accepted, told)
		})
	}
}
