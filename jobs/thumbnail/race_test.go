//go:build race

package thumbnail_test

// raceEnabled: the race detector makes sync.Pool forget at random, and image code some thirty times slower.
const raceEnabled = true
