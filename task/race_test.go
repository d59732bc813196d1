//go:build race

package task_test

// raceEnabled: the race detector drops pooled values on purpose, so allocations mean nothing under it.
const raceEnabled = true
