package webhook_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/offloadhq/offload/jobs/webhook"
)

const (
	secret    = "a secret of 32 bytes, or about so"
	oldSecret = "the secret that was used before it"
)

var now = time.Unix(1_783_857_600, 0)

func ExampleVerify() {
	// In a receiver: header is r.Header.Get(webhook.SignatureHeader), body is what was read of r.Body, now is time.Now().
	header := "t=1783857600,v1=32624ec3f6e4229476e7f6e771969929b1c9b2874f2fcc65b911e61797a8dab3"
	body := []byte(`{"order":7}`)
	now := time.Unix(1783857660, 0)

	fmt.Println(webhook.Verify("a secret of 32 bytes, or about so", header, body, now, 0))
	fmt.Println(webhook.Verify("a secret of 32 bytes, or about so", header, []byte(`{"order":8}`), now, 0))
	fmt.Println(webhook.Verify("a secret of 32 bytes, or about so", header, body, now.Add(time.Hour), 0))
	// Output:
	// <nil>
	// webhook signature is wrong: it does not fit this secret and body
	// webhook signature is not of this time: it is 1h1m0s from now, more than 5m0s
}

func TestVerify(t *testing.T) {
	body := []byte(`{"order":7}`)
	good := webhook.SignatureOf([]string{secret}, now, body)
	both := webhook.SignatureOf([]string{secret, oldSecret}, now, body)
	_, v1, _ := strings.Cut(good, ",")
	sum := strings.TrimPrefix(v1, "v1=")
	tests := []struct {
		name   string
		secret string
		header string
		body   string
		off    time.Duration // of the receiver's clock
		want   error
	}{
		{"good", secret, good, string(body), 0, nil},
		{"new of two", secret, both, string(body), 0, nil},
		{"old of two", oldSecret, both, string(body), 0, nil},
		{"spaces and unknown fields", secret, "v0=zz, " + strings.ReplaceAll(good, ",", " , ") + ",v2=new", string(body), 0, nil},
		{"upper-case hexadecimal", secret, "t=1783857600,v1=" + strings.ToUpper(sum), string(body), 0, nil},
		{"upper-case keys", secret, strings.ToUpper(good), string(body), 0, webhook.ErrSignature},
		{"at the tolerance", secret, good, string(body), 5 * time.Minute, nil},
		{"behind at the tolerance", secret, good, string(body), -5 * time.Minute, nil},
		{"too old", secret, good, string(body), 5*time.Minute + 1, webhook.ErrTooOld},
		{"from the future", secret, good, string(body), -5*time.Minute - 1, webhook.ErrTooOld},
		{"ages away", secret, good, string(body), 1<<63 - 1, webhook.ErrTooOld},
		{"another body", secret, good, `{"order":8}`, 0, webhook.ErrSignature},
		{"body with a newline", secret, good, string(body) + "\n", 0, webhook.ErrSignature},
		{"no body", secret, good, "", 0, webhook.ErrSignature},
		{"another secret", oldSecret, good, string(body), 0, webhook.ErrSignature},
		{"no secret", "", good, string(body), 0, webhook.ErrSignature},
		{"another time", secret, strings.Replace(good, "t=1783857600", "t=1783857601", 1), string(body), 0, webhook.ErrSignature},
		{"no header", secret, "", string(body), 0, webhook.ErrSignature},
		{"no time", secret, v1, string(body), 0, webhook.ErrSignature},
		{"two times", secret, good + ",t=1783857600", string(body), 0, webhook.ErrSignature},
		{"negative time", secret, "t=-1," + v1, string(body), 0, webhook.ErrSignature},
		{"time with a sign", secret, strings.Replace(good, "t=", "t=+", 1), string(body), 0, webhook.ErrSignature},
		{"time with a zero", secret, strings.Replace(good, "t=", "t=0", 1), string(body), 0, webhook.ErrSignature},
		{"huge time", secret, "t=9223372036854775807," + v1, string(body), 0, webhook.ErrSignature},
		{"no signature", secret, "t=1783857600", string(body), 0, webhook.ErrSignature},
		{"empty signature", secret, "t=1783857600,v1=", string(body), 0, webhook.ErrSignature},
		{"short signature", secret, good[:len(good)-2], string(body), 0, webhook.ErrSignature},
		{"long signature", secret, good + "00", string(body), 0, webhook.ErrSignature},
		{"no hexadecimal", secret, good[:len(good)-1] + "g", string(body), 0, webhook.ErrSignature},
		{"field without value", secret, good + ",x", string(body), 0, webhook.ErrSignature},
		{"nine signatures", secret, good + strings.Repeat(","+v1, 8), string(body), 0, webhook.ErrSignature},
		{"long header", secret, good + ",x=" + strings.Repeat("x", 1024), string(body), 0, webhook.ErrSignature},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := webhook.Verify(tt.secret, tt.header, []byte(tt.body), now.Add(tt.off), 0)
			if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
		})
	}
}

// A flipped bit anywhere in what is signed is seen.
func TestVerifySeesEveryBit(t *testing.T) {
	body := []byte(`{"order":7}`)
	header := webhook.SignatureOf([]string{secret}, now, body)
	for i := range 8 * len(body) {
		changed := []byte(string(body))
		changed[i/8] ^= 1 << (i % 8)
		if err := webhook.Verify(secret, header, changed, now, 0); !errors.Is(err, webhook.ErrSignature) {
			t.Fatalf("bit %d flipped: error %v", i, err)
		}
	}
}

func TestVerifyTolerance(t *testing.T) {
	header := webhook.SignatureOf([]string{secret}, now, nil)
	for tolerance, want := range map[time.Duration]error{time.Minute: webhook.ErrTooOld, 3 * time.Minute: nil, 0: nil, -1: nil} {
		if err := webhook.Verify(secret, header, nil, now.Add(2*time.Minute), tolerance); !errors.Is(err, want) {
			t.Errorf("tolerance %v: error %v, want %v", tolerance, err, want)
		}
	}
}

func FuzzVerify(f *testing.F) {
	body := []byte(`{"order":7}`)
	good := webhook.SignatureOf([]string{secret}, now, body)
	for _, header := range []string{
		good, webhook.SignatureOf([]string{oldSecret, secret}, now, body), "", ",", "t=", "v1=", "t=1,v1=00", "t=1783857600",
		"t=-1,v1=", strings.ToUpper(good), good + good, "=", "t==1", "t=99999999999999999999",
	} {
		f.Add(header)
	}
	_, v1, _ := strings.Cut(good, "v1=")
	f.Fuzz(func(t *testing.T, header string) {
		err := webhook.Verify(secret, header, body, now, 0)
		if err != nil {
			if !errors.Is(err, webhook.ErrSignature) && !errors.Is(err, webhook.ErrTooOld) {
				t.Errorf("error %v: neither sentinel", err)
			}
			return
		}
		if !strings.Contains(header, "t=1783857600") || !strings.Contains(strings.ToLower(header), v1) {
			t.Errorf("header %q was accepted: it lacks the time or the signature", header)
		}
	})
}
