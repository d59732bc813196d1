package sqs

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

const (
	maxAttributes      = 10
	maxAttributeLength = 256 // of a name or a type
)

// MessageAttribute is a user's attribute of a message. DataType is String,
// Number or Binary, with an optional custom suffix (".gzip"). Binary uses
// BinaryValue, the others StringValue.
type MessageAttribute struct {
	DataType    string
	StringValue string
	BinaryValue []byte
}

func (a MessageAttribute) binary() bool { return baseType(a.DataType) == "Binary" }

func baseType(dataType string) string {
	base, _, _ := strings.Cut(dataType, ".")
	return base
}

// checkAttributes finds the first fault of a message's attributes, in order of
// their names.
func checkAttributes(attributes map[string]MessageAttribute) error {
	if len(attributes) == 0 {
		return nil
	}
	if len(attributes) > maxAttributes {
		return newError(codeInvalidParameterValue, "Number of message attributes [%d] exceeds the allowed maximum [%d].", len(attributes), maxAttributes)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if err := checkAttributeName(name); err != nil {
			return err
		}
		if err := attributes[name].check(name); err != nil {
			return err
		}
	}
	return nil
}

func checkAttributeName(name string) error {
	if name == "" || len(name) > maxAttributeLength {
		return newError(codeInvalidParameterValue, "Length of message attribute name must be between 1 and %d, it is %d.", maxAttributeLength, len(name))
	}
	lower := strings.ToLower(name)
	if strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") {
		return newError(codeInvalidParameterValue, "You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved for internal use: %q.", name)
	}
	if strings.Trim(name, ".") != name || strings.Contains(name, "..") {
		return newError(codeInvalidParameterValue, "Invalid message attribute name %q: it must not start or end with a period, or have periods in succession.", name)
	}
	for i := range len(name) {
		if c := name[i]; !alphanumeric(c) && c != '_' && c != '-' && c != '.' {
			return newError(codeInvalidParameterValue,
				"Message (user) attribute name can only contain A-Z, a-z, 0-9, underscores, hyphens, and periods: %q.", name)
		}
	}
	return nil
}

func (a MessageAttribute) check(name string) error {
	if a.DataType == "" {
		return newError(codeInvalidParameterValue, "The message attribute '%s' must contain a non-empty message attribute type.", name)
	}
	base := baseType(a.DataType)
	if base != "String" && base != "Number" && base != "Binary" {
		return newError(codeInvalidParameterValue,
			"The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
	}
	if len(a.DataType) > maxAttributeLength || !legal(a.DataType) {
		return newError(codeInvalidParameterValue, "The type of message attribute '%s' is longer than %d bytes or has invalid characters.", name, maxAttributeLength)
	}
	if a.binary() {
		if len(a.BinaryValue) == 0 || a.StringValue != "" {
			return emptyAttribute(name, "binary", a.DataType)
		}
		return nil
	}
	if a.StringValue == "" || len(a.BinaryValue) > 0 {
		return emptyAttribute(name, "string", a.DataType)
	}
	if !legal(a.StringValue) {
		return newError(codeInvalidParameterValue, "The message attribute '%s' contains invalid characters. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF", name)
	}
	if base == "Number" && !number(a.StringValue) {
		return newError(codeInvalidParameterValue, "Can't cast the value of message (user) attribute '%s' to a number.", name)
	}
	return nil
}

func emptyAttribute(name, kind, dataType string) error {
	return newError(codeInvalidParameterValue,
		"The message attribute '%s' with type '%s' must use field '%sValue' and no other, with a non-empty value.", name, dataType, strings.ToUpper(kind[:1])+kind[1:])
}

func number(s string) bool {
	f, err := strconv.ParseFloat(s, 64)
	return err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) && !strings.ContainsAny(s, "xX_pP")
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// attributesMD5 is the digest of attributes, or "" if there are none: over the
// names in order, each of name, type and value with its length in front, and
// one byte that tells text from binary.
// Source: Amazon SQS Developer Guide, "Calculating the MD5 message digest for
// message attributes".
func attributesMD5(attributes map[string]MessageAttribute) string {
	if len(attributes) == 0 {
		return ""
	}
	const stringValue, binaryValue = 1, 2
	h := md5.New()
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		hashField(h, name)
		hashField(h, a.DataType)
		if a.binary() {
			h.Write([]byte{binaryValue})
			hashField(h, string(a.BinaryValue))
		} else {
			h.Write([]byte{stringValue})
			hashField(h, a.StringValue)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func hashField(h hash.Hash, s string) {
	var length [4]byte
	binary.BigEndian.PutUint32(length[:], uint32(len(s)))
	h.Write(length[:])
	_, _ = io.WriteString(h, s)
}

// traceAttribute is the only system attribute that a sender may set.
const traceAttribute = "AWSTraceHeader"

func systemAttributesMD5(trace string) string {
	if trace == "" {
		return ""
	}
	return attributesMD5(map[string]MessageAttribute{traceAttribute: {DataType: "String", StringValue: trace}})
}
