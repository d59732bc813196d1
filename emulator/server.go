package emulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// lambdaPath is how the paths of Lambda's API begin: each with the date of its version.
var lambdaPath = regexp.MustCompile(`^/20\d\d-\d\d-\d\d/(functions|event-source-mappings)(/|$)`)

// newHandler gives each request to the service that it is for, as an AWS client writes it: SQS by the target header,
// Lambda by its path or its signature. All else is answered with an error that says how to reach the real service.
func newHandler(sqs, lambda http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS."):
			sqs.ServeHTTP(w, r)
		case lambdaPath.MatchString(r.URL.Path) || signedFor(r.Header.Get("Authorization")) == "lambda":
			lambda.ServeHTTP(w, r)
		default:
			refuse(w, r)
		}
	})
}

// refuse answers in JSON, which AWS clients of every protocol at least show.
func refuse(w http.ResponseWriter, r *http.Request) {
	service := signedFor(r.Header.Get("Authorization"))
	message := fmt.Sprintf("offload's emulator serves SQS and Lambda, and %s %s is neither.", r.Method, r.URL.Path)
	if service != "" {
		message = fmt.Sprintf("offload's emulator has no %s: it serves SQS and Lambda. To use %s, set %s to its endpoint.",
			service, service, endpointVariable(service))
	}
	if service == "sqs" {
		message = "offload's emulator speaks the AWS JSON protocol of SQS; this client uses the older query protocol. Use a newer SDK."
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-ErrorType", "UnknownOperationException")
	w.WriteHeader(http.StatusNotImplemented)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": "UnknownOperationException", "message": message})
}

// signedFor returns the service in the credential scope of a signature (IAM User Guide, "Create a signed AWS API
// request": KEY/DATE/REGION/SERVICE/aws4_request), "" if there is none.
func signedFor(authorization string) string {
	_, scope, found := strings.Cut(authorization, "Credential=")
	if !found {
		return ""
	}
	scope, _, _ = strings.Cut(scope, ",")
	parts := strings.Split(strings.TrimSpace(scope), "/")
	if len(parts) < 5 {
		return ""
	}
	return parts[len(parts)-2]
}

// serviceIDs are the names in AWS_ENDPOINT_URL_<SERVICE> of services whose signing name is another
// (AWS SDKs and Tools Reference Guide, "Service-specific endpoints").
var serviceIDs = map[string]string{
	"states": "SFN", "events": "EVENTBRIDGE", "monitoring": "CLOUDWATCH", "logs": "CLOUDWATCH_LOGS", "email": "SES",
	"ssm": "SSM", "cognito-idp": "COGNITO_IDENTITY_PROVIDER", "secretsmanager": "SECRETS_MANAGER",
}

func endpointVariable(service string) string {
	id, ok := serviceIDs[service]
	if !ok {
		id = strings.ToUpper(strings.ReplaceAll(service, "-", "_"))
	}
	return "AWS_ENDPOINT_URL_" + id
}
