package queue

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/offloadhq/offload/bench/internal/certificate"
	"github.com/offloadhq/offload/bench/internal/fakesqs"
)

// over returns what lets a transport believe the server, and no other.
func over(s Server) (func(*http.Transport), error) {
	config, err := certificate.Config([]byte(s.Certificate))
	if err != nil {
		return nil, err
	}
	return func(t *http.Transport) {
		t.TLSClientConfig = config.Clone()
		if s.Dial == nil {
			return
		}
		t.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := s.Dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			secured := tls.Client(conn, config)
			if err := secured.HandshakeContext(ctx); err != nil {
				return nil, errors.Join(err, conn.Close())
			}
			return secured, nil
		}
	}, nil
}

// HTTPClient talks to the server on one idle connection.
func HTTPClient(s Server) (*http.Client, error) {
	configure, err := over(s)
	if err != nil {
		return nil, err
	}
	t := &http.Transport{}
	configure(t)
	return &http.Client{Transport: t}, nil
}

// awsConfig is what config.LoadDefaultConfig gives, with the server as the endpoint.
func awsConfig(s Server) (aws.Config, error) {
	configure, err := over(s)
	if err != nil {
		return aws.Config{}, err
	}
	return aws.Config{
		Region:       "us-east-1",
		Credentials:  aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")),
		BaseEndpoint: &s.Address,
		HTTPClient:   awshttp.NewBuildableClient().WithTransportOptions(configure),
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
