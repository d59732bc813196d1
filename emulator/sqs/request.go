package sqs

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"unicode/utf8"
)

// decode reads the body of a request into a value of type T. Unknown fields are
// tolerated, an empty body is an empty object; anything else that is not the
// object asked for is a SerializationException. body is changed in place.
func decode[T any](body []byte) (T, error) {
	var in T
	if len(body) == 0 {
		return in, nil
	}
	if !utf8.Valid(body) {
		return in, newError(codeSerialization, "The request body is not valid UTF-8.")
	}
	markLoneSurrogates(body)
	if err := json.Unmarshal(body, &in); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return in, newError(codeSerialization, "The field %s cannot be a JSON %s.", wrong.Field, wrong.Value)
		}
		return in, newError(codeSerialization, "The request body is not valid JSON: %v.", err)
	}
	return in, nil
}

// markLoneSurrogates turns escapes of half a surrogate pair into \uffff. The
// decoder would make them U+FFFD, a character that SQS takes, and so change a
// message in silence; U+FFFF is refused as the original would be.
func markLoneSurrogates(body []byte) {
	for i := 0; ; {
		next := bytes.IndexByte(body[i:], '\\')
		if next < 0 || i+next+1 >= len(body) {
			return
		}
		i += next
		unit, ok := escapedUnit(body[i:])
		switch {
		case !ok:
			i += 2
		case unit < 0xD800 || unit > 0xDFFF:
			i += 6
		case unit <= 0xDBFF && lowSurrogate(body[i+6:]):
			i += 12
		default:
			copy(body[i:], `\uffff`)
			i += 6
		}
	}
}

func lowSurrogate(b []byte) bool {
	unit, ok := escapedUnit(b)
	return ok && unit >= 0xDC00 && unit <= 0xDFFF
}

// escapedUnit reads an escape of the form \uXXXX at the start of b.
func escapedUnit(b []byte) (unit uint32, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	for _, c := range b[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		unit = unit<<4 | uint32(c)
	}
	return unit, true
}

// queueName reads the name of a queue out of its URL. Only the path counts,
// /ACCOUNT/NAME, so that a URL works from any host; a bare name is taken too.
func (s *Service) queueName(queueURL string) (string, error) {
	if queueURL == "" {
		return "", missing("QueueUrl")
	}
	path := queueURL
	if strings.Contains(queueURL, "://") {
		u, err := url.Parse(queueURL)
		if err != nil {
			return "", invalidAddress(queueURL)
		}
		path = u.Path
	}
	path = strings.Trim(path, "/")
	account, name, found := strings.Cut(path, "/")
	if !found {
		account, name = s.options.AccountID, path
	}
	if name == "" || strings.Contains(name, "/") {
		return "", invalidAddress(queueURL)
	}
	if account != s.options.AccountID {
		return "", newError(codeQueueDoesNotExist, "The specified queue does not exist: %q is of account %s, this service has account %s only.", name, account, s.options.AccountID)
	}
	return name, nil
}

func invalidAddress(queueURL string) error {
	return newError(codeInvalidAddress, "The address %q is not valid for this endpoint: want a queue URL like http://HOST/ACCOUNT/NAME.", queueURL)
}
