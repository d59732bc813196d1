package storetest

import "context"

// Failure runs one check on a fresh target and returns what it says, nil if it passes.
func Failure(ctx context.Context, make func() Target, name string) error {
	for _, c := range checks {
		if c.name == name {
			return c.run(ctx, filled(make()))
		}
	}
	panic("no check is called " + name)
}

// HostileKeys is hostileKeys.
func HostileKeys() []string { return hostileKeys() }
