package awserr_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/offloadhq/offload/internal/awserr"
)

// source gives another key each time that it is asked, or always the same.
type source struct {
	asked int
	same  bool
	lasts time.Duration // of each key; 0: for ever
	err   error
}

func (s *source) Retrieve(context.Context) (aws.Credentials, error) {
	s.asked++
	c := aws.Credentials{AccessKeyID: "key-" + strconv.Itoa(s.asked), SecretAccessKey: "secret"}
	if s.same {
		c.AccessKeyID = "key"
	}
	if s.lasts > 0 {
		c.CanExpire, c.Expires = true, time.Now().Add(s.lasts)
	}
	return c, s.err
}

// borrow signs a call.
func borrow(t *testing.T, keys *awserr.Keys, p aws.CredentialsProvider) *awserr.Call {
	t.Helper()
	call := &awserr.Call{}
	if _, err := keys.Lend(p, call).Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	return call
}

// refuse judges the refusal of calls.
func refuse(t *testing.T, code string, calls ...*awserr.Call) {
	for _, c := range calls {
		awserr.Judge(t.Context(), "queue", nil, &smithy.GenericAPIError{Code: code}, c, time.Second)
	}
}

func TestA8_RefusedKeysAreDroppedOnce(t *testing.T) {
	for _, same := range []bool{false, true} {
		var keys awserr.Keys
		s := &source{same: same}
		cache := awserr.Cached(s)
		var early, late []*awserr.Call
		for range 4 {
			early, late = append(early, borrow(t, &keys, cache)), append(late, borrow(t, &keys, cache))
		}
		refuse(t, "AccessDenied", borrow(t, &keys, cache))
		refuse(t, "ExpiredToken", new(awserr.Call)) // one that came to no credentials
		if borrow(t, &keys, cache); s.asked != 1 {
			t.Fatalf("same=%t: loaded %d times without need", same, s.asked)
		}
		refuse(t, "ExpiredToken", early...)
		if borrow(t, &keys, cache); s.asked != 2 {
			t.Fatalf("same=%t: loaded %d times after the first refusals, want 2", same, s.asked)
		}
		refuse(t, "ExpiredToken", late...)
		again := borrow(t, &keys, cache)
		if s.asked != 2 {
			t.Fatalf("same=%t: loaded %d times after late refusals, want 2", same, s.asked)
		}
		refuse(t, "ExpiredToken", again, again)
		if borrow(t, &keys, cache); s.asked != 3 {
			t.Fatalf("same=%t: loaded %d times after new ones were refused, want 3", same, s.asked)
		}
	}
}

func TestA8_KeysThatWereReplacedAreNotDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var keys awserr.Keys
		s := &source{lasts: time.Minute}
		cache := awserr.Cached(s)
		old := borrow(t, &keys, cache)
		time.Sleep(2 * time.Minute)
		borrow(t, &keys, cache)
		refuse(t, "ExpiredToken", old)
		if borrow(t, &keys, cache); s.asked != 2 {
			t.Errorf("loaded %d times, want 2: the refusal is about the first", s.asked)
		}
	})
}

func TestA8_OneCacheIsNotDroppedForAnother(t *testing.T) {
	var keys awserr.Keys
	first, second := &source{same: true}, &source{same: true}
	old := borrow(t, &keys, awserr.Cached(first))
	cache := awserr.Cached(second)
	borrow(t, &keys, cache)
	refuse(t, "ExpiredToken", old)
	if borrow(t, &keys, cache); second.asked != 1 {
		t.Errorf("loaded %d times, want once", second.asked)
	}
}

func TestCachedWrapsOnce(t *testing.T) {
	if p := awserr.Cached(nil); p != nil {
		t.Errorf("nil became %T", p)
	}
	cache := aws.NewCredentialsCache(&source{})
	if awserr.Cached(cache) != aws.CredentialsProvider(cache) {
		t.Error("a cache was wrapped")
	}
	if !aws.IsCredentialsProvider(awserr.Cached(aws.AnonymousCredentials{}), (*aws.AnonymousCredentials)(nil)) {
		t.Error("anonymous credentials are not known any more")
	}
	var keys awserr.Keys
	bare := &source{err: errors.New("broken")}
	if keys.Lend(bare, &awserr.Call{}) != aws.CredentialsProvider(bare) {
		t.Error("a provider that is no cache was wrapped for a call")
	}
	if _, err := keys.Lend(awserr.Cached(bare), &awserr.Call{}).Retrieve(t.Context()); !errors.Is(err, bare.err) {
		t.Errorf("error %v", err)
	}
}
