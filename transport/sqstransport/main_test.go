package sqstransport_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(benchServer); mode != "" {
		serveBench(mode)
		return
	}
	goleak.VerifyTestMain(m)
}
