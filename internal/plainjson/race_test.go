//go:build race

package plainjson_test

// raceEnabled: allocations are counted without the race detector, which makes some of its own.
const raceEnabled = true
