package sqstransport_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// verifier lets through what is signed with the right key, and refuses the rest as AWS does. It works the signature out
// by itself, from the request as it came. (IAM User Guide, "Create a signed AWS API request".)
type verifier struct {
	handler http.Handler
	region  string
	now     func() time.Time // its own clock; nil is that of the host

	mu    sync.Mutex
	keys  aws.Credentials // guarded by mu
	times []time.Time     // guarded by mu: when the requests that passed were signed
}

func (v *verifier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	if v.now != nil {
		now = v.now()
	}
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the request was cut off
	}
	v.mu.Lock()
	code, err := v.check(r, body, now)
	v.mu.Unlock()
	if err != nil {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"__type":"com.amazon.coral.service#%s","message":%s}`, code, strconv.Quote(err.Error()))
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	v.handler.ServeHTTP(w, r)
}

const stamp = "20060102T150405Z"

// check returns the code of AWS and what is wrong.
func (v *verifier) check(r *http.Request, body []byte, now time.Time) (string, error) {
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ", ") {
		name, value, _ := strings.Cut(part, "=")
		parts[name] = value
	}
	scope := strings.Split(parts["Credential"], "/")
	if !ok || len(scope) != 5 {
		return "MissingAuthenticationTokenException", fmt.Errorf("the header Authorization is %q", r.Header.Get("Authorization"))
	}
	signed := strings.Split(parts["SignedHeaders"], ";")
	for _, name := range []string{"content-type", "host", "x-amz-date", "x-amz-target"} {
		if !slices.Contains(signed, name) {
			return "IncompleteSignatureException", fmt.Errorf("the header %s is not signed: %v", name, signed)
		}
	}
	at, err := time.Parse(stamp, r.Header.Get("X-Amz-Date"))
	switch {
	case err != nil:
		return "IncompleteSignatureException", err
	case scope[0] != v.keys.AccessKeyID:
		return "UnrecognizedClientException", errors.New("the security token included in the request is invalid")
	case r.Header.Get("X-Amz-Security-Token") != v.keys.SessionToken:
		return "ExpiredTokenException", errors.New("the security token included in the request is expired")
	case v.keys.SessionToken != "" && !slices.Contains(signed, "x-amz-security-token"):
		return "IncompleteSignatureException", errors.New("the token is not signed")
	case now.Sub(at).Abs() > 5*time.Minute:
		return "InvalidSignatureException", fmt.Errorf("signature expired: %s is not within 5 minutes of %s", at.Format(stamp), now.UTC().Format(stamp))
	case !slices.Equal(scope[1:], []string{at.Format("20060102"), v.region, "sqs", "aws4_request"}):
		return "SignatureDoesNotMatch", fmt.Errorf("the scope is %v", scope[1:])
	case parts["Signature"] != signature(v.keys.SecretAccessKey, scope[1:], at, canonical(r, signed, body)):
		return "InvalidSignatureException", errors.New("the request signature we calculated does not match the signature you provided")
	}
	v.times = append(v.times, at)
	return "", nil
}

func canonical(r *http.Request, signed []string, body []byte) string {
	var b strings.Builder
	path := (&url.URL{Path: r.URL.EscapedPath()}).EscapedPath() // encoded twice, as for every service but S3
	fmt.Fprintf(&b, "%s\n%s\n%s\n", r.Method, path, r.URL.Query().Encode())
	for _, name := range signed {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = strconv.FormatInt(r.ContentLength, 10)
		}
		fmt.Fprintf(&b, "%s:%s\n", name, strings.Join(strings.Fields(value), " "))
	}
	sum := sha256.Sum256(body)
	fmt.Fprintf(&b, "\n%s\n%s", strings.Join(signed, ";"), hex.EncodeToString(sum[:]))
	return b.String()
}

func signature(secret string, scope []string, at time.Time, canonical string) string {
	key := []byte("AWS4" + secret)
	for _, part := range scope {
		key = mac(key, part)
	}
	sum := sha256.Sum256([]byte(canonical))
	return hex.EncodeToString(mac(key, strings.Join([]string{"AWS4-HMAC-SHA256", at.Format(stamp), strings.Join(scope, "/"), hex.EncodeToString(sum[:])}, "\n")))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = io.WriteString(h, text)
	return h.Sum(nil)
}
