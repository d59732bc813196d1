package client

import (
	"log/slog"
	"runtime/debug"
)

// The code of others (hooks, OnResult, OnDrop, a Logger, a Sender) may panic, or end the goroutine that calls it with
// runtime.Goexit, as t.FailNow does in a test. A panic is recovered. A Goexit cannot be: so what is to be done after such a call
// is deferred, or goes on in another goroutine.

// call calls a hook, and logs if it does not return. It allocates nothing while all is well.
func call(log *slog.Logger, name string, hook func()) { callFor(log, name, "", "", hook) }

// callFor is call for a task, which the log names.
func callFor(log *slog.Logger, name, id, task string, hook func()) {
	returned := false
	defer func() {
		v := recover()
		if v == nil && returned {
			return
		}
		if id != "" {
			log = log.With("id", id, "name", task)
		}
		if v != nil {
			log.Error(name+" panicked", "panic", v, "stack", string(debug.Stack()))
		} else {
			log.Error(name + " ended its goroutine with runtime.Goexit")
		}
	}()
	hook()
	returned = true
}

// repeat calls f until it returns false. When a call ends the goroutine, the next ones have another, and the deferred functions
// of this one wait for it.
func repeat(f func() (more bool)) {
	more := true
	defer func() {
		if more {
			repeatElsewhere(f)
		}
	}()
	for more {
		more = f()
	}
}

func repeatElsewhere(f func() (more bool)) {
	for more := true; more; {
		over := make(chan struct{})
		go func() {
			defer close(over)
			for more {
				more = f()
			}
		}()
		<-over
	}
}

// each calls f with 0 to n-1, as repeat does.
func each(n int, f func(i int)) {
	next := 0
	repeat(func() (more bool) {
		if next == n {
			return false
		}
		next++
		f(next - 1)
		return true
	})
}
