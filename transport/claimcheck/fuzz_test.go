package claimcheck_test

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/offloadhq/offload/task"
	"github.com/offloadhq/offload/transport"
	"github.com/offloadhq/offload/transport/claimcheck"
)

var hostileIDs = []string{
	"", ".", "..", "../..", "a/b", "/", "//", "01KJ7Z3Q5ZABCDEFGHJKMNPQRS", "01kj7z3q5zabcdefghjkmnpqrs", "01KJ7Z3Q5ZABCDEFGHJKMNPQRI", "order-7", "\x00", "%2e%2e", "\\",
	"ÿ", "\xff\xfe", strings.Repeat("A", 26), strings.Repeat("7", 64), strings.Repeat("a", 64), strings.Repeat("a", 5000), "C:", "~", ".partial", "con", "..\u200b", "\u2025",
}

// FuzzKey: whatever id a task has and whatever digest a message names, the key leads to one place two levels down, or is
// refused; and it is of no other task and no other digest.
func FuzzKey(f *testing.F) {
	digest := strings.Repeat("0123456789abcdef", 4)
	for _, id := range hostileIDs {
		for _, d := range []string{digest, "", "..", "../" + digest, strings.ToUpper(digest), digest + "/"} {
			f.Add(id, d)
		}
	}
	form := regexp.MustCompile(`^([0-9A-HJKMNP-TV-Z]{26}|[0-9a-f]{64})/[0-9a-f]{64}$`)
	f.Fuzz(func(t *testing.T, id, d string) {
		key := claimcheck.Key(id, d)
		err := claimcheck.CheckKey("x", key)
		if (err == nil) != form.MatchString(key) {
			t.Fatalf("id %q, digest %q: key %q, %v", id, d, key, err)
		}
		if err != nil {
			if transport.KindOf(err) != transport.Invalid {
				t.Fatalf("kind of %v", err)
			}
			if len(d) == 64 && strings.Trim(d, "0123456789abcdef") == "" {
				t.Fatalf("id %q: %v", id, err)
			}
			return
		}
		owner, _, _ := strings.Cut(key, "/")
		if path.Clean(key) != key || strings.Count(key, "/") != 1 || len(key) > 129 || path.Base(key) != d || owner != id && len(owner) != 64 {
			t.Fatalf("id %q, digest %q: key %q", id, d, key)
		}
		if other := claimcheck.Key(id+"x", d); other == key {
			t.Fatalf("id %q shares its key %q with another", id, key)
		}
	})
}

// FuzzPointer: whatever a message says of its payload, nothing is read but the payload of its own task.
func FuzzPointer(f *testing.F) {
	const id = "01KJ7Z3Q5ZABCDEFGHJKMNPQRS"
	stored := []byte(`"x"`)
	digest := digestOf(stored)
	key := claimcheck.Key(id, digest)
	event := func(id, more string) []byte {
		return fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":"/x","type":"test.text"%s}`, id, more)
	}
	f.Add(event(id, fmt.Sprintf(`,"dataref":%q,"offloaddigest":%q,"offloadlength":3,"offloadreader":2`, key, digest)))
	f.Add(event(id, fmt.Sprintf(`,"offloadlength":3,"offloaddigest":%q,"dataref":%q,"offloadencoding":"gzip"`, digest, key)))
	f.Add(event("other", fmt.Sprintf(`,"dataref":%q,"offloaddigest":%q,"offloadlength":3`, key, digest)))
	f.Add(event("other", fmt.Sprintf(`,"dataref":%q,"offloaddigest":%q,"offloadlength":3`, claimcheck.Key("other", digest), digest)))
	f.Add(event(id, `,"offloadencoding":"gzip","offloadlength":24,"data_base64":"H4sIAAAAAAACA6tWKslXslJyTElU0lEqSa0oAXIyMpVqAZMpnWgYAAAA"`))
	f.Add(event(id, `,"offloadencoding":"gzip","offloadlength":2147483647,"data_base64":"H4sIAAAAAAACA6tWKslXslJyTElU0lEqSa0oAXIyMpVqAZMpnWgYAAAA"`))
	f.Add(event(id, fmt.Sprintf(`,"dataref":%q,"offloaddigest":%q,"offloadlength":2147483647`, key, digest)))
	for _, hostile := range hostileIDs {
		f.Add(event(id, fmt.Sprintf(`,"dataref":%q,"offloaddigest":%q,"offloadlength":3`, hostile+"/"+digest, digest)))
		f.Add(event(id, fmt.Sprintf(`,"dataref":%q,"offloaddigest":%q,"offloadlength":3`, id+"/"+hostile, hostile)))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := task.Parse(body)
		if err != nil {
			return
		}
		p, elsewhere := e.Payload()
		store := newShelf()
		store.payloads[key] = stored
		got, release, err := newResolver(t, store, claimcheck.ResolverOptions{MaxBytes: 1 << 20}).Resolve(t.Context(), e)
		release()
		for _, read := range store.gets {
			if read != claimcheck.Key(e.ID(), p.Digest) || claimcheck.CheckKey("x", read) != nil {
				t.Fatalf("%q reads %q", body, read)
			}
		}
		known := errors.Is(err, claimcheck.ErrPointer) || errors.Is(err, claimcheck.ErrTooLarge) || errors.Is(err, claimcheck.ErrCorrupt)
		switch {
		case !elsewhere && (err != nil || len(store.gets) > 0):
			t.Fatalf("%q has no payload: %v, %d reads", body, err, len(store.gets))
		case err == nil && elsewhere && len(got.Data()) != p.Length:
			t.Fatalf("%q: %d bytes", body, len(got.Data()))
		case err != nil && (known != task.IsPermanent(err) || !known && !errors.Is(err, claimcheck.ErrNotFound)):
			t.Fatalf("%q: untyped error %v", body, err)
		}
	})
}
