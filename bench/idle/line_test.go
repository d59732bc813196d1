package idle_test

import (
	"testing"
	"time"

	"github.com/offloadhq/offload/bench/idle"
)

func TestLine(t *testing.T) {
	fired, begun := time.Unix(1, 2), time.Unix(3, 4)
	a, b, ok := idle.Parse(idle.Line(fired, begun))
	if !ok || !a.Equal(fired) || !b.Equal(begun) {
		t.Error(a, b, ok)
	}
	if _, _, ok := idle.Parse(`{"level":"info"}`); ok {
		t.Error("another line was taken")
	}
}
