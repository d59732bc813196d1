package lambda_test

import (
	"log/slog"
	"testing"

	"github.com/offloadhq/offload/emulator/lambda"
)

// BenchmarkInvoke_Warm is one invocation of a frozen process, with the way there and back.
func BenchmarkInvoke_Warm(b *testing.B) {
	s, err := lambda.New(&lambda.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close(b.Context()) }()
	if _, err := s.AddFunction(function(b, "function")); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r, err := s.Invoke(b.Context(), lambda.Request{Function: "f", Payload: []byte(`{"do":"error"}`)})
		if err != nil || r.FunctionError == "" {
			b.Fatal(r, err)
		}
	}
}
