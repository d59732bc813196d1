package awserr

import (
	"strings"

	"github.com/offloadhq/offload/transport"
)

// Rule says what one error code means.
type Rule struct {
	Kind transport.Kind
	Hint string // what to do next, "" when trying again is all
	// Stale means that the cached credentials were refused: they are dropped, so that the next call loads new ones. See Keys.
	Stale bool
}

// Table maps the canonical form of error codes (see [Canonical]) to their meaning.
type Table map[string]Rule

const (
	hintCredentials = "check the credentials: they are expired, revoked, incomplete or of another partition"
	hintClock       = "check the clock of this host, it must be right to a few minutes"
	hintPermission  = "allow the action in the policies of this identity and of the target"
	hintEndpoint    = "check the endpoint: it does not speak the API of this service"
	hintKey         = "check the encryption key: it must be enabled and allow this identity to use it"
	hintAccount     = "sign this account up for the service"
)

// common holds the codes that any service may answer with. (Amazon SQS API Reference, "Common Errors"; AWS Lambda API
// Reference, Invoke and "Common Errors"; AWS SDK for Go, package aws/retry.)
var common = Table{
	"Throttling":                    {Kind: transport.Throttled},
	"Throttled":                     {Kind: transport.Throttled},
	"RequestThrottled":              {Kind: transport.Throttled},
	"RequestLimitExceeded":          {Kind: transport.Throttled},
	"TooManyRequests":               {Kind: transport.Throttled},
	"LimitExceeded":                 {Kind: transport.Throttled},
	"BandwidthLimitExceeded":        {Kind: transport.Throttled},
	"ProvisionedThroughputExceeded": {Kind: transport.Throttled},
	"PriorRequestNotComplete":       {Kind: transport.Throttled},
	"SlowDown":                      {Kind: transport.Throttled},
	"EC2Throttled":                  {Kind: transport.Throttled},
	"KmsThrottled":                  {Kind: transport.Throttled},
	"KmsThrottling":                 {Kind: transport.Throttled},

	"InternalError":      {Kind: transport.Transient},
	"InternalFailure":    {Kind: transport.Transient},
	"InternalServer":     {Kind: transport.Transient},
	"ServiceError":       {Kind: transport.Transient},
	"ServiceUnavailable": {Kind: transport.Transient},
	"RequestTimeout":     {Kind: transport.Transient},

	"ExpiredToken":          {Kind: transport.Misconfigured, Hint: hintCredentials, Stale: true},
	"TokenRefreshRequired":  {Kind: transport.Misconfigured, Hint: hintCredentials, Stale: true},
	"InvalidClientTokenId":  {Kind: transport.Misconfigured, Hint: hintCredentials, Stale: true},
	"InvalidAccessKeyId":    {Kind: transport.Misconfigured, Hint: hintCredentials, Stale: true},
	"UnrecognizedClient":    {Kind: transport.Misconfigured, Hint: hintCredentials, Stale: true},
	"InvalidToken":          {Kind: transport.Misconfigured, Hint: hintCredentials, Stale: true},
	"AuthFailure":           {Kind: transport.Misconfigured, Hint: hintCredentials, Stale: true},
	"NotAuthorized":         {Kind: transport.Misconfigured, Hint: hintCredentials, Stale: true},
	"InvalidSecurity":       {Kind: transport.Misconfigured, Hint: hintCredentials, Stale: true},
	"SignatureDoesNotMatch": {Kind: transport.Misconfigured, Hint: hintCredentials + ", or " + hintClock, Stale: true},
	"InvalidSignature":      {Kind: transport.Misconfigured, Hint: hintCredentials + ", or " + hintClock, Stale: true},

	"IncompleteSignature":        {Kind: transport.Misconfigured, Hint: hintCredentials},
	"MissingAuthenticationToken": {Kind: transport.Misconfigured, Hint: hintCredentials},
	"RequestExpired":             {Kind: transport.Misconfigured, Hint: hintClock},
	"RequestTimeTooSkewed":       {Kind: transport.Misconfigured, Hint: hintClock},
	"RequestInTheFuture":         {Kind: transport.Misconfigured, Hint: hintClock},
	"AccessDenied":               {Kind: transport.Misconfigured, Hint: hintPermission},
	"UnauthorizedOperation":      {Kind: transport.Misconfigured, Hint: hintPermission},
	"AuthorizationError":         {Kind: transport.Misconfigured, Hint: hintPermission},
	"OptInRequired":              {Kind: transport.Misconfigured, Hint: hintAccount},
	"SubscriptionRequired":       {Kind: transport.Misconfigured, Hint: hintAccount},

	"InvalidAction":         {Kind: transport.Misconfigured, Hint: hintEndpoint},
	"MissingAction":         {Kind: transport.Misconfigured, Hint: hintEndpoint},
	"UnknownOperation":      {Kind: transport.Misconfigured, Hint: hintEndpoint},
	"UnsupportedProtocol":   {Kind: transport.Misconfigured, Hint: hintEndpoint},
	"MalformedHttpRequest":  {Kind: transport.Misconfigured, Hint: hintEndpoint},
	"MalformedQueryString":  {Kind: transport.Misconfigured, Hint: hintEndpoint},
	"KmsDisabled":           {Kind: transport.Misconfigured, Hint: hintKey},
	"KmsInvalidState":       {Kind: transport.Misconfigured, Hint: hintKey},
	"KmsNotFound":           {Kind: transport.Misconfigured, Hint: hintKey},
	"KmsAccessDenied":       {Kind: transport.Misconfigured, Hint: hintKey},
	"KmsInvalidKeyUsage":    {Kind: transport.Misconfigured, Hint: hintKey},
	"KmsOptInRequired":      {Kind: transport.Misconfigured, Hint: hintAccount},
	"RequestEntityTooLarge": {Kind: transport.Invalid},
}

// Canonical brings the spellings of one code together. Services, protocols and generations differ in the namespace
// (com.amazonaws.sqs#X, AWS.SimpleQueueService.X), in the suffix "Exception" and in how they write KMS.
func Canonical(code string) string {
	if i := strings.LastIndexByte(code, '#'); i >= 0 {
		code = code[i+1:]
	}
	code, _, _ = strings.Cut(code, ":")
	code = strings.TrimPrefix(code, "AWS.SimpleQueueService.")
	if rest, ok := strings.CutPrefix(code, "KMS"); ok {
		code = "Kms" + strings.TrimPrefix(rest, ".")
	}
	if short := strings.TrimSuffix(code, "Exception"); short != "" && short != "Service" {
		return short
	}
	if code == "ServiceException" {
		return "ServiceError"
	}
	return code
}

// Rule finds what code means: in this table first, then among the codes that all services share.
func (t Table) Rule(code string) (Rule, bool) {
	code = Canonical(code)
	if r, ok := t[code]; ok {
		return r, true
	}
	r, ok := common[code]
	return r, ok
}

// statusRule says what an answer means whose code is not known. Anything but a success or a server error says that the
// request was refused.
func statusRule(status int) Rule {
	switch {
	case status == 429:
		return Rule{Kind: transport.Throttled}
	case status == 401 || status == 403:
		return Rule{Kind: transport.Misconfigured, Hint: hintCredentials + ", or " + hintPermission}
	case status == 404 || status == 405 || status == 407 || status >= 300 && status < 400:
		return Rule{Kind: transport.Misconfigured, Hint: hintEndpoint + ", or a proxy stands before it"}
	case status == 413:
		return Rule{Kind: transport.Invalid}
	}
	return Rule{Kind: transport.Transient}
}
