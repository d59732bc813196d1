package jobs

import (
	"fmt"
	"time"

	"github.com/offloadhq/offload/task"
)

// ClassBulk is the queue class of tasks that take minutes: a queue and a function of their own keep them out of the way
// of the short ones. Route it (client.Options.Routes) to the queue whose function may run for 15 minutes.
const ClassBulk = "bulk"

// MaxRows is the longest table that [Export] writes: about 7 GB.
const MaxRows = 100_000_000

// Export writes a large table as CSV to [ExportPrefix] + task id + ".csv". It is long work, so its class is [ClassBulk]
// and it is tried only a few times; one attempt may take 14 minutes, a little less than the longest invocation on Lambda.
var Export = task.Define[Table]("export.write",
	task.Queue(ClassBulk),
	task.MaxAttempts(4),
	task.Backoff(task.Exponential(10*time.Second, 10*time.Minute)),
	task.Timeout(14*time.Minute),
)

// Table is the arguments of [Export].
type Table struct {
	// Rows is how many rows to write, without the header: 0 to [MaxRows].
	Rows int `json:"rows"`
}

// Validate returns what is wrong with the table, nil if nothing is. The error matches task.ErrInvalid.
func (t Table) Validate() error {
	if t.Rows < 0 || t.Rows > MaxRows {
		return invalid(Export, fmt.Errorf("rows is %d: it must be 0 to %d", t.Rows, MaxRows))
	}
	return nil
}
