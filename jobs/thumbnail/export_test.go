package thumbnail

import (
	"context"
	"image"
	"io"
	"math"
)

// Size is the size of the upright thumbnail.
func Size(w, h, width, orientation int) image.Point {
	size := thumbnailSize(w, h, width, orientation)
	if turned(orientation) {
		size.X, size.Y = size.Y, size.X
	}
	return size
}

// Scale resizes.
func Scale(ctx context.Context, img image.Image, to image.Point) (*image.RGBA, error) {
	return scale(ctx, img, to)
}

// Declared returns what a file declares, and the memory that is reckoned for it.
func Declared(data []byte) (format string, w, h, orientation int, memory int64, err error) {
	d, err := declared(data)
	return d.format, d.width, d.height, d.orientation, d.memory, err
}

// NeedOf is what Handle reckons for a file and a width; the largest number if the file is refused.
func NeedOf(data []byte, width int) int64 {
	d, err := declared(data)
	if err != nil {
		return math.MaxInt64
	}
	return d.memory + scaleMemory(d.width, d.height, thumbnailSize(d.width, d.height, width, d.orientation))
}

// Hold takes n bytes of the memory until the function that it returns is called.
func Hold(h *Handler, n int64) func() {
	if !h.memory.TryAcquire(n) {
		panic("no memory is free")
	}
	return func() { h.memory.Release(n) }
}

// Decode decodes a file.
func Decode(ctx context.Context, data []byte) (image.Image, error) {
	d, err := declared(data)
	if err != nil {
		return nil, err
	}
	return decode(ctx, d, data)
}

// DecodeWith decodes with a decoder of the test.
func DecodeWith(ctx context.Context, decoder func(io.Reader) (image.Image, error)) (image.Image, error) {
	return decode(ctx, declaration{format: "test", width: 2, height: 2, decode: decoder}, nil)
}
