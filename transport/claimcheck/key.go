package claimcheck

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/offloadhq/offload/transport"
)

// Key is the name of a payload in every store: TASK/DIGEST. digest is the SHA-256 of the stored bytes, in lower-case
// hexadecimal. TASK is the task id if that is a ULID, which is what Fire mints, else the SHA-256 of the id: a key holds
// nothing but hexadecimal digits, letters of a ULID and the slash, whatever ids a program gives.
//
// The digest makes the same bytes of a task the same object, so that storing twice is storing once. The task keeps tasks
// apart: a message cannot ask for the payload of another one, a payload is as old as its own task, and what belongs to a
// task can be found.
func Key(taskID, digest string) string {
	if !isULID(taskID) {
		sum := sha256.Sum256([]byte(taskID))
		taskID = hex.EncodeToString(sum[:])
	}
	return taskID + "/" + digest
}

// CheckKey returns why key is none that [Key] makes, nil if it is one. The error is an [*transport.Error] of the kind Invalid.
// target names the store.
func CheckKey(target, key string) error {
	owner, digest, _ := strings.Cut(key, "/")
	if (isULID(owner) || isDigest(owner)) && isDigest(digest) {
		return nil
	}
	return &transport.Error{Kind: transport.Invalid, Target: target, Err: fmt.Errorf("key %.160q: is no key of a payload", key)}
}

// isULID reports 26 characters of Crockford's base 32, in the case that Fire writes.
func isULID(s string) bool {
	return len(s) == 26 && all(s, func(c byte) bool {
		return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' && c != 'I' && c != 'L' && c != 'O' && c != 'U'
	})
}

// isDigest reports a SHA-256 in lower-case hexadecimal.
func isDigest(s string) bool {
	return len(s) == 2*sha256.Size && all(s, func(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' })
}

func all(s string, is func(byte) bool) bool {
	for i := range len(s) {
		if !is(s[i]) {
			return false
		}
	}
	return true
}
