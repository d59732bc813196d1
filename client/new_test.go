package client_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/clienttest"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

func TestNewReturnsEveryProblem(t *testing.T) {
	rec := clienttest.NewRecorder(small)
	c, err := client.New(nil, &client.Options{
		Source:         "two words",
		Routes:         map[string]transport.Sender{"": rec, "Bad_Class": rec, "bulk": nil},
		ConfirmTimeout: -1, SendTimeout: -1, AttemptTimeout: -time.Second,
		MaxSenders: -1, MaxPending: -1, MaxPendingBytes: -1,
	})
	if c != nil || err == nil {
		t.Fatal("no error")
	}
	for _, s := range []string{
		"sender: is nil", `Routes[""]`, `Routes["Bad_Class"]`, `Routes["bulk"]: the Sender is nil`, `Options.Source: source "two words"`,
		"ConfirmTimeout", "SendTimeout", "AttemptTimeout: is -1s: must not be negative; 0 means the default, 2s", "MaxSenders", "MaxPending:", "MaxPendingBytes:",
	} {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("error does not tell %q:\n%v", s, err)
		}
	}
}

func TestNewCopiesItsOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := clienttest.NewRecorder(small)
		opts := client.Options{Routes: map[string]transport.Sender{"bulk": rec}}
		c, err := client.New(rec, &opts)
		if err != nil {
			t.Fatal(err)
		}
		if len(opts.Routes) != 1 || opts.MaxPending != 0 || opts.Source != "" {
			t.Errorf("the caller's options were written to: %+v", opts)
		}
		delete(opts.Routes, "bulk")
		if _, err := c.Fire(t.Context(), bulk.With(1)); err != nil {
			t.Error(err)
		}
		if e := rec.Envelopes(); e[0].Source() == "" {
			t.Error("no source by default")
		}
		if _, err := client.New(rec, nil); err != nil {
			t.Error(err)
		}
	})
}

func TestCheck(t *testing.T) {
	c, rec := clienttest.New(t)
	err := c.Check(number, bulk, nil, task.Definition[int]{}, task.Define[int]("test.number"), task.Define[int]("test.new", task.Aliases("test.number")))
	want(t, err, client.ErrNoRoute)
	for _, s := range []string{
		`task "test.bulk": class "bulk": give it a Sender in Options.Routes`, "definition 3: is nil or zero", "definition 4: is nil or zero",
		`task "test.number": definition 5 claims a name that definition 1 has`, `task "test.number": definition 6 claims`,
	} {
		if err == nil || !strings.Contains(err.Error(), s) {
			t.Errorf("error does not tell %q:\n%v", s, err)
		}
	}
	if err := c.Check(number, text); err != nil || rec.Calls() != 0 {
		t.Error(err)
	}
}

func TestErrorText(t *testing.T) {
	cause := errors.New("cause")
	for name, x := range map[string]struct {
		err  error
		text string
	}{
		"not sent":    {&client.Error{ID: "1", Name: "a.b", Fact: client.ErrNotSent, Ended: true, Err: cause}, `task "a.b" (id 1): not sent: cause`},
		"invalid":     {&client.Error{ID: "1", Name: "a.b", Fact: client.ErrNotSent, Ended: true, Err: &task.InvalidError{Name: "a.b", Err: cause}}, `task "a.b" (id 1): not sent: cause`},
		"unconfirmed": {&client.Error{ID: "1", Name: "a.b", Attempts: 2, Fact: client.ErrUnconfirmed, Err: cause}, `task "a.b" (id 1): unconfirmed: sending goes on and its end goes to OnResult; fire it again only with task.ID of this id (attempts: 2): cause`},
		"ended":       {&client.Error{ID: "1", Name: "a.b", Attempts: 9, Fact: client.ErrUnconfirmed, Ended: true, Err: cause}, `task "a.b" (id 1): unconfirmed: it may have arrived; fire it again only with task.ID of this id (attempts: 9): cause`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := x.err.Error(); got != x.text {
				t.Errorf("got  %s\nwant %s", got, x.text)
			}
			want(t, x.err, cause)
		})
	}
}
