package journal_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"

	"github.com/offloadhq/offload/client/journal"
)

// A process stores records, delivers some, and ends; the next one finds the rest.
func Example() {
	dir, err := os.MkdirTemp("", "journal-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, opts := context.Background(), &journal.Options{Logger: slog.New(slog.DiscardHandler)}

	j, err := journal.Open(dir, opts)
	if err != nil {
		log.Fatal(err)
	}
	var refs []journal.Ref
	for _, body := range []string{"one", "two", "three"} {
		ref, err := j.Append(ctx, journal.Record{Body: []byte(body)})
		if err != nil {
			log.Fatal(err)
		}
		refs = append(refs, ref) // it is on the disk
	}
	if err := j.Done(refs[1]); err != nil {
		log.Fatal(err)
	}
	if err := j.Close(); err != nil {
		log.Fatal(err)
	}

	j, err = journal.Open(dir, opts)
	if err != nil {
		log.Fatal(err)
	}
	records, err := j.Next(100, 1<<20)
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range records {
		fmt.Printf("%s\n", r.Body)
		if err := j.Done(r.Ref); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("left:", j.Backlog())
	if err := j.Close(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// one
	// three
	// left: 0
}

// Inspect shows who holds what, also while processes work.
func ExampleInspect() {
	dir, err := os.MkdirTemp("", "journal-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	j, err := journal.Open(dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer j.Close()
	if _, err := j.Append(context.Background(), journal.Record{Body: []byte("one")}); err != nil {
		log.Fatal(err)
	}
	holders, err := journal.Inspect(dir)
	if err != nil {
		log.Fatal(err)
	}
	for _, h := range holders {
		fmt.Println("alive:", h.Locked, "records:", h.Records, "quarantined:", h.Quarantined)
	}
	// Output:
	// alive: true records: 1 quarantined: 0
}
