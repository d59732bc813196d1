package journal_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/offloadhq/offload/client/journal"
)

// childEnv makes the test binary play a process that is to be killed; its value is a childConfig.
const childEnv = "OFFLOAD_JOURNAL_TEST_CHILD"

type childConfig struct {
	Dir     string
	Name    string // of its records
	Options journal.Options
	Callers int
	Drain   bool // take the backlog and say so, instead of appending
}

// childMain runs the child if this process is one.
func childMain() {
	config, ok := os.LookupEnv(childEnv)
	if !ok {
		return
	}
	if err := runChild(config); err != nil {
		log.Fatal(err)
	}
	os.Exit(0)
}

// say prints a line with one system call: what is said survives the process.
func say(format string, args ...any) { _, _ = os.Stdout.WriteString(fmt.Sprintf(format+"\n", args...)) }

// runChild says what it appends, "appended", when the journal has it, and "done" before it says so to the journal.
func runChild(config string) error {
	var x childConfig
	if err := json.Unmarshal([]byte(config), &x); err != nil {
		return err
	}
	x.Options.Logger = quiet
	j, err := journal.Open(x.Dir, &x.Options)
	if err != nil {
		return err
	}
	say("open %s", x.Name)
	var wg sync.WaitGroup
	for c := range x.Callers {
		wg.Go(func() { x.caller(j, c) })
	}
	wg.Wait()
	return j.Close()
}

func (x childConfig) caller(j *journal.Journal, c int) {
	var refs []journal.Ref
	var names []string
	for i := 0; ; i++ {
		name := fmt.Sprintf("%s-%d-%d", x.Name, c, i)
		ref, err := j.Append(background, journal.Record{Body: []byte(name + " " + strings.Repeat("x", i%500))})
		if err != nil {
			log.Fatal(err)
		}
		say("appended %s", name)
		refs, names = append(refs, ref), append(names, name)
		if i%10 == 9 { // half of them are done
			for _, n := range names[:5] {
				say("done %s", n)
			}
			if err := j.Done(refs[:5]...); err != nil {
				log.Fatal(err)
			}
			refs, names = nil, nil
		}
	}
}

// child is a process that runs.
type child struct {
	process *os.Process
	ended   chan struct{}
	mu      sync.Mutex
	said    map[string]map[string]bool // what, by word
	news    chan struct{}              // of a line, if somebody waits
}

func start(t *testing.T, x childConfig) *child {
	t.Helper()
	text, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), childEnv+"="+string(text))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{process: cmd.Process, ended: make(chan struct{}), said: map[string]map[string]bool{}, news: make(chan struct{}, 1)}
	go func() {
		defer close(c.ended)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			word, rest, _ := strings.Cut(lines.Text(), " ")
			c.mu.Lock()
			if c.said[word] == nil {
				c.said[word] = map[string]bool{}
			}
			c.said[word][rest] = true
			c.mu.Unlock()
			select {
			case c.news <- struct{}{}:
			default:
			}
		}
		_ = cmd.Wait() // it was killed
	}()
	t.Cleanup(c.kill)
	return c
}

func (c *child) kill() {
	_ = c.process.Kill() // it may have ended
	<-c.ended
}

// waitFor waits until the child has said a word so many times.
func (c *child) waitFor(t *testing.T, word string, n int) {
	t.Helper()
	for deadline := time.After(time.Minute); ; {
		c.mu.Lock()
		have := len(c.said[word])
		c.mu.Unlock()
		if have >= n {
			return
		}
		select {
		case <-c.news:
		case <-c.ended:
			t.Fatalf("the child ended having said %q %d times", word, have)
		case <-deadline:
			t.Fatalf("the child has said %q %d times", word, have)
		}
	}
}
