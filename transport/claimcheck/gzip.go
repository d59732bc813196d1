package claimcheck

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"sync"
)

// MaxRatio is how many times larger than its compressed form a payload may be. A Sender stores what would compress
// better as it is; a Resolver takes more for a bomb.
const MaxRatio = 100

var writers = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is right
	return w
}}

// deflate compresses data, if that pays: nil if a tenth is not saved, or if so much is that readers would refuse it.
func deflate(data []byte) []byte {
	most := len(data) - len(data)/10
	out := bounded{room: most}
	w := writers.Get().(*gzip.Writer)
	defer func() {
		w.Reset(io.Discard) // lets go of out
		writers.Put(w)
	}()
	w.Reset(&out)
	if _, err := w.Write(data); err != nil || w.Close() != nil || int64(len(data)) > MaxRatio*int64(out.Len()) {
		return nil
	}
	return out.Bytes()
}

// bounded is a buffer that refuses to grow beyond room.
type bounded struct {
	bytes.Buffer
	room int
}

var errFull = errors.New("does not pay")

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.room {
		return 0, errFull
	}
	return b.Buffer.Write(p)
}

// inflate undoes gzip: encoded must be one member and nothing more, and must hold exactly length bytes. It allocates length
// bytes and what a decompressor needs, and reads no further than that, whatever encoded would yield.
func inflate(encoded []byte, length int) ([]byte, error) {
	if length < 0 || int64(length) > MaxRatio*int64(len(encoded)) {
		return nil, fmt.Errorf("%d bytes in %d of gzip: more than %d times as much", length, len(encoded), MaxRatio)
	}
	source := bytes.NewReader(encoded)
	r, err := gzip.NewReader(source)
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	r.Multistream(false)
	data := make([]byte, length)
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, fmt.Errorf("gzip of %d bytes: %w", length, err)
	}
	// The checksum is compared at the end of the member.
	switch n, err := io.ReadFull(r, make([]byte, 1)); {
	case n > 0:
		return nil, fmt.Errorf("gzip: yields more than the %d bytes declared", length)
	case err != io.EOF: // not errors.Is: the end, and nothing else
		return nil, fmt.Errorf("gzip: %w", err)
	case source.Len() > 0:
		return nil, fmt.Errorf("gzip: %d bytes follow its end", source.Len())
	}
	return data, nil
}
