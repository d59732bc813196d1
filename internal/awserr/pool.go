package awserr

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// What the pool of [Pooled] holds.
const (
	// IdleConnections is how many connections a host keeps between requests. The SDK keeps 10: beyond ten requests in
	// flight it would dial, and shake hands, again and again.
	IdleConnections = 256
	// IdleTimeout ends an idle connection before the service does, which is after 60 s: a request never meets a
	// connection that is just being closed.
	IdleTimeout = 45 * time.Second
	// ConnectTimeout bounds the dialling, and then the TLS handshake.
	ConnectTimeout = 5 * time.Second
	// writeBuffer holds the headers and ten ordinary tasks: a request is then one write, and one record of TLS.
	writeBuffer = 16 << 10
)

// Pooled derives an HTTP client whose pool fits as many senders as a client opens. It keeps what base was given (a
// bundle of certificates, a proxy). A base that is not the SDK's own buildable client is returned as it is.
func Pooled(base aws.HTTPClient) aws.HTTPClient {
	if base == nil {
		base = awshttp.NewBuildableClient()
	}
	client, ok := base.(*awshttp.BuildableClient)
	if !ok {
		return base
	}
	client = client.WithDialerOptions(func(d *net.Dialer) { d.Timeout = ConnectTimeout })
	return client.WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConns = 2 * IdleConnections
		t.MaxIdleConnsPerHost = IdleConnections
		t.MaxConnsPerHost = 0
		t.IdleConnTimeout = IdleTimeout
		t.TLSHandshakeTimeout = ConnectTimeout
		t.WriteBufferSize = writeBuffer
		if t.TLSClientConfig == nil {
			t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		t.TLSClientConfig.DynamicRecordSizingDisabled = true // a young connection would cut a request into records of one packet
	})
}
