package client

import (
	"errors"
	"fmt"

	"github.com/offloadhq/offload/task"
)

// Check reports what would go wrong with these definitions, to be called at start: a class without route (the error
// matches [ErrNoRoute] and names the class), a zero definition, two definitions that claim one name, be it as an alias.
// Every problem is returned, joined. It sends nothing.
func (c *Client) Check(defs ...task.Definable) error {
	var problems []error
	claims := make(map[string]int, len(defs)) // name to index
	claim := func(name string, i int) {
		if other, taken := claims[name]; taken {
			problems = append(problems, fmt.Errorf("task %q: definition %d claims a name that definition %d has: names and aliases must differ", name, i+1, other+1))
			return
		}
		claims[name] = i
	}
	for i, d := range defs {
		if d == nil || d.Name() == "" {
			problems = append(problems, fmt.Errorf("definition %d: is nil or zero: make definitions with task.Define", i+1))
			continue
		}
		policy := d.Policy()
		claim(d.Name(), i)
		for _, alias := range policy.Aliases {
			claim(alias, i)
		}
		if _, ok := c.routes[policy.Class]; !ok {
			problems = append(problems, fmt.Errorf("task %q: %w", d.Name(), noRoute(policy.Class)))
		}
	}
	return errors.Join(problems...)
}
