package sqstransport

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/offloadhq/offload/internal/awscall"
)

// LambdaConfig makes the configuration of a Lambda function from the variables that Lambda sets: AWS_REGION,
// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. Endpoints come from AWS_ENDPOINT_URL (which offload dev
// sets) and AWS_ENDPOINT_URL_SQS, and so on for other services, their variants from AWS_USE_FIPS_ENDPOINT and
// AWS_USE_DUALSTACK_ENDPOINT. Clients of the SDK can be made from it too. Pass os.Getenv; with another function nothing
// of it is read from the environment of the process, except by clients of the SDK.
//
// A function needs no more, and config.LoadDefaultConfig, which also knows profiles, single sign-on and roles, makes its
// binary half as large again. The keys of an execution environment hold as long as it does. A missing variable is an error:
// elsewhere than in a function, use config.LoadDefaultConfig.
// (Lambda developer guide, "Defined runtime environment variables"; AWS SDKs and Tools Reference Guide.)
func LambdaConfig(getenv func(string) string) (aws.Config, error) {
	var problems []error
	need := func(name string) string {
		value := getenv(name)
		if value == "" {
			problems = append(problems, fmt.Errorf("%s is not set: Lambda sets it; elsewhere use config.LoadDefaultConfig", name))
		}
		return value
	}
	variables := source{getenv}
	cfg := aws.Config{
		Region: need("AWS_REGION"),
		Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider(
			need("AWS_ACCESS_KEY_ID"), need("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN"))),
		AppID:         getenv("AWS_SDK_UA_APP_ID"),
		ConfigSources: []any{variables},
	}
	if err := errors.Join(problems...); err != nil {
		return aws.Config{}, fmt.Errorf("configuration of the function: %w", err)
	}
	if address := getenv("AWS_ENDPOINT_URL"); address != "" && !variables.ignored() {
		cfg.BaseEndpoint = &address
	}
	return cfg, nil
}

// source is the environment in the form in which clients ask a configuration for more. What it is asked cannot fail.
type source struct{ getenv func(string) string }

func (s source) flag(name string) (on, found bool) {
	value := s.getenv(name)
	return strings.EqualFold(value, "true"), value != ""
}

var _ awscall.Environment = source{}

// Getenv gives a variable: the environment of the process may be another.
func (s source) Getenv(name string) string { return s.getenv(name) }

func (s source) ignored() bool {
	on, _ := s.flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
	return on
}

// GetServiceBaseEndpoint returns the endpoint of one service.
func (s source) GetServiceBaseEndpoint(_ context.Context, sdkID string) (string, bool, error) {
	address := s.getenv("AWS_ENDPOINT_URL_" + strings.ToUpper(strings.ReplaceAll(sdkID, " ", "_")))
	return address, address != "", nil
}

// GetIgnoreConfiguredEndpoints says whether endpoints of the environment are not wanted.
func (s source) GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error) {
	on, found := s.flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
	return on, found, nil
}

// GetUseFIPSEndpoint says whether the FIPS endpoint is wanted.
func (s source) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	on, found := s.flag("AWS_USE_FIPS_ENDPOINT")
	if on {
		return aws.FIPSEndpointStateEnabled, true, nil
	}
	return aws.FIPSEndpointStateDisabled, found, nil
}

// GetUseDualStackEndpoint says whether the dual-stack endpoint is wanted.
func (s source) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	on, found := s.flag("AWS_USE_DUALSTACK_ENDPOINT")
	if on {
		return aws.DualStackEndpointStateEnabled, true, nil
	}
	return aws.DualStackEndpointStateDisabled, found, nil
}
