// Package tasks is what the API and the function share.
package tasks

import "github.com/offloadhq/offload/task"

// Welcome sends a greeting to a new user.
var Welcome = task.Define[Email]("email.welcome")

// Email is its arguments.
type Email struct{ To string }
