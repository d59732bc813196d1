// Command function runs the tasks on Lambda.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/offloadhq/offload/worker"

	"example.com/quickstart/tasks"
)

func main() {
	mux := worker.NewMux()
	worker.Handle(mux, tasks.Welcome, func(_ context.Context, e tasks.Email) error {
		fmt.Println("welcome,", e.To)
		return nil
	})
	w, err := worker.New(mux, nil)
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(w)
}
