package main

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/offloadhq/offload/emulator/sqs"
	"github.com/offloadhq/offload/internal/awss3/awss3test"
	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport/claimcheck"
)

// An image of several megabytes is answered with 202 where there is a place for it, and with 413 where there is none.
func TestLargeImages(t *testing.T) {
	image := make([]byte, 3<<20)
	random := rand.NewChaCha8([32]byte{})
	_, _ = random.Read(image)
	for name, set := range map[string]func(env map[string]string) (objects func() int){
		"no place": nil,
		"directory": func(env map[string]string) func() int {
			env["OFFLOAD_PAYLOADS_DIR"], env["OFFLOAD_PAYLOADS_BUCKET"] = t.TempDir(), "not-asked"
			return nil
		},
		"bucket": func(env map[string]string) func() int {
			b := awss3test.New()
			server := httptest.NewServer(b)
			t.Cleanup(server.Close)
			t.Setenv("AWS_ENDPOINT_URL_S3", server.URL)
			env["OFFLOAD_PAYLOADS_BUCKET"] = awss3test.Name
			return func() int {
				objects, _ := b.Objects()
				return len(objects)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			queues, env := queue(t, func() {})
			var objects func() int
			if set != nil {
				objects = set(env)
			}
			tasks, err := openTasks(t.Context(), environment(env), quiet())
			if err != nil {
				t.Fatal(err)
			}
			defer tasks.close(t.Context())
			w := call(newHandler(tasks.client, quiet()), http.MethodPost, "/thumbnails?width=50", image)
			if set == nil {
				if w.Code != http.StatusRequestEntityTooLarge {
					t.Errorf("%d %s", w.Code, w.Body)
				}
				return
			}
			if w.Code != http.StatusAccepted {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			got, err := queues.Receive(t.Context(), "arn:aws:sqs:us-east-1:000000000000:q", sqs.ReceiveInput{Max: 10})
			if err != nil || len(ids(t, got)) != 1 || len(got[0].Body) > 1000 {
				t.Fatalf("%d messages, %v", len(got), err)
			}
			if objects != nil && objects() != 1 {
				t.Errorf("%d objects", objects())
			}
			e, err := task.Parse([]byte(got[0].Body))
			if err != nil {
				t.Fatal(err)
			}
			resolver, err := claimcheck.NewResolver(tasks.payloads.store, nil)
			if err != nil {
				t.Fatal(err)
			}
			e, release, err := resolver.Resolve(t.Context(), e)
			defer release()
			if err != nil {
				t.Fatal(err)
			}
			if args, err := jobs.Thumbnail.Decode(e); err != nil || !bytes.Equal(args.Image, image) {
				t.Errorf("the image has changed: %v", err)
			}
		})
	}
}
