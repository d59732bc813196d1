package queue

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/offloadhq/offload/bench/internal/fakesqs"
)

// trust is the TLS configuration that believes the server, and no other.
func trust(s Server) (*tls.Config, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(s.Certificate)) {
		return nil, errors.New("the certificate of the server is no PEM")
	}
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}

// HTTPClient talks to the server on one idle connection.
func HTTPClient(s Server) (*http.Client, error) {
	config, err := trust(s)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config}}, nil
}

// awsConfig is what config.LoadDefaultConfig gives, with the server as the endpoint.
func awsConfig(s Server) (aws.Config, error) {
	roots, err := trust(s)
	if err != nil {
		return aws.Config{}, err
	}
	return aws.Config{
		Region:       "us-east-1",
		Credentials:  aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")),
		BaseEndpoint: &s.Address,
		HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.TLSClientConfig = roots
		}),
	}, nil
}

func queueURL(s Server) string { return s.Address + "/000000000000/" + s.Queue }

// bare is a request that does nothing: the round trip itself.
type bare struct {
	prompt
	client *http.Client
	url    string
	body   []byte
}

func openBare(_ context.Context, s Server) (Producer, error) {
	client, err := HTTPClient(s)
	if err != nil {
		return nil, err
	}
	return &bare{client: client, url: s.Address + fakesqs.BarePath, body: bytes.Repeat([]byte{'x'}, 300)}, nil
}

// Produce implements [Producer].
func (b *bare) Produce(ctx context.Context) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url, bytes.NewReader(b.body))
	if err != nil {
		return 0, err
	}
	response, err := b.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return 0, err
	}
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("status %s", response.Status)
	}
	return 1, nil
}
