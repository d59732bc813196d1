// Package thumbnail is the handler of jobs.Thumbnail: it makes a small copy of an image.
//
// The object is thumbnails/<task id>.jpg, or .png if the thumbnail is transparent anywhere. The image is decoded (JPEG,
// PNG, the first frame of GIF, WebP without animation), turned upright as the Exif orientation of a JPEG says, scaled
// with a Catmull-Rom filter to the width asked for, never enlarged, and encoded. Metadata, a place or a name among it,
// is left behind. The same image and width give the same bytes, so a duplicate changes nothing.
//
// Images come from strangers. What an image declares is read first: too many pixels, or more memory than the handler
// may use, is a permanent error before anything is decoded. So is an image that does not decode, since it will not the
// next time. Images that run at the same time share the memory: one waits until there is room for it.
package thumbnail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/sync/semaphore"

	"github.com/offloadhq/offload/jobs"
	"github.com/offloadhq/offload/task"
)

const (
	// DefaultMaxPixels is 40 million, a photograph of 7300 × 5480.
	DefaultMaxPixels = 40_000_000
	// DefaultMaxMemory is enough for a baseline JPEG of 40 million pixels.
	DefaultMaxMemory = 320 << 20

	// maxSide is the limit of JPEG, here for all formats: the filter's tables grow with the longer side.
	maxSide = 65535
	quality = 85
)

// What an error of Handle may match besides task.ErrInvalid. Both are permanent.
var (
	// ErrTooBig says that an image declares more pixels, or needs more memory, than is allowed.
	ErrTooBig = errors.New("image is too big")
	// ErrUnreadable says that bytes are no image of a known format, or a broken one.
	ErrUnreadable = errors.New("image is unreadable")
)

// Options of [New]. Nil means the defaults.
type Options struct {
	// MaxPixels is the largest image, width times height. Default [DefaultMaxPixels].
	MaxPixels int
	// MaxMemory bounds, in bytes, what all images that run at the same time take together at the worst: decoded and
	// half-way scaled, without the files themselves and without what waits for the garbage collector (set GOMEMLIMIT
	// for that). An image that needs more is refused. Default [DefaultMaxMemory].
	MaxMemory int64
}

// Handler makes thumbnails. Make one with [New]. It is safe for concurrent use if its store is.
type Handler struct {
	store     jobs.Store
	maxPixels int64
	maxMemory int64
	memory    *semaphore.Weighted
}

// New returns a handler that writes into store. All that is wrong with the options is in the error.
func New(store jobs.Store, opts *Options) (*Handler, error) {
	if opts == nil {
		opts = &Options{}
	}
	h := &Handler{store: store, maxPixels: int64(opts.MaxPixels), maxMemory: opts.MaxMemory}
	var problems []error
	if h.maxPixels < 0 {
		problems = append(problems, fmt.Errorf("MaxPixels is %d: it must not be negative", h.maxPixels))
	}
	if h.maxMemory < 0 {
		problems = append(problems, fmt.Errorf("MaxMemory is %d: it must not be negative", h.maxMemory))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("thumbnail handler: %w", err)
	}
	if h.maxPixels == 0 {
		h.maxPixels = DefaultMaxPixels
	}
	if h.maxMemory == 0 {
		h.maxMemory = DefaultMaxMemory
	}
	h.memory = semaphore.NewWeighted(h.maxMemory)
	return h, nil
}

// Handle makes the thumbnail and returns when the store has it. It stops soon after ctx ends, with the error of ctx.
// Bad arguments and bad images are permanent; errors of the store are as the store marks them.
func (h *Handler) Handle(ctx context.Context, args jobs.Picture) error {
	info, err := jobs.Begin(ctx, args)
	if err != nil {
		return err
	}
	object, ext, err := h.thumbnail(ctx, args)
	if err != nil {
		err = fmt.Errorf("thumbnail %q: %w", info.ID, err)
		if errors.Is(err, ErrTooBig) || errors.Is(err, ErrUnreadable) {
			return task.Permanent(err)
		}
		return err
	}
	if err := h.store.Put(ctx, jobs.ThumbnailPrefix+info.ID+ext, object); err != nil {
		return fmt.Errorf("thumbnail %q: %w", info.ID, err)
	}
	return nil
}

// thumbnail returns the encoded thumbnail and the extension for it.
func (h *Handler) thumbnail(ctx context.Context, args jobs.Picture) (io.Reader, string, error) {
	d, err := declared(args.Image)
	if err != nil {
		return nil, "", err
	}
	need := d.memory + scaleMemory(d.width, d.height, thumbnailSize(d.width, d.height, args.Width, d.orientation))
	if err := h.admit(d, need); err != nil {
		return nil, "", err
	}
	if err := h.memory.Acquire(ctx, need); err != nil {
		return nil, "", err
	}
	defer h.memory.Release(need)

	img, err := decode(ctx, d, args.Image)
	if err != nil {
		return nil, "", err
	}
	b := img.Bounds() // the first frame of a GIF may be smaller than its screen
	small, err := scale(ctx, img, thumbnailSize(b.Dx(), b.Dy(), args.Width, d.orientation))
	if err != nil {
		return nil, "", err
	}
	return encode(upright(small, d.orientation))
}

// admit refuses what is too big by its own declaration.
func (h *Handler) admit(d declaration, need int64) error {
	switch pixels := int64(d.width) * int64(d.height); {
	case d.width > maxSide || d.height > maxSide:
		return fmt.Errorf("%s of %d × %d pixels: %w: a side may have %d", d.format, d.width, d.height, ErrTooBig, maxSide)
	case pixels > h.maxPixels:
		return fmt.Errorf("%s of %d × %d pixels: %w: at most %d are allowed", d.format, d.width, d.height, ErrTooBig, h.maxPixels)
	case need > h.maxMemory:
		return fmt.Errorf("%s of %d × %d pixels: %w: it may take %d bytes of memory, and %d are allowed",
			d.format, d.width, d.height, ErrTooBig, need, h.maxMemory)
	}
	return nil
}

// decode reads the image. A decoder that panics has met a broken image.
func decode(ctx context.Context, d declaration, data []byte) (img image.Image, err error) {
	defer func() {
		if r := recover(); r != nil {
			img, err = nil, fmt.Errorf("%s: %w: the decoder panicked: %v", d.format, ErrUnreadable, r)
		}
	}()
	r := bytes.NewReader(data)
	img, err = d.decode(readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return r.Read(p)
	}))
	if err := ctx.Err(); err != nil {
		return nil, err // whatever the decoder made of it
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", d.format, ErrUnreadable, err)
	}
	if b := img.Bounds(); b.Empty() || !d.holds(b) {
		return nil, fmt.Errorf("%s: %w: it declares %d × %d pixels and has %d × %d", d.format, ErrUnreadable, d.width, d.height, b.Dx(), b.Dy())
	}
	return img, nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func encode(img *image.RGBA) (object io.Reader, ext string, err error) {
	var b bytes.Buffer
	if img.Opaque() {
		err, ext = jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}), ".jpg"
	} else {
		err, ext = png.Encode(&b, img), ".png"
	}
	return &b, ext, err
}
