package sqstransport

import (
	"errors"
	"fmt"

	"github.com/offloadhq/offload/internal/jsonscan"
	"github.com/offloadhq/offload/transport/sqstransport/internal/api"
)

// readAnswer reads the answer of either operation. It is strict about what it knows: lists may be null or absent, an
// entry may be null, and a name must be matched exactly, stand there once, and have the right type; other names are
// stepped over. An answer that breaks the rule is none: nothing of it is taken.
func readAnswer(b []byte) (api.Answer, error) {
	var a api.Answer
	var successful, failed bool
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
				s, err := readSuccess(c)
				a.Successful = append(a.Successful, s)
				return err
			})
		case "Failed":
			if failed {
				return errTwice(key)
			}
			failed = true
			return readList(c, func() (err error) {
				f, err := readFailure(c)
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

func readSuccess(c *jsonscan.Cursor) (s api.Success, err error) {
	err = readFields(c, []field{{name: "Id", text: &s.ID}, {name: "MessageId", text: &s.MessageID}, {name: "MD5OfMessageBody", text: &s.Digest}})
	return s, err
}

func readFailure(c *jsonscan.Cursor) (f api.Failure, err error) {
	err = readFields(c, []field{{name: "Id", text: &f.ID}, {name: "Code", text: &f.Code}, {name: "Message", text: &f.Message}, {name: "SenderFault", flag: &f.SenderFault}})
	return f, err
}

// field is a name, and where its value belongs: a text or a flag.
type field struct {
	name string
	text *string
	flag *bool
	seen bool
}

// readFields reads an object into fields. A null leaves a field as it is.
func readFields(c *jsonscan.Cursor, fields []field) error {
	return c.Object(func(key []byte) (err error) {
		for i := range fields {
			f := &fields[i]
			if string(key) != f.name {
				continue
			}
			switch {
			case f.seen:
				return errTwice(key)
			case c.Null():
			case f.flag != nil:
				*f.flag, err = c.Bool()
			default:
				*f.text, err = c.String()
			}
			f.seen = true
			return err
		}
		return c.Skip()
	})
}
