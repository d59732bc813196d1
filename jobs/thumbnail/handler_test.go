package thumbnail_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/color/palette"
	_ "image/jpeg"
	_ "image/png"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/jobs/thumbnail"
	"github.com/offloadhq/offload/task"
)

// memory is a store that keeps objects in a map.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte // guarded by mu
	puts    int               // guarded by mu
}

func (m *memory) Put(_ context.Context, key string, r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.objects == nil {
		m.objects = map[string][]byte{}
	}
	m.objects[key], m.puts = b, m.puts+1
	return nil
}

func (m *memory) keys() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var keys []string
	for k := range m.objects {
		keys = append(keys, k)
	}
	return keys
}

func newHandler(t testing.TB, opts *thumbnail.Options) (*thumbnail.Handler, *memory) {
	t.Helper()
	m := &memory{}
	h, err := thumbnail.New(m, opts)
	if err != nil {
		t.Fatal(err)
	}
	return h, m
}

func info(t testing.TB, id string) context.Context {
	return task.WithInfo(t.Context(), task.Info{ID: id, Attempt: 1})
}

// made runs one task and decodes what it stored.
func made(t *testing.T, data []byte, width int) (key string, img image.Image) {
	t.Helper()
	h, m := newHandler(t, nil)
	if err := h.Handle(info(t, "01T"), jobs.Picture{Width: width, Image: data}); err != nil {
		t.Fatal(err)
	}
	keys := m.keys()
	if len(keys) != 1 {
		t.Fatalf("stored %q, want one object", keys)
	}
	img, format, err := image.Decode(bytes.NewReader(m.objects[keys[0]]))
	if err != nil {
		t.Fatal(err)
	}
	if ext := map[string]string{"jpeg": ".jpg", "png": ".png"}[format]; filepath.Ext(keys[0]) != ext {
		t.Errorf("%s holds a %s", keys[0], format)
	}
	return keys[0], img
}

// near compares colours with room for what JPEG does to them.
func near(a, b color.Color, room int) bool {
	x, y := color.NRGBAModel.Convert(a).(color.NRGBA), color.NRGBAModel.Convert(b).(color.NRGBA)
	for _, d := range []int{int(x.R) - int(y.R), int(x.G) - int(y.G), int(x.B) - int(y.B), int(x.A) - int(y.A)} {
		if d > room || d < -room {
			return false
		}
	}
	return true
}

func TestFormats(t *testing.T) {
	r := image.Rect(0, 0, 300, 150)
	solid, glass := color.NRGBA{200, 100, 50, 255}, color.NRGBA{200, 100, 50, 128}
	gray := color.NRGBA{90, 90, 90, 255}
	hole := image.NewNRGBA(r)
	fill(hole, solid)
	hole.SetNRGBA(299, 149, color.NRGBA{})
	tests := []struct {
		name string
		data []byte
		ext  string
		want color.NRGBA
	}{
		{"JPEG", asJPEG(t, fill(image.NewRGBA(r), solid)), ".jpg", solid},
		{"JPEG gray", asJPEG(t, fill(image.NewGray(r), gray)), ".jpg", gray},
		{"PNG opaque", asPNG(t, fill(image.NewNRGBA(r), solid)), ".jpg", solid},
		{"PNG transparent", asPNG(t, fill(image.NewNRGBA(r), glass)), ".png", glass},
		{"PNG with one transparent pixel", asPNG(t, hole), ".png", solid},
		{"PNG gray", asPNG(t, fill(image.NewGray(r), gray)), ".jpg", gray},
		{"PNG 16 bit gray", asPNG(t, fill(image.NewGray16(r), gray)), ".jpg", gray},
		{"PNG 16 bit", asPNG(t, fill(image.NewNRGBA64(r), glass)), ".png", glass},
		{"PNG of a palette", asPNG(t, fill(image.NewPaletted(r, color.Palette{solid, gray}), solid)), ".jpg", solid},
		{"GIF", asGIF(t, fill(image.NewPaletted(r, color.Palette{solid, gray}), solid)), ".jpg", solid},
		{"GIF transparent", asGIF(t, fill(image.NewPaletted(r, color.Palette{color.NRGBA{}, gray}), color.NRGBA{})), ".png", color.NRGBA{}},
		{"WebP", webpOf(300, 150, solid), ".jpg", solid},
		{"WebP transparent", webpOf(300, 150, glass), ".png", glass},
		{"WebP with a canvas", riff(webpCanvas(300, 150), webpOf(300, 150, solid)[12:]), ".jpg", solid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key, img := made(t, tt.data, 100)
			if key != "thumbnails/01T"+tt.ext {
				t.Errorf("key %q, want one with %s", key, tt.ext)
			}
			if img.Bounds() != image.Rect(0, 0, 100, 50) {
				t.Errorf("size %v, want 100 × 50", img.Bounds().Size())
			}
			if got := img.At(50, 25); !near(got, tt.want, 4) {
				t.Errorf("colour %v, want %v", got, tt.want)
			}
		})
	}
}

func TestSize(t *testing.T) {
	tests := []struct {
		w, h, width int
		want        image.Point
	}{
		{300, 150, 100, image.Pt(100, 50)},
		{300, 151, 100, image.Pt(100, 50)},
		{300, 152, 100, image.Pt(100, 51)},
		{300, 150, 300, image.Pt(300, 150)},
		{300, 150, 301, image.Pt(300, 150)}, // never enlarged
		{3, 2, 2048, image.Pt(3, 2)},
		{65535, 1, 10, image.Pt(10, 1)},
		{1, 65535, 10, image.Pt(1, 65535)},
		{65535, 65535, 2048, image.Pt(2048, 2048)},
		{7, 7, 1, image.Pt(1, 1)},
	}
	for _, tt := range tests {
		for orientation := 1; orientation <= 8; orientation++ {
			w, h := tt.w, tt.h
			if orientation >= 5 {
				w, h = h, w // as stored
			}
			if got := thumbnail.Size(w, h, tt.width, orientation); got != tt.want {
				t.Errorf("%d × %d, orientation %d, to width %d: %v, want %v", w, h, orientation, tt.width, got, tt.want)
			}
		}
	}
}

func TestDuplicatesChangeNothing(t *testing.T) {
	h, m := newHandler(t, nil)
	picture := jobs.Picture{Width: 64, Image: asJPEG(t, fill(image.NewRGBA(image.Rect(0, 0, 200, 100)), color.White))}
	var wg sync.WaitGroup
	var want []byte
	for range 2 {
		for range 4 {
			wg.Go(func() {
				if err := h.Handle(info(t, "01T"), picture); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if keys := m.keys(); !slices.Equal(keys, []string{"thumbnails/01T.jpg"}) {
			t.Fatalf("stored %q, want one object", keys)
		}
		got := m.objects["thumbnails/01T.jpg"]
		if want != nil && !bytes.Equal(got, want) {
			t.Error("a duplicate wrote other bytes")
		}
		want = got
	}
	if m.puts != 8 {
		t.Errorf("%d puts, want 8", m.puts)
	}
}

func TestUnreadable(t *testing.T) {
	r := image.Rect(0, 0, 64, 64)
	noise := image.NewNRGBA(r)
	for i := range noise.Pix {
		noise.Pix[i] = byte(i * i >> 3)
	}
	files := map[string][]byte{
		"JPEG": asJPEG(t, noise), "PNG": asPNG(t, noise), "WebP": webpOf(64, 64, color.NRGBA{1, 2, 3, 4}),
		"GIF": asGIF(t, fill(image.NewPaletted(r, palette.WebSafe), color.White)),
	}
	tests := map[string][]byte{
		"text": []byte("hello"), "one byte": {0}, "SVG": []byte("<svg/>"), "BMP": []byte("BM123456789012345678901234567890"),
		"TIFF":               []byte("II*\x00\x08\x00\x00\x00"),
		"PNG of no width":    pngOf(0, 10, 8, 2, 0),
		"WebP without frame": riff(), "WebP with a short canvas": riff(webpChunk("VP8X", []byte{0})),
		"WebP with animation":          riff(webpCanvas(64, 64), webpChunk("ANIM", make([]byte, 6))),
		"WebP of a broken lossy frame": riff(webpChunk("VP8 ", make([]byte, 10))),
		"WebP of an empty frame":       riff(webpChunk("VP8L", nil)),
		"WebP of two sizes":            riff(webpCanvas(10, 10), files["WebP"][12:]),
	}
	for format, data := range files {
		for _, part := range []int{1, 2, 5, 9, 19} {
			tests[fmt.Sprintf("%s cut to %d/20", format, part)] = data[:len(data)*part/20]
		}
		tests[format+" head only"] = data[:min(30, len(data)-8)]
	}
	h, m := newHandler(t, nil)
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			err := h.Handle(info(t, "01T"), jobs.Picture{Width: 10, Image: data})
			if !errors.Is(err, thumbnail.ErrUnreadable) || !task.IsPermanent(err) || !strings.Contains(err.Error(), `thumbnail "01T"`) {
				t.Errorf("error %v, want a permanent ErrUnreadable", err)
			}
		})
	}
	if keys := m.keys(); len(keys) != 0 {
		t.Errorf("stored %q, want nothing", keys)
	}
}

func TestCancelled(t *testing.T) {
	h, m := newHandler(t, nil)
	picture := jobs.Picture{Width: 10, Image: asPNG(t, fill(image.NewRGBA(image.Rect(0, 0, 20, 20)), color.White))}
	ctx, cancel := context.WithCancel(info(t, "01T"))
	cancel()
	if err := h.Handle(ctx, picture); !errors.Is(err, context.Canceled) || task.IsPermanent(err) {
		t.Errorf("error %v, want a cancellation to be retried", err)
	}
	if keys := m.keys(); len(keys) != 0 {
		t.Errorf("stored %q, want nothing", keys)
	}
	if _, err := thumbnail.Decode(ctx, picture.Image); !errors.Is(err, context.Canceled) || errors.Is(err, thumbnail.ErrUnreadable) {
		t.Errorf("decode: error %v, want a cancellation and no blame on the image", err)
	}
	if _, err := thumbnail.Scale(ctx, image.NewGray(image.Rect(0, 0, 100, 100)), image.Pt(10, 10)); !errors.Is(err, context.Canceled) {
		t.Errorf("scale: error %v, want a cancellation", err)
	}
}

// What a decoder may do to a hostile file: panic, or give another image than the file declared.
func TestDecodersAreNotTrusted(t *testing.T) {
	decoders := map[string]func(io.Reader) (image.Image, error){
		"panics":         func(io.Reader) (image.Image, error) { panic("index out of range") },
		"gives too much": func(io.Reader) (image.Image, error) { return image.NewGray(image.Rect(0, 0, 3, 2)), nil },
		"gives nothing":  func(io.Reader) (image.Image, error) { return image.NewGray(image.Rectangle{}), nil },
	}
	for name, decoder := range decoders {
		if _, err := thumbnail.DecodeWith(t.Context(), decoder); !errors.Is(err, thumbnail.ErrUnreadable) {
			t.Errorf("%s: error %v, want ErrUnreadable", name, err)
		}
	}
}

// Images share the memory: together they are admitted one after the other, and one that waits can be cancelled.
func TestImagesShareTheMemory(t *testing.T) {
	data := asPNG(t, fill(image.NewRGBA(image.Rect(0, 0, 400, 400)), color.White))
	picture := jobs.Picture{Width: 50, Image: data}
	need := thumbnail.NeedOf(data, 50)
	h, m := newHandler(t, &thumbnail.Options{MaxMemory: need})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if err := h.Handle(info(t, fmt.Sprintf("01T%d", i)), picture); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(m.keys()); n != 8 {
		t.Errorf("%d objects, want 8", n)
	}

	release := thumbnail.Hold(h, 1)
	ctx, cancel := context.WithTimeout(info(t, "01T"), 10*time.Millisecond)
	defer cancel()
	if err := h.Handle(ctx, picture); !errors.Is(err, context.DeadlineExceeded) || task.IsPermanent(err) {
		t.Errorf("error %v, want a deadline to be retried", err)
	}
	release()
	if err := h.Handle(info(t, "01T"), picture); err != nil {
		t.Errorf("error %v after the memory is free again", err)
	}
}

type failingStore struct{ err error }

func (s failingStore) Put(context.Context, string, io.Reader) error { return s.err }

func TestErrors(t *testing.T) {
	full := errors.New("disk is full")
	h, err := thumbnail.New(failingStore{full}, nil)
	if err != nil {
		t.Fatal(err)
	}
	picture := jobs.Picture{Width: 10, Image: asPNG(t, fill(image.NewRGBA(image.Rect(0, 0, 20, 20)), color.White))}
	if err := h.Handle(info(t, "01T"), picture); !errors.Is(err, full) || task.IsPermanent(err) {
		t.Errorf("error %v, want the store's, to be retried", err)
	}
	if err := h.Handle(info(t, "01T"), jobs.Picture{Image: picture.Image}); !task.IsPermanent(err) || !errors.Is(err, task.ErrInvalid) {
		t.Errorf("error %v, want a permanent task.ErrInvalid", err)
	}
	if err := h.Handle(t.Context(), picture); !task.IsPermanent(err) {
		t.Errorf("error %v, want a permanent one: no task in the context", err)
	}
}

func TestNewRefusesBadOptions(t *testing.T) {
	_, err := thumbnail.New(nil, &thumbnail.Options{MaxPixels: -1, MaxMemory: -2})
	for _, want := range []string{"MaxPixels is -1", "MaxMemory is -2"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
}

// Whatever the bytes are, the handler makes a thumbnail or says that it never will.
func FuzzHandle(f *testing.F) {
	r := image.Rect(0, 0, 9, 7)
	jpg := asJPEG(f, fill(image.NewRGBA(r), color.White))
	f.Add(jpg)
	f.Add(withExif(jpg, 6, binaryBig))
	f.Add(resized(jpg, 9, 7, true))
	f.Add(asPNG(f, fill(image.NewNRGBA64(r), color.Transparent)))
	f.Add(asGIF(f, fill(image.NewPaletted(r, palette.WebSafe), color.White)))
	f.Add(webpOf(9, 7, color.NRGBA{1, 2, 3, 4}))
	f.Add(riff(webpCanvas(9, 7), webpOf(9, 7, color.NRGBA{})[12:]))
	f.Add(pngOf(50_000, 50_000, 8, 2, 0))
	h, err := thumbnail.New(&memory{}, &thumbnail.Options{MaxPixels: 100_000})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		picture := jobs.Picture{Width: 5, Image: data}
		if picture.Validate() != nil {
			return
		}
		if err := h.Handle(info(t, "01T"), picture); err != nil && !task.IsPermanent(err) {
			t.Errorf("error %v is not permanent", err)
		}
	})
}

func Example() {
	h, err := thumbnail.New(&memory{}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	// In a program: worker.Handle(mux, jobs.Thumbnail, h.Handle). The worker gives the context its task.
	ctx := task.WithInfo(context.Background(), task.Info{ID: "01K0"})
	err = h.Handle(ctx, jobs.Picture{Width: 100, Image: []byte("no image")})
	fmt.Println(task.IsPermanent(err))
	fmt.Println(err)
	// Output:
	// true
	// thumbnail "01K0": image is unreadable: it is not a JPEG, PNG, GIF or WebP: it starts with "no image"
}
