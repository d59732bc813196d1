package localstack

import (
	"bytes"
	"context"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// ClientConfig is what a client of the AWS SDK needs to use the service at endpoint, with dummy keys.
func ClientConfig(ctx context.Context, endpoint string) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(Region), config.WithBaseEndpoint(endpoint),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")))
	cfg.HTTPClient = NewHTTPClient() // not an option: with AWS_CA_BUNDLE the SDK refuses a client of another type
	return cfg, err
}

// NewHTTPClient is the SDK's own client, made fit for a service on the same machine. The SDK lets go of the body of a request
// when its answer begins. A service that is near may answer before net/http has looked for the end of that body; net/http
// then takes the request for broken, and cuts the connection in the middle of a large answer. The retry of a ReceiveMessage
// whose answer was cut leaves its messages hidden.
func NewHTTPClient() aws.HTTPClient { return wholeBodies{awshttp.NewBuildableClient()} }

type wholeBodies struct{ next aws.HTTPClient }

func (c wholeBodies) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return c.next.Do(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	mine := r.Clone(r.Context())
	mine.Body, mine.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return c.next.Do(mine)
}
