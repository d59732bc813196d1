// Package tasks is what the tests fire and the function of their template handles.
package tasks

import "github.com/offloadhq/offload/task"

// Act is the arguments of every task here.
type Act struct {
	Crash   bool // end the process by SIGKILL instead of writing
	OnlyOne bool // crash at the first attempt only
	Fail    bool // return an error
	Panic   bool
	Exit    bool // call os.Exit
	Loop    bool // never end, whatever the context says
	Stop    bool // halt the process, so that nobody in it can answer
	After   int  // before it ends the process: wait until so many others are done
}

// Write writes a file named after the task id.
var Write = task.Define[Act]("e2e.write", task.MaxAttempts(3), task.Backoff(task.Constant(0)))
