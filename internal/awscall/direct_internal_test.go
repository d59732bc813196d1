package awscall

import (
	"net/url"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// TestWhatTheClientItselfDoesStays: a timeout, and a password in the address, are the work of the http.Client.
func TestWhatTheClientItselfDoesStays(t *testing.T) {
	plain, withUser := &url.URL{Scheme: "https", Host: "localhost"}, &url.URL{Scheme: "https", Host: "localhost", User: url.UserPassword("a", "b")}
	base := awshttp.NewBuildableClient()
	for name, c := range map[string]struct {
		client   *awshttp.BuildableClient
		endpoint *url.URL
		stays    bool
	}{
		"nothing":        {base, plain, false},
		"a timeout":      {base.WithTimeout(time.Second), plain, true},
		"a read timeout": {base.WithReadTimeout(time.Second), plain, true},
		"a user":         {base, withUser, true},
	} {
		if stays := direct(c.client, c.endpoint) == c.client; stays != c.stays {
			t.Errorf("%s: the client stays: %t", name, stays)
		}
	}
}
