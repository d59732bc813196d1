package client

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"runtime/debug"
	"slices"
	"time"

	"github.com/offloadhq/offload/client/journal"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
)

// Defaults of [Options].
const (
	DefaultConfirmTimeout  = 5 * time.Second
	DefaultSendTimeout     = time.Minute
	DefaultAttemptTimeout  = 2 * time.Second
	DefaultMaxSenders      = 128
	DefaultMaxPending      = 100_000
	DefaultMaxPendingBytes = 64 << 20
)

// Options adjust a [Client]. The zero value of each field means its default.
type Options struct {
	// Mode is what a nil error from Fire means. Default [Confirmed].
	Mode Mode
	// Journal is where the mode Journaled keeps tasks; no other mode takes one. It serves one client, stays the caller's, and
	// is closed after the client.
	Journal *journal.Journal
	// Source is the CloudEvents source of every task: a URI reference that names this service. Default: the path of
	// the main module, or "offload" where the build does not tell it.
	Source string
	// Routes gives each queue class ([task.Queue]) its Sender. The class "" is served by the Sender given to New.
	Routes map[string]transport.Sender

	// ConfirmTimeout is the longest that Fire waits for the transport's answer; in the other modes it does not wait for that.
	// Default [DefaultConfirmTimeout].
	ConfirmTimeout time.Duration
	// SendTimeout is how long after its firing a task may still be sent: no attempt starts later. Default
	// [DefaultSendTimeout]; in the other modes than Confirmed there is none, so that a task outlives any outage that its place does.
	SendTimeout time.Duration
	// AttemptTimeout bounds one call of Sender.Send, by its context; for each whole 128 KiB of bodies the call has a second
	// more, for thin lines. Default [DefaultAttemptTimeout]: a task whose first request hangs is sent again before
	// ConfirmTimeout. A longer one is a longer wait for a transport that hangs, and then a later end of an outage.
	AttemptTimeout time.Duration

	// MaxSenders is the most requests in flight on one route. They exist only while there is work, and while they do not
	// hold each other up in this process (package comment, "Batches"). Default [DefaultMaxSenders].
	MaxSenders int
	// MaxPending and MaxPendingBytes bound the tasks that were accepted and have not ended, on all routes together: those
	// that wait and those in flight, by number and by the bytes that they take, which are those of the body and 1280 for
	// each task. A task beyond either is refused with [ErrBufferFull]. Defaults [DefaultMaxPending] and
	// [DefaultMaxPendingBytes], which holds 33,000 tasks of 700 bytes. A process that fires as fast as it can in an outage
	// grows to less than 128 MiB with GOMEMLIMIT=112MiB; without that limit (package runtime) the garbage collector of a busy
	// machine may be late, and take as much again as is held.
	MaxPending      int
	MaxPendingBytes int

	// OnResult gets what Fire could not tell, once a task. In the mode Confirmed that is the end of each task whose Fire
	// returned [ErrUnconfirmed]: a Receipt with a nil Err if the transport has the task after all, else with an [*Error],
	// which matches ErrUnconfirmed still if an attempt may have arrived. In the mode Buffered it is each task that ended
	// undelivered: refused as invalid, too old, or cut short by Close; its Envelope can be saved. In the mode Journaled it is
	// each task that was put aside in the journal: refused as invalid, or too old.
	//
	// It may be called before that Fire has returned. Calls come from a goroutine of the client, one at a time; the task
	// counts as pending until its call returns, so a slow OnResult fills the buffer. It may call Fire; Flush and Close wait
	// for it, so it must not call those. A panic in it is recovered and logged, and so is runtime.Goexit: the next call then
	// has another goroutine.
	OnResult func(Receipt)

	// OnDrop gets the receipt of each task that was refused with [ErrBufferFull], with its Envelope, before its Fire
	// returns and in the same goroutine: it must not block. A panic in it is recovered and logged. runtime.Goexit ends the
	// caller, and harms no other task of its FireBatch.
	OnDrop func(Receipt)

	// Hooks are told what the client does, for traces and metrics.
	Hooks Hooks

	// Logger gets what nothing else tells: panics, changes of [Health], and without an OnResult the tasks that ended
	// undelivered after Fire had returned; at the level Debug the end of each task. It sees ids, names and sizes, never
	// arguments. Its handler must not panic: in a goroutine of the client nobody recovers that. Default: slog.Default() at the time of New.
	Logger *slog.Logger
}

// fill returns a copy with the defaults in place, or every problem with what was given.
func (o *Options) fill(s transport.Sender) (Options, error) {
	var filled Options
	if o != nil {
		filled = *o
	}
	filled.Routes = maps.Clone(filled.Routes)
	problems := checkRoutes(s, filled.Routes)
	if filled.Routes == nil {
		filled.Routes = map[string]transport.Sender{}
	}
	filled.Routes[""] = s
	if filled.Source == "" {
		filled.Source = mainModule()
	} else if err := checkSource(filled.Source); err != nil {
		problems = append(problems, fmt.Errorf("Options.Source: %w", err))
	}
	if filled.Mode > Journaled {
		problems = append(problems, fmt.Errorf("Options.Mode: is %v: use client.Confirmed, client.Buffered or client.Journaled", filled.Mode))
	}
	if (filled.Mode == Journaled) != (filled.Journal != nil) {
		problems = append(problems, fmt.Errorf("Options.Journal: is needed in the mode %v, and has no place in the others: the mode is %v", Journaled, filled.Mode))
	}
	sendTimeout := DefaultSendTimeout
	if filled.Mode != Confirmed {
		sendTimeout = 0
	}
	problems = append(problems,
		fill("ConfirmTimeout", &filled.ConfirmTimeout, DefaultConfirmTimeout),
		fill("SendTimeout", &filled.SendTimeout, sendTimeout),
		fill("AttemptTimeout", &filled.AttemptTimeout, DefaultAttemptTimeout),
		fill("MaxSenders", &filled.MaxSenders, DefaultMaxSenders),
		fill("MaxPending", &filled.MaxPending, DefaultMaxPending),
		fill("MaxPendingBytes", &filled.MaxPendingBytes, DefaultMaxPendingBytes),
	)
	if filled.Logger == nil {
		filled.Logger = slog.Default()
	}
	return filled, errors.Join(problems...)
}

func fill[T int | time.Duration](name string, field *T, standard T) error {
	if *field < 0 {
		return fmt.Errorf("Options.%s: is %v: must not be negative; 0 means the default, %v", name, *field, standard)
	}
	if *field == 0 {
		*field = standard
	}
	return nil
}

// forgetful reports that nobody holds envelopes once s has returned: hooks that see them may.
func (o *Options) forgetful(s transport.Sender) bool {
	f, ok := s.(transport.Forgetful)
	return ok && reflect.TypeOf(s).Comparable() && f.Forgets() == s && o.Hooks.Send == nil && o.Hooks.Sent == nil
}

func checkRoutes(s transport.Sender, routes map[string]transport.Sender) (problems []error) {
	if s == nil {
		problems = append(problems, errors.New("sender: is nil: give the Sender for tasks of no particular class"))
	}
	for _, class := range slices.Sorted(maps.Keys(routes)) {
		if class == "" {
			problems = append(problems, errors.New(`Options.Routes[""]: the class "" is served by the Sender given to New: remove it`))
			continue
		}
		if err := refusal(task.Queue(class)); err != nil {
			problems = append(problems, fmt.Errorf("Options.Routes[%q]: %w", class, err))
		}
		if routes[class] == nil {
			problems = append(problems, fmt.Errorf("Options.Routes[%q]: the Sender is nil", class))
		}
	}
	return problems
}

// probe is encoded only to ask package task for its own rules; it is never fired.
var probe = task.Define[struct{}]("client.probe")

func checkSource(source string) error { return probeWith(source) }

func refusal(o task.FireOption) error { return probeWith("probe", o) }

func probeWith(source string, opts ...task.FireOption) error {
	_, err := probe.With(struct{}{}).Encode("probe", source, time.Unix(0, 0), opts...)
	if invalid, ok := errors.AsType[*task.InvalidError](err); ok {
		return invalid.Err
	}
	return err
}

// mainModule names the program by its main module.
func mainModule() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path != "" && checkSource(info.Main.Path) == nil {
		return info.Main.Path
	}
	return "offload"
}
