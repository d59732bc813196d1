// Command function does nothing but tell when it begins.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/offloadhq/offload/bench/idle"
	"github.com/offloadhq/offload/bench/internal/payload"
	"github.com/offloadhq/offload/worker"
)

func main() {
	mux := worker.NewMux()
	worker.Handle(mux, payload.Placed, func(_ context.Context, p payload.Payload) error {
		fmt.Println(idle.Line(p.FiredAt(), time.Now()))
		return nil
	})
	w, err := worker.New(mux, nil)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(w)
}
