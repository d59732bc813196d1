package live

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/offloadhq/offload/internal/awserr"
)

// kind is what an error of the SDK means to a reader.
type kind int

const (
	other    kind = iota
	fine          // no error
	absent        // there is no such thing
	denied        // this identity may not ask
	unserved      // the endpoint does not know the service, or the operation
)

// Canonical codes, by what they mean. (The "Errors" of each operation, and "Common Errors", in the API references.)
var (
	absentCodes = []string{
		"NonExistentQueue", "QueueDoesNotExist", "ResourceNotFound", "NoSuchEntity", "NoSuchBucket", "NoSuchBucketPolicy", "NoSuchLifecycleConfiguration",
		"NoSuchPublicAccessBlockConfiguration", "ServerSideEncryptionConfigurationNotFoundError", "NotFound",
	}
	deniedCodes   = []string{"AccessDenied", "UnauthorizedOperation", "AuthorizationError", "NotAuthorized", "Forbidden"}
	unservedCodes = []string{"UnknownOperation", "InvalidAction", "MissingAction", "NotImplemented", "UnsupportedOperation"}
)

func codeOf(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return awserr.Canonical(e.ErrorCode())
	}
	return ""
}

func kindOf(err error) kind {
	if err == nil {
		return fine
	}
	code, status := codeOf(err), 0
	if e, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		status = e.HTTPStatusCode()
	}
	switch {
	case slices.Contains(absentCodes, code):
		return absent
	case slices.Contains(unservedCodes, code), status == http.StatusNotImplemented:
		return unserved
	case slices.Contains(deniedCodes, code), status == http.StatusForbidden && code == "":
		return denied
	}
	return other
}

// reason tells why something was not read, in the words that say what to do about it.
func reason(action string, err error) string {
	switch {
	case kindOf(err) == denied:
		return "access denied: allow " + action
	case kindOf(err) == unserved:
		return "this endpoint does not answer " + action
	case errors.Is(err, context.DeadlineExceeded):
		return action + ": no answer in time"
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return action + ": " + e.ErrorCode() + ": " + e.ErrorMessage()
	}
	if e, ok := errors.AsType[*smithy.OperationError](err); ok && e.Err != nil {
		return action + ": " + e.Err.Error()
	}
	return action + ": " + err.Error()
}
