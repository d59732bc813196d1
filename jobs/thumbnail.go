package jobs

import (
	"errors"
	"fmt"
	"time"

	"github.com/offloadhq/offload/task"
)

const (
	// MaxWidth is the widest thumbnail, in pixels.
	MaxWidth = 2048
	// MaxImage is the largest image file that a [Picture] may hold, in bytes. Transports may take less: a message of
	// Amazon SQS is 1 MiB, which leaves about 780,000 bytes for the image after base64. Fire refuses a larger one, unless a
	// claim check stands before the transport (package claimcheck).
	MaxImage = 16 << 20
)

// Thumbnail makes a small copy of an image: JPEG, PNG, GIF (its first frame) or WebP. The result is
// [ThumbnailPrefix] + task id + ".jpg", or ".png" if the image is transparent anywhere.
var Thumbnail = task.Define[Picture]("thumbnail.make",
	task.MaxAttempts(5),
	task.Backoff(task.Exponential(2*time.Second, time.Minute)),
	task.Timeout(time.Minute),
)

// Picture is the arguments of [Thumbnail].
type Picture struct {
	// Width of the thumbnail in pixels, 1 to [MaxWidth]. The height follows from the aspect; an image is never
	// enlarged.
	Width int `json:"width"`
	// Image is the file as it was uploaded, at most [MaxImage] bytes; base64 on the wire.
	Image []byte `json:"image"`
}

// Validate returns what is wrong with the picture, nil if nothing is; it does not decode the image. The error matches
// task.ErrInvalid.
func (p Picture) Validate() error {
	var width, image error
	if p.Width < 1 || p.Width > MaxWidth {
		width = fmt.Errorf("width is %d: it must be 1 to %d", p.Width, MaxWidth)
	}
	switch n := len(p.Image); {
	case n == 0:
		image = errors.New("image is empty")
	case n > MaxImage:
		image = fmt.Errorf("image is %d bytes long: at most %d are allowed", n, MaxImage)
	}
	return invalid(Thumbnail, width, image)
}
