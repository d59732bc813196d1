package thumbnail_test

import (
	"encoding/binary"
	"image"
	"image/color"
	"testing"

	"golang.org/x/image/draw"

	"github.com/offloadhq/offload/jobs/thumbnail"
)

// Scaling in bands gives what scaling at once gives, but for the rounding of the half-way image.
func TestScaleInBands(t *testing.T) {
	tests := []struct {
		from image.Rectangle
		to   image.Point
	}{
		{image.Rect(0, 0, 800, 200), image.Pt(600, 150)},  // several bands of rows
		{image.Rect(3, 5, 103, 3005), image.Pt(50, 1500)}, // several bands of columns, and an offset
		{image.Rect(0, 0, 50, 40), image.Pt(7, 6)},
		{image.Rect(0, 0, 50, 40), image.Pt(50, 40)},
	}
	for _, tt := range tests {
		src := image.NewNRGBA(tt.from)
		for y := tt.from.Min.Y; y < tt.from.Max.Y; y++ {
			for x := tt.from.Min.X; x < tt.from.Max.X; x++ {
				edge := uint8(0)
				if (x/37+y/29)%2 == 0 {
					edge = 120
				}
				src.SetNRGBA(x, y, color.NRGBA{uint8(x / 11), uint8(y / 7), edge + 60, 255 - edge})
			}
		}
		want := image.NewRGBA(image.Rectangle{Max: tt.to})
		draw.CatmullRom.Scale(want, want.Rect, src, src.Rect, draw.Src, nil)
		got, err := thumbnail.Scale(t.Context(), src, tt.to)
		if err != nil {
			t.Fatal(err)
		}
		if got.Rect != want.Rect {
			t.Fatalf("%v: size %v, want %v", tt.from, got.Rect, want.Rect)
		}
		for i := range want.Pix {
			if d := int(got.Pix[i]) - int(want.Pix[i]); d < -6 || d > 6 {
				t.Fatalf("%v to %v: byte %d is %d, want %d", tt.from, tt.to, i, got.Pix[i], want.Pix[i])
			}
		}
	}
}

// Exif 2.32, 4.6.4 A, says for each orientation where the 0th row and the 0th column of the stored image are seen.
func TestOrientation(t *testing.T) {
	const w, h = 64, 32 // upright
	corners := map[string]color.NRGBA{
		"top left": {255, 0, 0, 255}, "top right": {0, 255, 0, 255}, "bottom left": {0, 0, 255, 255}, "bottom right": {255, 255, 255, 255},
	}
	opposite := map[string]string{"top": "bottom", "bottom": "top", "left": "right", "right": "left"}
	corner := func(a, b string) color.NRGBA {
		if c, ok := corners[a+" "+b]; ok {
			return c
		}
		return corners[b+" "+a]
	}
	for i, sides := range [...][2]string{
		{"top", "left"},
		{"top", "right"},
		{"bottom", "right"},
		{"bottom", "left"},
		{"left", "top"},
		{"right", "top"},
		{"right", "bottom"},
		{"left", "bottom"},
	} {
		orientation, row, column := uint16(i+1), sides[0], sides[1]
		sw, sh := w, h
		if orientation >= 5 {
			sw, sh = h, w
		}
		stored := image.NewRGBA(image.Rect(0, 0, sw, sh))
		for y := range sh {
			for x := range sw {
				r, c := row, column
				if y >= sh/2 {
					r = opposite[row]
				}
				if x >= sw/2 {
					c = opposite[column]
				}
				stored.Set(x, y, corner(r, c))
			}
		}
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			_, img := made(t, withExif(asJPEG(t, stored), orientation, order), w/2)
			if img.Bounds().Size() != image.Pt(w/2, h/2) {
				t.Errorf("orientation %d: size %v", orientation, img.Bounds().Size())
				continue
			}
			for name, at := range map[string]image.Point{
				"top left": {4, 4}, "top right": {w/2 - 5, 4}, "bottom left": {4, h/2 - 5}, "bottom right": {w/2 - 5, h/2 - 5},
			} {
				if got := img.At(at.X, at.Y); !near(got, corners[name], 60) {
					t.Errorf("orientation %d: %s is %v, want %v", orientation, name, got, corners[name])
				}
			}
		}
	}
}

func TestBadOrientations(t *testing.T) {
	jpg := asJPEG(t, fill(image.NewRGBA(image.Rect(0, 0, 8, 4)), color.White))
	good := withExif(jpg, 6, binary.LittleEndian)
	change := func(offset int, b ...byte) []byte {
		data := append([]byte(nil), good...)
		copy(data[offset:], b)
		return data
	}
	const tiff = 4 + 2 + 6 // SOI and marker, length, Exif
	tests := map[string]struct {
		data []byte
		want int
	}{
		"good":               {good, 6},
		"none":               {jpg, 1},
		"orientation 0":      {withExif(jpg, 0, binary.LittleEndian), 1},
		"orientation 9":      {withExif(jpg, 9, binary.BigEndian), 1},
		"no byte order":      {change(tiff, 'X'), 1},
		"directory far away": {change(tiff+4, 0xff, 0xff, 0xff, 0xff), 1},
		"directory cut off":  {change(tiff+8, 0xff, 0xff), 6},
		"another type":       {change(tiff+10+12+2, 4), 1},
		"another count":      {change(tiff+10+12+4, 2), 1},
		"no such tag":        {change(tiff+10+12, 0x13), 1},
	}
	for name, tt := range tests {
		if _, _, _, got, _, err := thumbnail.Declared(tt.data); err != nil || got != tt.want {
			t.Errorf("%s: orientation %d, %v; want %d", name, got, err, tt.want)
		}
	}
}

// A file that hides its progressive frame from a careless reader is charged as progressive.
func TestHiddenProgressiveFrame(t *testing.T) {
	jpg := asJPEG(t, fill(image.NewRGBA(image.Rect(0, 0, 100, 100)), color.White))
	memory := func(data []byte) int64 {
		_, _, _, _, n, err := thumbnail.Declared(data)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	baseline, progressive := memory(jpg), memory(resized(jpg, 100, 100, true))
	if baseline >= progressive {
		t.Fatalf("baseline takes %d bytes, progressive %d", baseline, progressive)
	}
	// The restart marker has no length. A reader that takes the marker after it, ff e0, for one skips 65,504 bytes and
	// lands inside the application segment, on a baseline frame that is not there.
	const landing = 4 + 0xffe0
	trick := append([]byte{0xff, 0xd8, 0xff, 0xd0, 0xff, 0xe0, 0xff, 0xff}, make([]byte, 0xffff-2)...)
	copy(trick[landing:], []byte{0xff, 0xc0, 0, 11, 8, 0, 100, 0, 100, 1, 1, 0x11, 0})
	trick = append(trick, resized(jpg, 100, 100, true)[2:]...)
	if got := memory(trick); got != progressive {
		t.Errorf("%d bytes reckoned, want %d", got, progressive)
	}
}
