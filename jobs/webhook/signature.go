package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Names of the headers of a delivery.
const (
	SignatureHeader = "Offload-Signature"
	TaskIDHeader    = "Offload-Task-Id"
	AttemptHeader   = "Offload-Attempt"
)

// DefaultTolerance is how far the time of a signature may lie from the receiver's clock.
const DefaultTolerance = 5 * time.Minute

// What [Verify] returns, for errors.Is.
var (
	// ErrSignature says that the header is malformed or that no signature in it fits secret, time and body.
	ErrSignature = errors.New("webhook signature is wrong")
	// ErrTooOld says that the signature fits and that its time is too far from now: an old delivery sent again by
	// a stranger, or a clock that is off.
	ErrTooOld = errors.New("webhook signature is not of this time")
)

// maxHeader and maxSignatures bound the work that a stranger can ask of Verify.
const (
	maxHeader     = 1024
	maxSignatures = 8
)

// Verify is for receivers: it checks the [SignatureHeader] of a delivery against the body, byte for byte as received.
// The time in the header may be up to tolerance before or after now; 0 or less means [DefaultTolerance]. It compares in
// constant time. An error matches [ErrSignature] or [ErrTooOld]; answer 400, or 401, and the sender gives up.
//
// A valid delivery may come twice: remember [TaskIDHeader] for as long as it matters. That header is not signed.
func Verify(secret, header string, body []byte, now time.Time, tolerance time.Duration) error {
	if secret == "" {
		return fmt.Errorf("%w: the secret is empty", ErrSignature)
	}
	s, err := parseSignature(header)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSignature, err)
	}
	want := sign(secret, s.unix, body)
	fits := false
	for _, sum := range s.sums {
		fits = hmac.Equal(sum, want) || fits
	}
	if !fits {
		return fmt.Errorf("%w: it does not fit this secret and body", ErrSignature)
	}
	if tolerance <= 0 {
		tolerance = DefaultTolerance
	}
	if off := now.Sub(time.Unix(s.unix, 0)); off > tolerance || off < -tolerance {
		return fmt.Errorf("%w: it is %v from now, more than %v", ErrTooOld, off, tolerance)
	}
	return nil
}

type signature struct {
	unix int64
	sums [][]byte
}

// parseSignature reads "t=<decimal>,v1=<hex>[,v1=<hex>…]". Keys that it does not know are skipped, so that a v2 may
// be added one day.
func parseSignature(header string) (signature, error) {
	if header == "" {
		return signature{}, errors.New("the header is empty")
	}
	if len(header) > maxHeader {
		return signature{}, fmt.Errorf("the header is longer than %d bytes", maxHeader)
	}
	s := signature{unix: -1}
	for field := range strings.SplitSeq(header, ",") {
		key, value, found := strings.Cut(strings.TrimSpace(field), "=")
		if !found {
			return signature{}, fmt.Errorf("the field %q has no '='", field)
		}
		switch key {
		case "t":
			unix, err := parseUnix(value)
			if err != nil || s.unix >= 0 {
				return signature{}, errors.New("the header needs one t, in whole seconds")
			}
			s.unix = unix
		case "v1":
			sum, err := hex.DecodeString(value)
			if err != nil || len(sum) != sha256.Size {
				return signature{}, fmt.Errorf("a v1 is not %d hexadecimal digits", hex.EncodedLen(sha256.Size))
			}
			s.sums = append(s.sums, sum)
		}
	}
	switch {
	case s.unix < 0:
		return signature{}, errors.New("the header has no t")
	case len(s.sums) == 0:
		return signature{}, errors.New("the header has no v1")
	case len(s.sums) > maxSignatures:
		return signature{}, fmt.Errorf("the header has more than %d v1", maxSignatures)
	}
	return s, nil
}

// parseUnix takes exactly what sign writes, so that there is one text for one time: "+1" and "01" are refused. Twelve
// digits reach the year 33658 and keep every calculation far from overflow.
func parseUnix(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || len(s) > 12 || strconv.FormatInt(n, 10) != s {
		return 0, strconv.ErrSyntax
	}
	return n, nil
}

func sign(secret string, unix int64, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(strconv.AppendInt(nil, unix, 10))
	mac.Write([]byte{'.'})
	mac.Write(body)
	return mac.Sum(nil)
}

// signatureHeader has one v1 for each secret.
func signatureHeader(secrets []string, now time.Time, body []byte) string {
	unix := now.Unix()
	b := strconv.AppendInt([]byte("t="), unix, 10)
	for _, secret := range secrets {
		b = hex.AppendEncode(append(b, ",v1="...), sign(secret, unix, body))
	}
	return string(b)
}
