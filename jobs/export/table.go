package export

import (
	"hash/fnv"
	"io"
	"strconv"
	"time"
)

const header = "row,order,customer,placed_at,status,quantity,cents\n"

// epoch is when the first order of every table was placed. A fixed time, so that the same task gives the same bytes.
var epoch = time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC)

var statuses = [...]string{"new", "paid", "packed", "shipped", "delivered", "returned"}

// table yields the CSV text piece by piece. It makes rows as they are read and holds a few kilobytes of them.
type table struct {
	seed uint64
	rows int
	next int    // the row to be made next
	buf  []byte // made
	off  int    // and read up to here
}

func newTable(id string, rows int) *table {
	h := fnv.New64a()
	_, _ = io.WriteString(h, id)
	return &table{seed: h.Sum64(), rows: rows, buf: append(make([]byte, 0, 16<<10), header...)}
}

// Read fills p as far as the rows reach.
func (t *table) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if t.off == len(t.buf) && !t.fill() {
			break
		}
		c := copy(p[n:], t.buf[t.off:])
		n, t.off = n+c, t.off+c
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// fill makes the next rows, and is false at the end.
func (t *table) fill() bool {
	t.buf, t.off = t.buf[:0], 0
	for t.next < t.rows && len(t.buf) < cap(t.buf)-128 { // no row is longer than 128 bytes
		t.buf = appendRow(t.buf, t.seed, t.next)
		t.next++
	}
	return len(t.buf) > 0
}

// appendRow writes row n, which depends on seed and n alone. No field holds a comma, a quote or a newline.
func appendRow(b []byte, seed uint64, n int) []byte {
	x, y := mix(seed+uint64(n)*2), mix(seed+uint64(n)*2+1)
	quantity := 1 + x%9
	b = strconv.AppendInt(b, int64(n)+1, 10)
	b = append(b, ",ord-"...)
	b = appendHex(b, y)
	b = append(b, ",cust-"...)
	b = strconv.AppendUint(b, 1+x>>8%250_000, 10)
	b = append(b, ',')
	b = epoch.Add(time.Duration(n)*time.Second).AppendFormat(b, "2006-01-02T15:04:05Z")
	b = append(b, ',')
	b = append(b, statuses[x>>32%uint64(len(statuses))]...)
	b = append(b, ',')
	b = strconv.AppendUint(b, quantity, 10)
	b = append(b, ',')
	b = strconv.AppendUint(b, quantity*(100+x>>40%20_000), 10)
	return append(b, '\n')
}

func appendHex(b []byte, x uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, digits[x>>shift&15])
	}
	return b
}

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood 2014): neighbours in, noise out.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
