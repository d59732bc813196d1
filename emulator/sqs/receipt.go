package sqs

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
)

// receiptPrefix opens every handle, so that none starts with a dash, which a
// command line would take for a flag.
const receiptPrefix = "AQEB"

// receipt is what a receipt handle says: a queue (by serial number, so that a
// queue deleted and created again is another one), a message, one receive.
type receipt struct {
	serial uint32
	key    uint64
	nonce  uint64
}

// String returns the handle. It is opaque to callers. Its checksum tells a
// handle of this service from any other string; it is no signature.
func (r receipt) String() string {
	var raw [24]byte
	binary.BigEndian.PutUint32(raw[0:], r.serial)
	binary.BigEndian.PutUint64(raw[4:], r.key)
	binary.BigEndian.PutUint64(raw[12:], r.nonce)
	binary.BigEndian.PutUint32(raw[20:], crc32.ChecksumIEEE(raw[:20]))
	var text [len(receiptPrefix) + 32]byte
	copy(text[:], receiptPrefix)
	base64.RawURLEncoding.Encode(text[len(receiptPrefix):], raw[:])
	return string(text[:])
}

// parseReceipt reads a handle back; false if it is none of this service's.
func parseReceipt(handle string) (receipt, bool) {
	if len(handle) != len(receiptPrefix)+32 || handle[:len(receiptPrefix)] != receiptPrefix {
		return receipt{}, false
	}
	var raw [24]byte
	if _, err := base64.RawURLEncoding.Decode(raw[:], []byte(handle[len(receiptPrefix):])); err != nil {
		return receipt{}, false
	}
	if binary.BigEndian.Uint32(raw[20:]) != crc32.ChecksumIEEE(raw[:20]) {
		return receipt{}, false
	}
	return receipt{
		serial: binary.BigEndian.Uint32(raw[0:]),
		key:    binary.BigEndian.Uint64(raw[4:]),
		nonce:  binary.BigEndian.Uint64(raw[12:]),
	}, true
}
