package awscall

import (
	"net/http"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// direct returns the transport of the SDK's buildable client without the [http.Client] around it. That follows redirects, and
// a request that is signed for one host has nothing to look for on another. Nor do answers of a few kilobytes need compression,
// or services that speak HTTP/1.1 a look for connections of HTTP/2. A client that has to be used as it is is returned.
func direct(client aws.HTTPClient, endpoint *url.URL) aws.HTTPClient {
	b, ok := client.(*awshttp.BuildableClient)
	if !ok {
		return client
	}
	if _, set := b.GetReadTimeout(); set || b.GetTimeout() != 0 || endpoint.User != nil { // which the transport does not know
		return client
	}
	t := b.GetTransport()
	t.DisableCompression = true
	//lint:ignore SA1019 looked at to be left alone
	own := t.DialTLSContext != nil || t.DialTLS != nil //nolint:staticcheck // the same
	if t.Protocols == nil && !own {                    // a dialler of the caller agrees on a protocol by itself
		t.Protocols = new(http.Protocols)
		t.Protocols.SetHTTP1(true)
		if t.TLSClientConfig != nil {
			t.TLSClientConfig.NextProtos = nil
		}
	}
	return transport{t}
}

type transport struct{ *http.Transport }

// Do implements aws.HTTPClient.
func (t transport) Do(r *http.Request) (*http.Response, error) { return t.RoundTrip(r) }
