package otelclient_test

import (
	"context"
	"fmt"
	"log"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/offloadhq/offload/client"
	"github.com/offloadhq/offload/client/otelclient"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport/memtransport"
)

// A task's create span is below the span of whoever fires; its context travels with the task, and the span of the request
// links to it. A program with global providers passes nil for the options.
func Example() {
	spans := tracetest.NewInMemoryExporter() // in place of an exporter to a collector
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	queue := memtransport.New(&memtransport.Options{Name: "orders"})

	hooks, err := otelclient.Hooks(queue, nil, &otelclient.Options{TracerProvider: provider})
	if err != nil {
		log.Fatal(err)
	}
	c, err := client.New(queue, &client.Options{Hooks: hooks})
	if err != nil {
		log.Fatal(err)
	}
	unregister, err := otelclient.Register(c, nil) // waiting, in flight, dropped, health…
	if err != nil {
		log.Fatal(err)
	}

	ctx, request := provider.Tracer("shop").Start(context.Background(), "POST /orders")
	placed := task.Define[int]("order.placed")
	if _, err := c.Fire(ctx, placed.With(42)); err != nil {
		log.Fatal(err)
	}
	request.End()

	if err := c.Close(context.Background()); err != nil { // first the client, whose last spans it ends
		log.Fatal(err)
	}
	if err := unregister(); err != nil {
		log.Fatal(err)
	}
	byID := map[string]string{}
	for _, s := range spans.GetSpans() {
		byID[s.SpanContext.SpanID().String()] = s.Name
	}
	for _, name := range []string{"POST /orders", "create orders", "send orders"} {
		for _, s := range spans.GetSpans() {
			if s.Name != name {
				continue
			}
			fmt.Printf("%s (%v)", s.Name, s.SpanKind)
			if parent := byID[s.Parent.SpanID().String()]; parent != "" {
				fmt.Printf(", below %s", parent)
			}
			for _, link := range s.Links {
				fmt.Printf(", linked to %s", byID[link.SpanContext.SpanID().String()])
			}
			fmt.Println()
		}
	}
	// Output:
	// POST /orders (internal)
	// create orders (producer), below POST /orders
	// send orders (client), below create orders, linked to create orders
}
