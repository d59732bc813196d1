package thumbnail_test

import (
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"runtime"
	"strings"
	"testing"

	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/jobs/thumbnail"
	"github.com/offloadhq/offload/task"
)

var binaryBig = binary.BigEndian

// allocated is what f allocates, in bytes. It is more than f ever holds.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// Tiny files that declare huge images are refused before anything is decoded.
func TestBombs(t *testing.T) {
	small := asJPEG(t, fill(image.NewRGBA(image.Rect(0, 0, 16, 16)), color.White))
	gif := asGIF(t, fill(image.NewPaletted(image.Rect(0, 0, 2, 2), color.Palette{color.White, color.Black}), color.White))
	binary.LittleEndian.PutUint16(gif[6:], 65535)
	binary.LittleEndian.PutUint16(gif[8:], 65535)
	white := color.NRGBA{255, 255, 255, 255}
	tests := []struct {
		name string
		data []byte
		says string
	}{
		{"PNG of 50,000 × 50,000", pngOf(50_000, 50_000, 8, 2, 0), "50000 × 50000 pixels"},
		{"PNG of one bit a pixel", pngOf(50_000, 50_000, 1, 0, 0), "50000 × 50000 pixels"},
		{"PNG of the longest sides", pngOf(1<<31-1, 1<<31-1, 8, 6, 0), "PNG"},
		{"PNG of one long side", pngOf(1<<24, 1, 8, 2, 0), "a side may have 65535"},
		{"PNG of one pixel too many", pngOf(40_000, 1001, 8, 0, 0), "at most 40000000 are allowed"},
		{"PNG of 16 bits, interlaced", pngOf(7000, 5700, 16, 6, 1), "bytes of memory"},
		{"JPEG of 65,500 × 65,500", resized(small, 65500, 65500, false), "65500 × 65500 pixels"},
		{"progressive JPEG of 30 million pixels", resized(small, 6000, 5000, true), "bytes of memory"},
		{"GIF of 65,535 × 65,535", gif, "65535 × 65535 pixels"},
		{"WebP of 16,384 × 16,384", webpOf(16384, 16384, white), "16384 × 16384 pixels"},
		{"WebP with a small canvas", riff(webpCanvas(8, 8), webpOf(16384, 16384, white)[12:]), "8 × 8 pixels and the frame 16384 × 16384"},
		{"WebP with a huge canvas", riff(webpCanvas(1<<24, 1<<24), webpOf(8, 8, white)[12:]), "the frame 8 × 8"},
	}
	h, m := newHandler(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var err error
			ctx := info(t, "01T")
			bytes := allocated(func() { err = h.Handle(ctx, jobs.Picture{Width: 100, Image: tt.data}) })
			if !task.IsPermanent(err) || !errors.Is(err, thumbnail.ErrTooBig) && !errors.Is(err, thumbnail.ErrUnreadable) {
				t.Errorf("error %v, want a permanent ErrTooBig or ErrUnreadable", err)
			}
			if err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %q does not say %q", err, tt.says)
			}
			if bytes > 1<<20 {
				t.Errorf("%d bytes allocated", bytes)
			}
		})
	}
	if keys := m.keys(); len(keys) != 0 {
		t.Errorf("stored %q", keys)
	}
}

// What is reckoned for an image is what it may take: the sum of all allocations, which is more than the peak, stays below
// the reckoning and what encoding takes.
func TestMemoryIsReckonedRight(t *testing.T) {
	w, h, length := 1200, 900, 20_000
	encoding := int64(2 << 20)
	if raceEnabled { // draw keeps its bands in a sync.Pool, so only gross mistakes show
		w, h, length = 300, 225, 2000
		encoding = 8 << 20
	}
	wide, tall := image.Rect(0, 0, w, h), image.Rect(0, 0, 60, length)
	opaque, glass := color.NRGBA{200, 100, 50, 255}, color.NRGBA{200, 100, 50, 128}
	jpg := asJPEG(t, fill(image.NewRGBA(wide), opaque))
	tests := map[string][]byte{
		"JPEG":             jpg,
		"JPEG gray":        asJPEG(t, fill(image.NewGray(wide), opaque)),
		"JPEG tall":        asJPEG(t, fill(image.NewGray(tall), opaque)),
		"JPEG progressive": resized(jpg, uint16(w), uint16(h), true),
		"PNG":              asPNG(t, fill(image.NewNRGBA(wide), opaque)),
		"PNG tall":         asPNG(t, fill(image.NewNRGBA(tall), glass)),
		"PNG gray":         asPNG(t, fill(image.NewGray(wide), opaque)),
		"PNG 16 bit":       asPNG(t, fill(image.NewNRGBA64(wide), glass)),
		"GIF":              asGIF(t, fill(image.NewPaletted(wide, color.Palette{opaque, glass}), opaque)),
		"WebP":             webpOf(w, h, opaque),
		"WebP transparent": webpOf(w, h, glass),
	}
	for name, data := range tests {
		for _, width := range []int{50, 500} {
			h, _ := newHandler(t, nil)
			ctx := info(t, "01T")
			var err error
			bytes := allocated(func() { err = h.Handle(ctx, jobs.Picture{Width: width, Image: data}) })
			if err != nil && name != "JPEG progressive" { // which is broken after its coefficients
				t.Errorf("%s to width %d: %v", name, width, err)
			}
			if need := thumbnail.NeedOf(data, width); bytes > need+encoding {
				t.Errorf("%s to width %d: %d bytes allocated, %d reckoned", name, width, bytes, need)
			}
		}
	}
}

// The first frame of a GIF may be smaller than the screen and of another shape.
func TestGIFFrameSmallerThanItsScreen(t *testing.T) {
	data := asGIF(t, fill(image.NewPaletted(image.Rect(0, 0, 20, 400), color.Palette{color.White, color.Black}), color.White))
	binary.LittleEndian.PutUint16(data[6:], 4000)
	binary.LittleEndian.PutUint16(data[8:], 400)
	if _, img := made(t, data, 10); img.Bounds().Size() != image.Pt(10, 200) {
		t.Errorf("size %v, want 10 × 200: that of the frame", img.Bounds().Size())
	}
}
