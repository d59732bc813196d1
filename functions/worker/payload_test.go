package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/offloadhq/offload/internal/awss3/awss3test"
	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/claimcheck"
	"github.com/offloadhq/offload/transport/claimcheck/dirstore"
	"github.com/offloadhq/offload/worker"
)

// Payloads are read from the directory that offload dev gives, or from the bucket of the template.
func TestPayloadsAreReadFromTheDirectoryOrTheBucket(t *testing.T) {
	e, err := jobs.Analytics.With(jobs.Event{Name: "signup"}).Encode("id-1", "test", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(e.Data())
	p := task.Payload{Digest: hex.EncodeToString(sum[:]), Length: len(e.Data())}
	p.Ref = claimcheck.Key(e.ID(), p.Digest)
	small, err := e.WithPayload(p)
	if err != nil {
		t.Fatal(err)
	}
	dir, b := t.TempDir(), awss3test.New()
	store, err := dirstore.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Put(t.Context(), p.Ref, e.Data()); err != nil {
		t.Fatal(err)
	}
	b.Add("payloads/"+p.Ref, string(e.Data()))
	bucket := httptest.NewServer(b)
	defer bucket.Close()
	for name, c := range map[string]struct {
		env  map[string]string
		want error
	}{
		"directory": {map[string]string{"OFFLOAD_PAYLOADS_DIR": dir, "OFFLOAD_PAYLOADS_BUCKET": "not-asked"}, nil},
		"bucket":    {map[string]string{"OFFLOAD_PAYLOADS_BUCKET": awss3test.Name, "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_S3": bucket.URL}, nil},
		"neither":   {nil, claimcheck.ErrNoStore},
	} {
		t.Run(name, func(t *testing.T) {
			out := t.TempDir()
			env := map[string]string{"OUT": out}
			for k, v := range c.env {
				env[k] = v
			}
			w, err := newWorker(environment(t, env), io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			o := w.Process(ctx, []transport.Delivery{{Source: "arn:aws:sqs:us-east-1:000000000000:q", MessageID: "m", Receipt: "r", Body: small.Body(), Receives: 1}})[0]
			if !errors.Is(o.Err, c.want) || (o.State == worker.Done) != (c.want == nil) {
				t.Fatalf("%+v", o)
			}
			if got, err := os.ReadFile(filepath.Join(out, "analytics", "id-1.json")); c.want == nil && (err != nil || !bytes.Contains(got, []byte("signup"))) {
				t.Errorf("result %q, %v", got, err)
			}
		})
	}
}

func TestPayloadSettingsAreChecked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, env := range []map[string]string{
		{"OFFLOAD_PAYLOADS_DIR": file},
		{"OFFLOAD_PAYLOADS_BUCKET": "b", "AWS_ENDPOINT_URL": "http://192.0.2.1"},
	} {
		if _, err := newWorker(environment(t, env), io.Discard); err == nil {
			t.Errorf("%v: no error", env)
		}
	}
}
