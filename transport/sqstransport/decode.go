package sqstransport

import (
	"errors"
	"fmt"
	"strings"

	"github.com/offloadhq/offload/internal/jsonscan"
	"github.com/offloadhq/offload/transport/sqstransport/internal/api"
)

// readAnswer reads the answer of either operation. It is strict about what it knows: lists may be null or absent, an
// entry may be null, and a name must be matched exactly, stand there once, and have the right type; other names are
// stepped over. An answer that breaks the rule is none: nothing of it is taken.
func readAnswer(b []byte) (api.Answer, error) {
	var a api.Answer
	var successful, failed bool
	var texts block
	c := jsonscan.New(b)
	err := c.Object(func(key []byte) error {
		switch string(key) {
		case "Successful":
			if successful {
				return errTwice(key)
			}
			successful = true
			a.Successful = make([]api.Success, 0, maxEntries)
			return readList(c, func() (err error) {
				s, err := readSuccess(c, &texts)
				a.Successful = append(a.Successful, s)
				return err
			})
		case "Failed":
			if failed {
				return errTwice(key)
			}
			failed = true
			return readList(c, func() (err error) {
				f, err := readFailure(c, &texts)
				a.Failed = append(a.Failed, f)
				return err
			})
		}
		return c.Skip()
	})
	if err == nil && !c.End() {
		err = errors.New("something follows its end")
	}
	if err != nil {
		return api.Answer{}, err
	}
	return a, nil
}

func errTwice(key []byte) error { return fmt.Errorf("%q stands there twice", key) }

// readList reads an array of objects; a null in the place of either is nothing.
func readList(c *jsonscan.Cursor, object func() error) error {
	if c.Null() {
		return nil
	}
	return c.Array(func() error {
		if c.Null() {
			return nil
		}
		return object()
	})
}

// block is memory that the texts of an answer share, so that ten message ids are one allocation: whoever keeps one of them
// keeps them all.
type block struct{ strings.Builder }

// blockSize has room for ten entries that were done.
const blockSize = 10 * (len("0") + len("00000000-0000-0000-0000-000000000000"))

func (k *block) text(raw []byte) string {
	if k.Cap()-k.Len() < len(raw) {
		k.Reset()
		k.Grow(max(len(raw), blockSize))
	}
	k.Write(raw)
	s := k.String()
	return s[len(s)-len(raw):]
}

func readSuccess(c *jsonscan.Cursor, texts *block) (s api.Success, err error) {
	err = readFields(c, texts, []field{{name: "Id", text: &s.ID}, {name: "MessageId", text: &s.MessageID}, {name: "MD5OfMessageBody", digest: &s.Digest}})
	return s, err
}

func readFailure(c *jsonscan.Cursor, texts *block) (f api.Failure, err error) {
	err = readFields(c, texts, []field{{name: "Id", text: &f.ID}, {name: "Code", text: &f.Code}, {name: "Message", text: &f.Message}, {name: "SenderFault", flag: &f.SenderFault}})
	return f, err
}

// field is a name, and where its value belongs: a text, a digest or a flag.
type field struct {
	name   string
	text   *string
	digest *api.Digest
	flag   *bool
	seen   bool
}

// readFields reads an object into fields. A null leaves a field as it is.
func readFields(c *jsonscan.Cursor, texts *block, fields []field) error {
	return c.Object(func(key []byte) (err error) {
		for i := range fields {
			f := &fields[i]
			if string(key) != f.name {
				continue
			}
			if f.seen {
				return errTwice(key)
			}
			f.seen = true
			if c.Null() {
				return nil
			}
			return f.read(c, texts)
		}
		return c.Skip()
	})
}

func (f *field) read(c *jsonscan.Cursor, texts *block) (err error) {
	if f.flag != nil {
		*f.flag, err = c.Bool()
		return err
	}
	raw, err := c.Bytes()
	if f.digest != nil {
		*f.digest = api.NewDigest(raw)
	} else {
		*f.text = texts.text(raw)
	}
	return err
}
