package storetest

import "context"

// Failures runs the suite on fresh targets and returns what each check that fails says.
func Failures(ctx context.Context, make func() Target) map[string]string {
	failures := map[string]string{}
	for _, c := range checks {
		if err := c.run(ctx, filled(make())); err != nil {
			failures[c.name] = err.Error()
		}
	}
	return failures
}
