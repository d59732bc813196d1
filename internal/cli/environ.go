package cli

import (
	"os"
	"slices"
	"strings"
)

// misleading are the variables that would lead an AWS SDK past AWS_ENDPOINT_URL or past the dummy keys: the SDKs prefer
// a profile to keys, and an endpoint of the service to the general one (AWS SDKs and Tools Reference Guide,
// "Service-specific endpoints"; AWS SDK for Go, "Specifying credentials").
var misleading = []string{
	"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN",
	"AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_LAMBDA", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
}

// Environ is the environment of this process with the given variables put in or replaced, and without those that would
// lead an AWS SDK elsewhere than AWS_ENDPOINT_URL says.
func Environ(set map[string]string) []string {
	env := slices.DeleteFunc(os.Environ(), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains(misleading, name)
	})
	for k, v := range set {
		env = append(env, k+"="+v) // exec uses the last one of a name
	}
	return env
}

// ServiceEndpoints are the variables AWS_ENDPOINT_URL_<SERVICE> of this process: where the services are that the emulator
// does not have. The map is the caller's.
func ServiceEndpoints() map[string]string {
	endpoints := map[string]string{}
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "AWS_ENDPOINT_URL_") && !slices.Contains(misleading, name) {
			endpoints[name] = value
		}
	}
	return endpoints
}
