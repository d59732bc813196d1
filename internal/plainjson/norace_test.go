//go:build !race

package plainjson_test

const raceEnabled = false
