package sqstransport

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// LambdaConfig makes the configuration of a Lambda function from the variables that Lambda sets: AWS_REGION,
// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. An endpoint comes from AWS_ENDPOINT_URL_SQS, else
// AWS_ENDPOINT_URL (which offload dev sets), its variant from AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT.
// Pass os.Getenv.
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
	cfg := aws.Config{
		Region: need("AWS_REGION"),
		Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider(
			need("AWS_ACCESS_KEY_ID"), need("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN"))),
		AppID:         getenv("AWS_SDK_UA_APP_ID"),
		ConfigSources: []any{variants{fips: getenv("AWS_USE_FIPS_ENDPOINT"), dualStack: getenv("AWS_USE_DUALSTACK_ENDPOINT")}},
	}
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS"} {
		if address := getenv(name); address != "" && getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") != "true" {
			cfg.BaseEndpoint = &address
		}
	}
	if err := errors.Join(problems...); err != nil {
		return aws.Config{}, fmt.Errorf("configuration of the function: %w", err)
	}
	return cfg, nil
}

// variants is a source of a configuration, in the form in which clients ask for it.
type variants struct{ fips, dualStack string }

// GetUseFIPSEndpoint says whether the FIPS endpoint is wanted.
func (v variants) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	if v.fips == "true" {
		return aws.FIPSEndpointStateEnabled, true, nil
	}
	return aws.FIPSEndpointStateDisabled, v.fips != "", nil
}

// GetUseDualStackEndpoint says whether the dual-stack endpoint is wanted.
func (v variants) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	if v.dualStack == "true" {
		return aws.DualStackEndpointStateEnabled, true, nil
	}
	return aws.DualStackEndpointStateDisabled, v.dualStack != "", nil
}
