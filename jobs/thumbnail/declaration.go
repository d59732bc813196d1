package thumbnail

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"golang.org/x/image/webp"
)

// declaration is what an image says of itself before it is decoded.
type declaration struct {
	format        string
	width, height int
	orientation   int   // Exif: 1 to 8, 1 is upright
	memory        int64 // what decoding takes at the worst, in bytes
	decode        func(io.Reader) (image.Image, error)
}

// declared reads the headers only, and only those formats that are listed here, whatever else the program has
// registered with package image.
func declared(data []byte) (declaration, error) {
	d := declaration{orientation: 1}
	var err error
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xd8")):
		err = d.jpeg(data)
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		err = d.png(data)
	case bytes.HasPrefix(data, []byte("GIF87a")), bytes.HasPrefix(data, []byte("GIF89a")):
		err = d.gif(data)
	case len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP":
		err = d.webp(data)
	default:
		return d, fmt.Errorf("%w: it is not a JPEG, PNG, GIF or WebP: it starts with %q", ErrUnreadable, data[:min(len(data), 8)])
	}
	if err == nil && (d.width < 1 || d.height < 1) {
		err = fmt.Errorf("it has %d × %d pixels", d.width, d.height)
	}
	if err != nil {
		return d, fmt.Errorf("%s: %w: %w", d.format, ErrUnreadable, err)
	}
	return d, nil
}

// holds reports whether a decoded image is what was declared.
func (d *declaration) holds(b image.Rectangle) bool {
	if d.format == "GIF" {
		return b.In(image.Rect(0, 0, d.width, d.height))
	}
	return b.Dx() == d.width && b.Dy() == d.height
}

func (d *declaration) set(c image.Config, bytesPerPixel int64) {
	d.width, d.height = c.Width, c.Height
	// Sides are at most 2³¹, and admit refuses long ones before this product matters: cap it against overflow.
	d.memory = min(int64(c.Width), 1<<20) * min(int64(c.Height), 1<<20) * bytesPerPixel
}

// jpeg: image/jpeg decodes into planes of at most 3 or 4 bytes a pixel and may convert them into another image of 4. For a
// progressive image it holds an int32 for each coefficient besides.
func (d *declaration) jpeg(data []byte) error {
	d.format, d.decode = "JPEG", jpeg.Decode
	c, err := jpeg.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return err
	}
	facts := readJPEG(data)
	d.orientation = facts.orientation
	planes, converted := int64(3), int64(4)
	switch c.ColorModel {
	case color.GrayModel:
		planes, converted = 1, 0
	case color.CMYKModel:
		planes = 4
	}
	if !facts.baseline {
		converted += 4 * planes
	}
	d.set(c, planes+converted)
	return nil
}

// png: image/png decodes to 1, 4 or 8 bytes a pixel, and makes an image for each pass of an interlaced one.
func (d *declaration) png(data []byte) error {
	d.format, d.decode = "PNG", png.Decode
	c, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return err
	}
	perPixel := int64(4)
	switch c.ColorModel {
	case color.Gray16Model, color.RGBA64Model, color.NRGBA64Model:
		perPixel = 8
	}
	const interlace = 8 + 8 + 12 // signature, chunk head, IHDR up to its last byte
	if len(data) > interlace && data[interlace] != 0 {
		perPixel *= 2
	}
	d.set(c, perPixel)
	return nil
}

// gif: gif.Decode stops after the first frame, which takes 1 byte a pixel and lies inside the declared screen. If its
// aspect is another than the screen's, scaling it may take up to 8 bytes a pixel more than was reckoned for the screen.
func (d *declaration) gif(data []byte) error {
	d.format, d.decode = "GIF", gif.Decode
	c, err := gif.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return err
	}
	d.set(c, 9)
	return nil
}

// webp: a lossy frame takes 1.5 bytes a pixel, with alpha 6 more for a while; a lossless one up to 8. Its Huffman groups,
// 2.7 KB each in golang.org/x/image/vp8l, come on top: at most 2¹⁶, and each takes 20 bits of the file at least.
func (d *declaration) webp(data []byte) error {
	d.format, d.decode = "WebP", webp.Decode
	c, err := webpConfig(data)
	if err != nil {
		return err
	}
	d.set(c, 10)
	d.memory += min(1<<16, int64(len(data))*2/5) * 2800
	return nil
}

// webpConfig finds the size of the frame. It does not use webp.DecodeConfig, which returns the size of the canvas if the
// file has one: the decoder believes the frame, and a bomb lets them differ. (RFC 9649, WebP Image Format.)
func webpConfig(data []byte) (image.Config, error) {
	var canvas image.Config
	for rest := data[12:]; len(rest) >= 8; {
		id, length := string(rest[:4]), uint64(binary.LittleEndian.Uint32(rest[4:]))
		body := rest[8:]
		chunk := body[:min(length, uint64(len(body)))]
		switch id {
		case "VP8X":
			if len(chunk) < 10 {
				return canvas, errors.New("the VP8X chunk is cut off")
			}
			canvas.Width = 1 + (int(chunk[4]) | int(chunk[5])<<8 | int(chunk[6])<<16)
			canvas.Height = 1 + (int(chunk[7]) | int(chunk[8])<<8 | int(chunk[9])<<16)
		case "VP8 ", "VP8L":
			frame, err := webpFrame(id, chunk)
			if err == nil && canvas.Width != 0 && canvas != frame {
				err = fmt.Errorf("the canvas has %d × %d pixels and the frame %d × %d", canvas.Width, canvas.Height, frame.Width, frame.Height)
			}
			return frame, err
		case "ANIM", "ANMF":
			return canvas, errors.New("it is animated")
		}
		rest = body[min(length+length&1, uint64(len(body))):]
	}
	return canvas, errors.New("it has no frame")
}

func webpFrame(id string, chunk []byte) (c image.Config, err error) {
	switch {
	case id == "VP8 " && len(chunk) >= 10 && string(chunk[3:6]) == "\x9d\x01\x2a":
		c.Width = int(binary.LittleEndian.Uint16(chunk[6:])) & 0x3fff
		c.Height = int(binary.LittleEndian.Uint16(chunk[8:])) & 0x3fff
	case id == "VP8L" && len(chunk) >= 5 && chunk[0] == 0x2f:
		bits := int(binary.LittleEndian.Uint32(chunk[1:]))
		c.Width, c.Height = 1+bits&0x3fff, 1+bits>>14&0x3fff
	default:
		err = errors.New("the head of the frame is broken")
	}
	return c, err
}
