package s3store

import (
	"github.com/offloadhq/offload/internal/awserr"
	"github.com/offloadhq/offload/transport"
)

const (
	hintBucket = "check the bucket's name, its region and its account"
	hintAccess = "a host needs s3:PutObject below the prefix; a worker s3:GetObject there, and s3:ListBucket on the bucket, without which an object " +
		"that is gone is told like this; with a KMS key kms:GenerateDataKey and kms:Decrypt"
	hintStore = "the store does not know what Amazon S3 does: check the endpoint, and its settings of checksums"
)

// codes are the error codes of Amazon S3 (Amazon S3 API Reference, "Error responses"); those that all services share are in
// awserr.
var codes = awserr.Table{
	"NoSuchBucket":                 {Kind: transport.Misconfigured, Hint: hintBucket},
	"InvalidBucketName":            {Kind: transport.Misconfigured, Hint: hintBucket},
	"PermanentRedirect":            {Kind: transport.Misconfigured, Hint: "the bucket is in another region: set the client's region to that"},
	"TemporaryRedirect":            {Kind: transport.Transient, Hint: "the bucket is new: its name is being made known"},
	"AuthorizationHeaderMalformed": {Kind: transport.Misconfigured, Hint: "the bucket is in another region: set the client's region to that"},
	"IllegalLocationConstraint":    {Kind: transport.Misconfigured, Hint: "the bucket is in another region: set the client's region to that"},
	"AccessDenied":                 {Kind: transport.Misconfigured, Hint: hintAccess},
	"AllAccessDisabled":            {Kind: transport.Misconfigured, Hint: hintAccess},
	"AccountProblem":               {Kind: transport.Misconfigured, Hint: "look at the account"},
	"InvalidObjectState":           {Kind: transport.Misconfigured, Hint: "a lifecycle rule has archived the payload: remove the transition"},
	"MethodNotAllowed":             {Kind: transport.Misconfigured, Hint: hintBucket},
	"NotImplemented":               {Kind: transport.Misconfigured, Hint: hintStore},
	"InvalidRequest":               {Kind: transport.Misconfigured, Hint: hintStore},
	"InvalidArgument":              {Kind: transport.Misconfigured, Hint: hintStore},
	"MissingContentLength":         {Kind: transport.Misconfigured, Hint: hintStore},
	"XAmzContentSHA256Mismatch":    {Kind: transport.Transient},
	"BadDigest":                    {Kind: transport.Transient},
	"InvalidDigest":                {Kind: transport.Transient},
	"IncompleteBody":               {Kind: transport.Transient},
	"OperationAborted":             {Kind: transport.Throttled},
	"ConditionalRequestConflict":   {Kind: transport.Throttled},
	"Busy":                         {Kind: transport.Throttled},
	"EntityTooLarge":               {Kind: transport.Invalid},
}
