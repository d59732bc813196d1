package awserr

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/offloadhq/offload/transport"
)

// Judge says what became of a whole call that failed with err, and how to tell it. target names the queue or function as
// in transport.Error. The outcome is Rejected when the service refused the request or nothing of it was sent, else
// Unknown; never Accepted. Errors of the context stay recognisable with errors.Is. When the caller's own context has not
// ended, a deadline is that of the call, and the text says how long it was.
func Judge(ctx context.Context, target string, own Table, err error, call *Call, timeout time.Duration) (transport.Outcome, *transport.Error) {
	outcome, code, rule := own.judge(err, call)
	if rule.Stale {
		call.loan.drop()
	}
	cause := plain(err)
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		cause = fmt.Errorf("no answer within %v: %w", timeout, cause)
	}
	return outcome, &transport.Error{Kind: rule.Kind, Code: code, Target: target, Hint: rule.Hint, Err: cause}
}

func (t Table) judge(err error, call *Call) (transport.Outcome, string, Rule) {
	switch {
	case call.unasked():
		return transport.Rejected, "", t.localRule(err)
	case call.NothingSent() || undialled(err):
		return transport.Rejected, "", networkRule(err)
	}
	code, status := answer(err)
	var clock interface{ ClockCorrected() bool }
	if errors.As(err, &clock) && clock.ClockCorrected() {
		return transport.Rejected, code, Rule{Kind: transport.Transient, Hint: hintClock + "; the next request goes by the clock of the service"}
	}
	if rule, known := t.Rule(code); known {
		if rule.Kind == transport.Transient {
			return transport.Unknown, code, rule // the service failed half-way: it may have stored the task
		}
		return transport.Rejected, code, rule
	}
	if code == "" && status >= 300 {
		code = fmt.Sprintf("HTTP %d", status)
	}
	if status >= 300 && status < 500 && !gaveUp(status) {
		return transport.Rejected, code, statusRule(status)
	}
	return transport.Unknown, code, Rule{Kind: transport.Transient}
}

// gaveUp reports a status by which a proxy says that it did not wait for the service, which may have got the request: 408
// and 425, and 499 of nginx.
func gaveUp(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooEarly || status == 499
}

// answer returns the service's error code and the HTTP status, as far as there are any.
func answer(err error) (code string, status int) {
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() != "UnknownError" {
		code = api.ErrorCode()
	}
	var response interface{ HTTPStatusCode() int }
	if errors.As(err, &response) {
		status = response.HTTPStatusCode()
	}
	return code, status
}

// undialled recognises, without a watch, the errors that come before a connection.
func undialled(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	return errors.As(err, &dns) || errors.As(err, &op) && op.Op == "dial"
}

// localRule is about errors before the HTTP client was asked. Loading credentials may itself be a call to a service.
func (t Table) localRule(err error) Rule {
	if isContext(err) {
		return Rule{Kind: transport.Transient}
	}
	code, status := answer(err)
	if rule, known := t.Rule(code); known && rule.Kind != transport.Misconfigured && rule.Kind != transport.Invalid {
		return rule
	}
	var timeout interface{ Timeout() bool }
	if status >= 500 || errors.As(err, &timeout) && timeout.Timeout() {
		return Rule{Kind: transport.Transient}
	}
	text := strings.ToLower(err.Error())
	switch {
	case strings.Contains(text, "credential") || strings.Contains(text, "identity") || strings.Contains(text, "token"):
		return Rule{Kind: transport.Misconfigured, Hint: "no credentials could be loaded: set a profile, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role for this host"}
	case strings.Contains(text, "region") || strings.Contains(text, "endpoint"):
		return Rule{Kind: transport.Misconfigured, Hint: "set the region, for example AWS_REGION=eu-west-1"}
	}
	return Rule{Kind: transport.Misconfigured, Hint: "the request could not be built: check the configuration of the client"}
}

// networkRule is about errors before a connection stood.
func networkRule(err error) Rule {
	var (
		dns         *net.DNSError
		untrusted   *tls.CertificateVerificationError
		unknownCA   x509.UnknownAuthorityError
		wrongHost   x509.HostnameError
		certificate x509.CertificateInvalidError
		noTLS       tls.RecordHeaderError
	)
	switch {
	case isContext(err):
		return Rule{Kind: transport.Transient}
	case errors.As(err, &dns) && dns.IsNotFound:
		return Rule{Kind: transport.Misconfigured, Hint: fmt.Sprintf("there is no host %q: check the region and the endpoint, or the network of this host", dns.Name)}
	case errors.Is(err, syscall.ECONNREFUSED):
		return Rule{Kind: transport.Transient, Hint: "nothing listens there: check the endpoint, and that it is running"}
	case errors.As(err, &untrusted), errors.As(err, &unknownCA), errors.As(err, &wrongHost), errors.As(err, &certificate):
		return Rule{Kind: transport.Misconfigured, Hint: "the certificate is not trusted: check the endpoint, AWS_CA_BUNDLE and the clock of this host"}
	case errors.As(err, &noTLS), errors.Is(err, http.ErrSchemeMismatch):
		return Rule{Kind: transport.Misconfigured, Hint: "the endpoint does not speak TLS: check its scheme and port"}
	}
	return Rule{Kind: transport.Transient}
}

func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// said is an error with a shorter text than the chain it stands for.
type said struct {
	text string
	err  error
}

func (s *said) Error() string { return s.text }
func (s *said) Unwrap() error { return s.err }

// plain drops what the SDK puts around a message; the whole chain stays reachable.
func plain(err error) error {
	var api smithy.APIError
	var request interface{ ServiceRequestID() string }
	if errors.As(err, &api) && api.ErrorMessage() != "" && api.ErrorCode() != "UnknownError" {
		text := api.ErrorMessage()
		if errors.As(err, &request) && request.ServiceRequestID() != "" {
			text += ", request " + request.ServiceRequestID()
		}
		return &said{text, err}
	}
	return &said{inner(err).Error(), err}
}

// inner takes off the name of the operation, a response that never came, and the address of the service.
func inner(err error) error {
	for {
		switch e := err.(type) { //nolint:errorlint // one layer at a time
		case *smithy.OperationError:
			err = e.Err
		case *awshttp.ResponseError:
			if e.ResponseError == nil || e.HTTPStatusCode() != 0 {
				return err
			}
			err = e.Err
		case *smithy.CanceledError:
			err = e.Err
		case *url.Error:
			err = e.Err
		default:
			return err
		}
		if err == nil {
			return errors.New("no error was given")
		}
	}
}
