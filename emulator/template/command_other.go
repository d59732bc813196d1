//go:build !unix

package template

import "os/exec"

// killGroup does nothing where there are no process groups: the command itself is killed, as os/exec does.
func killGroup(*exec.Cmd) {}

func awaitGroup(*exec.Cmd) {}
