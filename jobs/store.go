package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/offloadhq/offload/task"
)

// Where the handlers put their results: prefix + task id + extension.
const (
	AnalyticsPrefix = "analytics/"
	ThumbnailPrefix = "thumbnails/"
	ExportPrefix    = "exports/"
)

// MaxKey is the longest key of a [Store], in bytes (Amazon S3 User Guide, "Naming Amazon S3 objects").
const MaxKey = 1024

// ErrBadKey says that a key cannot name an object in a [Store].
var ErrBadKey = errors.New("key is not allowed")

// Store keeps objects by key. A directory is one (package dirstore), a bucket another.
type Store interface {
	// Put stores all that r yields under key, and replaces what was there. It is atomic: a reader sees the old
	// object or the whole new one. After an error of r, or when ctx has ended before r did, the old object is still
	// there. After another error it is too, or, if only the confirmation was lost, the whole new one is. After nil
	// the object is kept.
	//
	// Put reads r once, to its end, in pieces; it neither holds the whole object in memory nor closes r. A key that
	// [CheckKey] refuses is an error that matches [ErrBadKey] and is permanent. Put is safe for concurrent use, also
	// with the same key: one of the objects wins.
	Put(ctx context.Context, key string, r io.Reader) error
}

// CheckKey returns why key cannot name an object, nil if it can. Every Store refuses the same keys, so that what works
// on a directory works on a bucket. A key is 1 to [MaxKey] bytes: segments of letters, digits, '.', '_' and '-',
// parted by single slashes. No segment is "." or ".." or longer than 255 bytes, and the first one does not start with
// '.'. Any task id may be a part of a key. The error matches [ErrBadKey] and is permanent (task.Permanent).
func CheckKey(key string) error {
	if why := badKey(key); why != "" {
		return task.Permanent(fmt.Errorf("key %.80q: %s: %w", key, why, ErrBadKey))
	}
	return nil
}

func badKey(key string) string {
	switch {
	case key == "":
		return "is empty"
	case len(key) > MaxKey:
		return fmt.Sprintf("is %d bytes long, more than %d", len(key), MaxKey)
	case key[0] == '/':
		return "starts with a slash"
	case key[0] == '.':
		return "starts with a dot"
	}
	for segment := range strings.SplitSeq(key, "/") {
		switch {
		case segment == "":
			return "has an empty segment"
		case segment == "." || segment == "..":
			return fmt.Sprintf("has the segment %q", segment)
		case len(segment) > 255:
			return "has a segment longer than 255 bytes"
		}
		for i := range len(segment) {
			if !plain(segment[i]) {
				return fmt.Sprintf("holds %q: letters, digits, '.', '_', '-' and '/' are allowed", segment[i:i+1])
			}
		}
	}
	return ""
}

// plain reports the bytes of task ids, which need no escape in a file name, an S3 key or a URL.
func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-'
}
