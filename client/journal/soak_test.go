package journal

import "os"

// soak scales the tests of this package: "" for a quick look with every go test, "commit" for the gate of a commit, "release"
// for that of a release. See make soak.
var soak = os.Getenv("OFFLOAD_SOAK")

func scaled(quick, commit, release int) int {
	switch {
	case soak == "commit":
		return commit
	case soak == "release":
		return release
	case raceEnabled:
		return max(1, quick/4)
	}
	return quick
}
