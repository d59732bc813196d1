package journal

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"time"
)

// The format of a segment; docs/adr/0006-journal-format.md has it in words. All numbers are little-endian.
//
//	0        header (64 bytes), its origins (16 bytes each), then zeros
//	2048     trailer (32 bytes) when the segment is full, else zeros; then zeros
//	4096     area: records, each at a multiple of 32, then zeros
//	size-8n  marks of the records n-1 … 0, 8 bytes each: that of record k is at size-8(k+1), zeros until it is done
const (
	formatVersion = 1
	headerBytes   = 64
	originBytes   = 16
	areaStart     = 4096
	unit          = 32 // records begin at multiples of it, so that a reader finds the next one behind damage
	recordBytes   = 48 // before class, meta and body
	leastRecord   = 64 // what the smallest record takes
	markBytes     = 8
	trailerStart  = 2048 // in a sector of its own: neither records nor marks are ever written to it
	trailerBytes  = 32

	flagSpilled = 1 << 0 // in the life of its writer the record is in nobody's hands: Next gives it out
)

var (
	headerMagic  = [8]byte{'O', 'F', 'F', 'L', 'O', 'A', 'D', 'J'}
	trailerMagic = [8]byte{'O', 'F', 'F', 'L', 'D', 'E', 'N', 'D'}
	castagnoli   = crc32.MakeTable(crc32.Castagnoli)
	le           = binary.LittleEndian
)

// mix is the finalizer of SplitMix64: every bit of x moves every bit of the result.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// key binds records to their segment.
type key struct {
	salt  uint64
	magic uint32 // the first bytes of each record
	seed  uint32 // of each sum
}

func newKey(salt uint64) key {
	var b [8]byte
	le.PutUint64(b[:], salt)
	return key{salt: salt, magic: uint32(mix(salt)) | 1, seed: crc32.Checksum(b[:], castagnoli)}
}

// mark is what stands in a record's slot when it is done. It is never 0.
func (k key) mark(ordinal uint32) uint64 { return mix(k.salt+uint64(ordinal)*0x9e3779b97f4a7c15+1) | 1 }

// header is the front of a segment.
type header struct {
	salt    uint64
	size    int64 // of the segment
	created time.Time
	// instead lists what this segment stands for: a part of another segment each. If it has a trailer, those parts count no
	// more; else nothing in this one counts.
	instead []origin
}

// origin is a segment from an offset on.
type origin struct {
	salt uint64 // of the segment
	from int64
}

// maxOrigins is how many have room before the trailer.
const maxOrigins = (trailerStart - headerBytes) / originBytes

func (h header) encode() []byte {
	b := make([]byte, headerBytes, headerBytes+originBytes*len(h.instead))
	copy(b, headerMagic[:])
	le.PutUint32(b[8:], formatVersion)
	le.PutUint32(b[12:], uint32(len(h.instead)))
	le.PutUint64(b[16:], h.salt)
	le.PutUint64(b[24:], uint64(h.size))
	le.PutUint64(b[32:], uint64(h.created.UnixNano()))
	for _, o := range h.instead {
		b = le.AppendUint64(b, o.salt)
		b = le.AppendUint64(b, uint64(o.from))
	}
	le.PutUint32(b[56:], crc32.Checksum(b[headerBytes:], castagnoli))
	le.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
	return b
}

// parseHeader reads a header from the bytes before the trailer.
func parseHeader(b []byte) (h header, ok bool) {
	if len(b) < headerBytes || [8]byte(b) != headerMagic || le.Uint32(b[8:]) != formatVersion || le.Uint32(b[60:]) != crc32.Checksum(b[:60], castagnoli) {
		return h, false
	}
	h = header{salt: le.Uint64(b[16:]), size: int64(le.Uint64(b[24:])), created: time.Unix(0, int64(le.Uint64(b[32:])))}
	n := int64(le.Uint32(b[12:]))
	if h.size < areaStart || h.size > MaxSegmentBytes || headerBytes+originBytes*n > int64(len(b)) {
		return h, false
	}
	list := b[headerBytes:][:originBytes*n]
	if le.Uint32(b[56:]) != crc32.Checksum(list, castagnoli) {
		return h, false
	}
	for ; len(list) > 0; list = list[originBytes:] {
		h.instead = append(h.instead, origin{le.Uint64(list), int64(le.Uint64(list[8:]))})
	}
	return h, true
}

// trailer says how much a segment holds, so that nobody has to count.
type trailer struct {
	records uint32
	end     int64 // of the last record
}

func (t trailer) encode(k key) []byte {
	b := make([]byte, trailerBytes)
	copy(b, trailerMagic[:])
	le.PutUint32(b[8:], t.records)
	le.PutUint64(b[16:], uint64(t.end))
	le.PutUint32(b[28:], crc32.Update(k.seed, castagnoli, b[:28]))
	return b
}

func parseTrailer(b []byte, k key, size int64) (t trailer, ok bool) {
	if len(b) < trailerBytes || [8]byte(b) != trailerMagic || le.Uint32(b[28:]) != crc32.Update(k.seed, castagnoli, b[:28]) {
		return t, false
	}
	t = trailer{records: le.Uint32(b[8:]), end: int64(le.Uint64(b[16:]))}
	return t, t.end >= areaStart && t.end <= markOffset(size, t.records)+markBytes && t.records <= maxRecords(size)
}

// markOffset is where the mark of a record stands. The marks of later records are before it.
func markOffset(size int64, ordinal uint32) int64 {
	return size - markBytes*(int64(ordinal)+1)
}

// maxRecords bounds the number of records of a segment.
func maxRecords(size int64) uint32 {
	return uint32(max(0, (size-areaStart)/(leastRecord+markBytes)))
}

// capacity is the size of the largest record of an empty segment.
func capacity(size int64) int64 { return size - areaStart - markBytes }

// sizeOf is how much of the area a record takes.
func sizeOf(class, meta, body int) int64 {
	return (int64(recordBytes) + int64(class) + int64(meta) + int64(body) + unit - 1) / unit * unit
}

func (r *Record) size() int64 { return sizeOf(len(r.Class), len(r.Meta), len(r.Body)) }

// appendRecord encodes a record that will begin at the offset at of its segment.
func appendRecord(dst []byte, k key, r *Record, ordinal uint32, at int64, flags uint32) []byte {
	var head [recordBytes]byte
	le.PutUint32(head[0:], k.magic)
	le.PutUint32(head[8:], ordinal)
	le.PutUint32(head[12:], uint32(at/unit))
	le.PutUint32(head[16:], uint32(len(r.Body)))
	le.PutUint16(head[20:], uint16(len(r.Class)))
	le.PutUint16(head[22:], uint16(len(r.Meta)))
	le.PutUint32(head[24:], flags)
	le.PutUint64(head[32:], nanos(r.Time))
	le.PutUint64(head[40:], nanos(r.NotBefore))
	start := len(dst)
	dst = append(dst, head[:]...)
	dst = append(dst, r.Class...)
	dst = append(dst, r.Meta...)
	dst = append(dst, r.Body...)
	le.PutUint32(dst[start+4:], crc32.Update(k.seed, castagnoli, dst[start+8:]))
	return append(dst, zeros[:r.size()-int64(len(dst)-start)]...)
}

var zeros [unit]byte

// appendMoved encodes a record, given without padding, for another place and another key.
func appendMoved(dst []byte, k key, record []byte, ordinal uint32, at int64, flags uint32) []byte {
	start := len(dst)
	dst = append(dst, record...)
	le.PutUint32(dst[start:], k.magic)
	le.PutUint32(dst[start+8:], ordinal)
	le.PutUint32(dst[start+12:], uint32(at/unit))
	le.PutUint32(dst[start+24:], flags)
	le.PutUint32(dst[start+4:], crc32.Update(k.seed, castagnoli, dst[start+8:]))
	return append(dst, zeros[:-len(record)&(unit-1)]...)
}

// noTime stands for the zero time.Time.
const noTime = math.MinInt64

func nanos(t time.Time) uint64 {
	if t.IsZero() {
		return 1 << 63 // noTime
	}
	return uint64(t.UnixNano())
}

func timeOf(n uint64) time.Time {
	if int64(n) == noTime {
		return time.Time{}
	}
	return time.Unix(0, int64(n))
}

// view is a record in the bytes that it was read from.
type view struct {
	bytes   []byte // from its header to the end of its body
	ordinal uint32
}

// look judges the front of a record at the offset at, and returns how many bytes it has without padding. It is cheap: it
// does not look at the sum.
func look(b []byte, k key, at int64) (length int64, ok bool) {
	if len(b) < recordBytes || le.Uint32(b) != k.magic || le.Uint32(b[12:]) != uint32(at/unit) {
		return 0, false
	}
	if int64(le.Uint32(b[8:])) > (at-areaStart)/leastRecord { // more records than fit before it
		return 0, false
	}
	return recordBytes + int64(le.Uint32(b[16:])) + int64(le.Uint16(b[20:])) + int64(le.Uint16(b[22:])), true
}

// verify judges the sum of a record of which b has exactly the bytes without padding.
func verify(b []byte, k key) bool {
	return le.Uint32(b[4:]) == crc32.Update(k.seed, castagnoli, b[8:])
}

func (v view) flags() uint32   { return le.Uint32(v.bytes[24:]) }
func (v view) time() time.Time { return timeOf(le.Uint64(v.bytes[32:])) }

// record copies the record out of the view.
func (v view) record() Record {
	b := v.bytes
	class, meta := int(le.Uint16(b[20:])), int(le.Uint16(b[22:]))
	r := Record{Class: string(b[recordBytes : recordBytes+class]), Time: v.time(), NotBefore: timeOf(le.Uint64(b[40:]))}
	rest := append([]byte(nil), b[recordBytes+class:]...)
	if meta > 0 {
		r.Meta = rest[:meta:meta]
	}
	r.Body = rest[meta:]
	return r
}
