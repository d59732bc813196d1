package awscall

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Service is an AWS service as signatures and configurations name it.
type Service struct {
	Name string // in host names and signatures, as "sqs"
	ID   string // in configurations, as "SQS"
}

// Endpoint is where requests go, and the region that they are signed for.
type Endpoint struct {
	URL    *url.URL
	Region string
	Custom bool // named by the configuration, not found by the region
}

// Resolve finds the endpoint of s as the SDK's clients do: an address that the configuration names, for this service or
// for all, else that of the region, in its FIPS or dual-stack variant if the configuration asks for one.
// (AWS SDKs and Tools Reference Guide, "Service-specific endpoints"; AWS General Reference, "Amazon SQS endpoints and quotas".)
func Resolve(cfg aws.Config, s Service) (Endpoint, error) {
	region := cfg.Region
	fips := configured(cfg, func(p interface {
		GetUseFIPSEndpoint(ctx context.Context) (aws.FIPSEndpointState, bool, error)
	},
	) (aws.FIPSEndpointState, bool, error) {
		return p.GetUseFIPSEndpoint(context.Background())
	}) == aws.FIPSEndpointStateEnabled
	dualStack := configured(cfg, func(p interface {
		GetUseDualStackEndpoint(ctx context.Context) (aws.DualStackEndpointState, bool, error)
	},
	) (aws.DualStackEndpointState, bool, error) {
		return p.GetUseDualStackEndpoint(context.Background())
	}) == aws.DualStackEndpointStateEnabled
	if plain := withoutFIPS(region); plain != region {
		region, fips = plain, true
	}
	if !validRegion(region) {
		return Endpoint{}, fmt.Errorf("region %q: set the region, for example AWS_REGION=eu-west-1", region)
	}
	address, custom := baseEndpoint(cfg, s)
	switch {
	case custom && (fips || dualStack):
		return Endpoint{}, fmt.Errorf("endpoint %q: an endpoint of your own has no FIPS or dual-stack variant: unset AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT, or the endpoint", address)
	//lint:ignore SA1019 looked at to be refused
	case !custom && (cfg.EndpointResolver != nil || cfg.EndpointResolverWithOptions != nil): //nolint:staticcheck // the same
		return Endpoint{}, errors.New("the configuration has an EndpointResolver, which the SDK deprecated and this client does not ask: set BaseEndpoint")
	case !custom:
		address = regional(s.Name, region, fips, dualStack)
	}
	u, err := url.Parse(address)
	if err != nil {
		return Endpoint{}, fmt.Errorf("endpoint %q: is not a URL: %w", address, err)
	}
	if u.Host == "" {
		return Endpoint{}, fmt.Errorf("endpoint %q: is not an absolute URL: it has no host", address)
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return Endpoint{URL: u, Region: region, Custom: custom}, nil
}

// configured asks the sources of a configuration one after the other, as the SDK's clients do. P is what a source that
// knows the answer can do.
func configured[P, T any](cfg aws.Config, ask func(P) (T, bool, error)) (value T) {
	for _, source := range cfg.ConfigSources {
		if p, ok := source.(P); ok {
			if v, found, err := ask(p); err == nil && found {
				return v
			}
		}
	}
	return value
}

// baseEndpoint follows the SDK: an address for the service comes before one for all, except that one for all in the
// environment comes before one for the service in a profile.
//
//nolint:contextcheck // the sources of a configuration answer from memory
func baseEndpoint(cfg aws.Config, s Service) (string, bool) {
	forAll := inEnvironment(cfg, "AWS_ENDPOINT_URL")
	forService := inEnvironment(cfg, "AWS_ENDPOINT_URL_"+strings.ToUpper(strings.ReplaceAll(s.ID, " ", "_")))
	ignored := configured(cfg, func(p interface {
		GetIgnoreConfiguredEndpoints(ctx context.Context) (bool, bool, error)
	},
	) (bool, bool, error) {
		return p.GetIgnoreConfiguredEndpoints(context.Background())
	})
	if (!forAll || forService) && !ignored {
		address := configured(cfg, func(p interface {
			GetServiceBaseEndpoint(ctx context.Context, sdkID string) (string, bool, error)
		},
		) (string, bool, error) {
			return p.GetServiceBaseEndpoint(context.Background(), s.ID)
		})
		if address != "" {
			return address, true
		}
	}
	return aws.ToString(cfg.BaseEndpoint), cfg.BaseEndpoint != nil
}

// Environment is the source of a configuration that was made from another environment than that of the process.
type Environment interface{ Getenv(name string) string }

// inEnvironment reports that a variable is set where the configuration comes from. The SDK's own does not tell, and its
// clients then look into the environment of the process.
func inEnvironment(cfg aws.Config, name string) bool {
	for _, source := range cfg.ConfigSources {
		if e, ok := source.(Environment); ok {
			return e.Getenv(name) != ""
		}
	}
	_, set := os.LookupEnv(name)
	return set
}

// withoutFIPS takes the mark of the older names of FIPS regions away: fips-us-west-2, us-gov-west-1-fips.
func withoutFIPS(region string) string {
	region = strings.ReplaceAll(region, "-fips-", "-")
	return strings.ReplaceAll(strings.ReplaceAll(region, "fips-", ""), "-fips", "")
}

// validRegion reports that region can stand in a host name.
func validRegion(region string) bool {
	return region != "" && len(region) <= 63 && strings.Trim(strings.ToLower(region), "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && !strings.HasPrefix(region, "-")
}

// partitions are the parts of AWS, by how their regions begin; the last is for all others.
var partitions = []struct{ prefix, suffix, dualStack string }{
	{"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
	{"eusc-", "amazonaws.eu", "api.amazonwebservices.eu"},
	{"us-iso-", "c2s.ic.gov", "api.aws.ic.gov"},
	{"us-isob-", "sc2s.sgov.gov", "api.aws.scloud"},
	{"eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
	{"us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
	{"", "amazonaws.com", "api.aws"},
}

func regional(service, region string, fips, dualStack bool) string {
	host := service
	if fips && (dualStack || !strings.HasPrefix(region, "us-gov-")) { // there the plain endpoint is the FIPS one
		host += "-fips"
	}
	for _, p := range partitions {
		if strings.HasPrefix(region, p.prefix) {
			suffix := p.suffix
			if dualStack {
				suffix = p.dualStack
			}
			return "https://" + host + "." + region + "." + suffix
		}
	}
	return "" // not reached: the last prefix is every region's
}
