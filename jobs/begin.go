package jobs

import (
	"context"
	"errors"

	"github.com/offloadhq/offload/task"
)

// Begin is the first step of every handler here: it validates the arguments and returns what is known of the task. An
// error is permanent: bad arguments, or a context that belongs to no task.
func Begin(ctx context.Context, args interface{ Validate() error }) (task.Info, error) {
	info, ok := task.InfoFromContext(ctx)
	if !ok {
		return task.Info{}, task.Permanent(errors.New("context carries no task: run the handler in a worker, or give it task.WithInfo"))
	}
	if err := args.Validate(); err != nil {
		return task.Info{}, task.Permanent(err)
	}
	return info, nil
}

// invalid joins what is wrong with the arguments of a definition; nil if nothing is.
func invalid(d task.Definable, problems ...error) error {
	if err := errors.Join(problems...); err != nil {
		return &task.InvalidError{Name: d.Name(), Err: err}
	}
	return nil
}
