package lambdatransport

import (
	"github.com/offloadhq/offload/internal/awserr"
	"github.com/offloadhq/offload/transport"
)

const (
	hintFunction = "check the name, the alias, the region and the account of the function, and that it exists"
	hintState    = "look at the state of the function: Lambda cannot start it as it is configured"
)

// codes are the error codes of Lambda's Invoke itself (AWS Lambda API Reference, Invoke, "Errors"); those that all
// services share are in awserr.
var codes = awserr.Table{
	"ResourceNotFound":      {Kind: transport.Misconfigured, Hint: hintFunction},
	"FunctionNotFound":      {Kind: transport.Misconfigured, Hint: hintFunction},
	"NoPublishedVersion":    {Kind: transport.Misconfigured, Hint: hintFunction},
	"InvalidParameter":      {Kind: transport.Misconfigured, Hint: hintFunction},
	"InvalidParameterValue": {Kind: transport.Misconfigured, Hint: hintFunction},
	"Validation":            {Kind: transport.Misconfigured, Hint: hintFunction},
	"ModeNotSupported":      {Kind: transport.Misconfigured, Hint: hintFunction},

	"RequestTooLarge":                 {Kind: transport.Invalid, Hint: "an asynchronous event is at most 1 MiB"},
	"SerializedRequestEntityTooLarge": {Kind: transport.Invalid, Hint: "an asynchronous event is at most 1 MiB"},
	"InvalidRequestContent":           {Kind: transport.Invalid, Hint: "the event is not JSON"},
	"UnsupportedMediaType":            {Kind: transport.Invalid, Hint: "the event is not JSON"},

	"RecursiveInvocation": {Kind: transport.Invalid, Hint: "Lambda stopped a chain of about 16 invocations: look at RecursiveLoop of the function"},

	"ResourceConflict":              {Kind: transport.Throttled, Hint: "the function is being changed"},
	"ResourceNotReady":              {Kind: transport.Throttled, Hint: "the function is inactive and is being started again"},
	"SnapStartNotReady":             {Kind: transport.Throttled, Hint: "the function is being started"},
	"ENINotReady":                   {Kind: transport.Throttled, Hint: "the network interface of the function is being made"},
	"SubnetIPAddressLimitReached":   {Kind: transport.Throttled, Hint: "the subnets of the function are out of addresses"},
	"ENILimitReached":               {Kind: transport.Throttled, Hint: "the account is out of network interfaces"},
	"CodeArtifactUserPending":       {Kind: transport.Throttled, Hint: "the code of the function is being prepared"},
	"ServiceQuotaExceeded":          {Kind: transport.Throttled},
	"ConcurrentInvocationLimit":     {Kind: transport.Throttled},
	"CapacityProviderLimitExceeded": {Kind: transport.Throttled},

	"CodeArtifactUserDeleted":      {Kind: transport.Misconfigured, Hint: hintState},
	"CodeArtifactUserFailed":       {Kind: transport.Misconfigured, Hint: hintState},
	"EC2AccessDenied":              {Kind: transport.Misconfigured, Hint: hintState},
	"EFSMountConnectivity":         {Kind: transport.Misconfigured, Hint: hintState},
	"EFSMountFailure":              {Kind: transport.Misconfigured, Hint: hintState},
	"InvalidRuntime":               {Kind: transport.Misconfigured, Hint: hintState},
	"InvalidSecurityGroupID":       {Kind: transport.Misconfigured, Hint: hintState},
	"InvalidSubnetID":              {Kind: transport.Misconfigured, Hint: hintState},
	"InvalidZipFile":               {Kind: transport.Misconfigured, Hint: hintState},
	"S3FilesMountConnectivity":     {Kind: transport.Misconfigured, Hint: hintState},
	"S3FilesMountFailure":          {Kind: transport.Misconfigured, Hint: hintState},
	"SnapStart":                    {Kind: transport.Misconfigured, Hint: hintState},
	"SnapStartRegenerationFailure": {Kind: transport.Misconfigured, Hint: hintState},

	"EC2Unexpected":       {Kind: transport.Transient},
	"EFSIO":               {Kind: transport.Transient},
	"EFSMountTimeout":     {Kind: transport.Transient},
	"S3FilesMountTimeout": {Kind: transport.Transient},
	"SnapStartTimeout":    {Kind: transport.Transient},
}
