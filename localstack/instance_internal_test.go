package localstack

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// A LocalStack that was named and is not there is a mistake of whoever named it, and no reason to skip.
func TestNamedEndpointThatIsNone(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	// No program is given port 1.
	for name, endpoint := range map[string]string{"another program": other.URL, "nobody": "http://127.0.0.1:1", "no URL": "four:five:six"} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("LOCALSTACK_ENDPOINT", endpoint)
			i, err := find(t.Context(), docker)
			if err == nil {
				t.Fatalf("found %+v", i)
			}
			if errors.Is(err, errUnavailable) || !strings.Contains(err.Error(), "LOCALSTACK_ENDPOINT="+endpoint) || !strings.Contains(err.Error(), "make localstack-up") {
				t.Errorf("error %q: want one that names the endpoint and says what to do", err)
			}
		})
	}
}

func TestNamedEndpoint(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/_localstack/health" {
			_, _ = w.Write([]byte(`{"services": {}, "version": "4.14.0"}`))
		}
	}))
	defer server.Close()
	t.Setenv("LOCALSTACK_ENDPOINT", server.URL+"/")
	i, err := find(t.Context(), docker)
	if err != nil || i.Endpoint != server.URL || i.Container {
		t.Errorf("found %+v, %v; want %s", i, err, server.URL)
	}
}

// Without Docker there is nothing to run LocalStack in: a reason to skip, which says so.
func TestNoDocker(t *testing.T) {
	t.Setenv("LOCALSTACK_ENDPOINT", "")
	dead := errors.New("no daemon")
	_, err := find(t.Context(), func(context.Context) error { return dead })
	if !errors.Is(err, errUnavailable) || !errors.Is(err, dead) || !strings.Contains(err.Error(), "make localstack-up") {
		t.Errorf("error %v; want errUnavailable, with the reason and what to do", err)
	}
}

// recorder is a test that ends in the one way or the other.
type recorder struct {
	testing.TB
	ended string
}

func (r *recorder) Name() string { return "TestMine" }
func (r *recorder) Helper()      {}
func (r *recorder) Fatal(...any) { r.ended = "failed"; panic(r) }
func (r *recorder) Skip(...any)  { r.ended = "skipped"; panic(r) }

func TestUnavailableSkipsOrFails(t *testing.T) {
	for _, c := range []struct {
		require string
		err     error
		want    string
	}{
		{"", errUnavailable, "skipped"},
		{"1", errUnavailable, "failed"},
		{"", errors.New("broken"), "failed"},
	} {
		t.Setenv("REQUIRE_LOCALSTACK", c.require)
		r := &recorder{TB: t}
		func() {
			shared.mu.Lock()
			defer shared.mu.Unlock()
			defer func(before []string) {
				if skipped := len(shared.skipped) - len(before); (skipped == 1) != (c.want == "skipped") {
					t.Errorf("REQUIRE_LOCALSTACK=%q: %d lines for the end of the run", c.require, skipped)
				}
				shared.skipped = before
			}(shared.skipped)
			defer func() { _ = recover() }()
			unavailable(r, c.err)
		}()
		if r.ended != c.want {
			t.Errorf("REQUIRE_LOCALSTACK=%q and %q: the test %s, want %s", c.require, c.err, r.ended, c.want)
		}
	}
}

func TestEnvironmentIsThatOfTheFile(t *testing.T) {
	t.Setenv("LAMBDA_RUNTIME_EXECUTOR", "process")
	t.Setenv("LOCALSTACK_AUTH_TOKEN", "")
	env := environment()
	if env["LAMBDA_RETRY_BASE_DELAY"] != "1" || env["LAMBDA_RUNTIME_EXECUTOR"] != "process" {
		t.Errorf("environment %v", env)
	}
	if _, ok := env["LOCALSTACK_AUTH_TOKEN"]; ok {
		t.Error("a token that is not set is given")
	}
	for name := range env {
		if strings.ContainsAny(name, "# ") {
			t.Errorf("the name %q", name)
		}
	}
}

// The version is written in versions; compose cannot read that file.
func TestVersionIsTheSameEverywhere(t *testing.T) {
	image := defaultImage()
	if name, version, _ := strings.Cut(image, ":"); name != "localstack/localstack" || len(strings.Split(version, ".")) != 3 {
		t.Fatalf("versions gives the image %q, want one like localstack/localstack:4.14.0", image)
	}
	compose, err := os.ReadFile("docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	if want := "image: ${LOCALSTACK_IMAGE:-" + image + "}\n"; !strings.Contains(string(compose), want) {
		t.Errorf("docker-compose.yml has another image; want the line %q", want)
	}
}
