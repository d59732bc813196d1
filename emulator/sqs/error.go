package sqs

import (
	"errors"
	"fmt"
	"net/http"
)

// ErrClosed is returned by every call after Close, and by a Receive that waits
// while the service is closed.
var ErrClosed = errors.New("sqs: service is closed")

// The errors that a caller in the same process may branch on with errors.Is.
// The error returned names the queue and says more.
var (
	ErrQueueDoesNotExist  error = &Error{Code: codeQueueDoesNotExist}
	ErrQueueNameExists    error = &Error{Code: codeQueueNameExists}
	ErrReceiptInvalid     error = &Error{Code: codeReceiptHandleIsInvalid}
	ErrMessageNotInflight error = &Error{Code: codeMessageNotInflight}
	ErrOverLimit          error = &Error{Code: codeOverLimit}
)

// Error is an error of the service under the name that AWS gives it.
// Source: Amazon SQS API Reference, the Errors section of each action.
type Error struct {
	Code    string // such as "QueueDoesNotExist"; the shape name of the JSON protocol
	Message string // for people; the wording is AWS's where AWS has one
}

// Error returns code and message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Is reports whether target is an *Error with the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

func newError(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

const (
	codeBatchEntryIdsNotDistinct     = "BatchEntryIdsNotDistinct"
	codeBatchRequestTooLong          = "BatchRequestTooLong"
	codeEmptyBatchRequest            = "EmptyBatchRequest"
	codeInternalFailure              = "InternalFailure"
	codeInvalidAddress               = "InvalidAddress"
	codeInvalidAttributeName         = "InvalidAttributeName"
	codeInvalidAttributeValue        = "InvalidAttributeValue"
	codeInvalidBatchEntryID          = "InvalidBatchEntryId"
	codeInvalidMessageContents       = "InvalidMessageContents"
	codeInvalidParameterValue        = "InvalidParameterValue"
	codeMessageNotInflight           = "MessageNotInflight"
	codeMissingParameter             = "MissingParameter"
	codeOverLimit                    = "OverLimit"
	codePurgeQueueInProgress         = "PurgeQueueInProgress"
	codeQueueDoesNotExist            = "QueueDoesNotExist"
	codeQueueNameExists              = "QueueNameExists"
	codeReceiptHandleIsInvalid       = "ReceiptHandleIsInvalid"
	codeRequestTooLarge              = "RequestEntityTooLarge"
	codeSerialization                = "SerializationException"
	codeServiceUnavailable           = "ServiceUnavailable"
	codeTooManyEntriesInBatchRequest = "TooManyEntriesInBatchRequest"
	codeUnknownOperation             = "UnknownOperationException"
	codeUnsupportedOperation         = "UnsupportedOperation"
)

// wireError is how an error looks in the AWS JSON protocol: the type in the
// body, the code of the older query protocol in a header, and the status.
type wireError struct {
	shape  string
	query  string // "" if the protocol layer answers, which has no query code
	status int
}

// The two namespaces of error types: modelled ones, and those of the layer
// in front of the service.
const (
	modelled = "com.amazonaws.sqs#"
	frontend = "com.amazon.coral.service#"
	queryNS  = "AWS.SimpleQueueService."
)

var wireErrors = map[string]wireError{
	codeBatchEntryIdsNotDistinct:     {modelled + codeBatchEntryIdsNotDistinct, queryNS + codeBatchEntryIdsNotDistinct, http.StatusBadRequest},
	codeBatchRequestTooLong:          {modelled + codeBatchRequestTooLong, queryNS + codeBatchRequestTooLong, http.StatusBadRequest},
	codeEmptyBatchRequest:            {modelled + codeEmptyBatchRequest, queryNS + codeEmptyBatchRequest, http.StatusBadRequest},
	codeInternalFailure:              {frontend + "InternalFailure", "InternalFailure", http.StatusInternalServerError},
	codeInvalidAddress:               {modelled + codeInvalidAddress, codeInvalidAddress, http.StatusNotFound},
	codeInvalidAttributeName:         {modelled + codeInvalidAttributeName, codeInvalidAttributeName, http.StatusBadRequest},
	codeInvalidAttributeValue:        {modelled + codeInvalidAttributeValue, codeInvalidAttributeValue, http.StatusBadRequest},
	codeInvalidBatchEntryID:          {modelled + codeInvalidBatchEntryID, queryNS + codeInvalidBatchEntryID, http.StatusBadRequest},
	codeInvalidMessageContents:       {modelled + codeInvalidMessageContents, codeInvalidMessageContents, http.StatusBadRequest},
	codeInvalidParameterValue:        {frontend + "InvalidParameterValueException", codeInvalidParameterValue, http.StatusBadRequest},
	codeMessageNotInflight:           {modelled + codeMessageNotInflight, queryNS + codeMessageNotInflight, http.StatusBadRequest},
	codeMissingParameter:             {frontend + "MissingRequiredParameterException", codeMissingParameter, http.StatusBadRequest},
	codeOverLimit:                    {modelled + codeOverLimit, codeOverLimit, http.StatusForbidden},
	codePurgeQueueInProgress:         {modelled + codePurgeQueueInProgress, queryNS + codePurgeQueueInProgress, http.StatusForbidden},
	codeQueueDoesNotExist:            {modelled + codeQueueDoesNotExist, queryNS + "NonExistentQueue", http.StatusBadRequest},
	codeQueueNameExists:              {modelled + codeQueueNameExists, "QueueAlreadyExists", http.StatusBadRequest},
	codeReceiptHandleIsInvalid:       {modelled + codeReceiptHandleIsInvalid, codeReceiptHandleIsInvalid, http.StatusNotFound},
	codeRequestTooLarge:              {frontend + "RequestEntityTooLargeException", "", http.StatusRequestEntityTooLarge},
	codeSerialization:                {frontend + codeSerialization, "", http.StatusBadRequest},
	codeServiceUnavailable:           {frontend + "ServiceUnavailableException", codeServiceUnavailable, http.StatusServiceUnavailable},
	codeTooManyEntriesInBatchRequest: {modelled + codeTooManyEntriesInBatchRequest, queryNS + codeTooManyEntriesInBatchRequest, http.StatusBadRequest},
	codeUnknownOperation:             {frontend + codeUnknownOperation, "", http.StatusBadRequest},
	codeUnsupportedOperation:         {modelled + codeUnsupportedOperation, queryNS + codeUnsupportedOperation, http.StatusBadRequest},
}

func oversize(limit int) *Error {
	return newError(codeInvalidParameterValue, "One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", limit)
}

func missing(parameter string) *Error {
	return newError(codeMissingParameter, "The request must contain the parameter %s.", parameter)
}
