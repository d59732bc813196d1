package thumbnail

import (
	"context"
	"image"

	"golang.org/x/image/draw"
)

// bandMemory bounds the working memory of one band. draw needs four float64 for each column of the result and row of the
// source: over a whole photograph that would be more than the photograph.
const bandMemory = 1 << 20

// thumbnailSize is the size to scale to, before the result is turned upright. width is that of the upright thumbnail.
func thumbnailSize(w, h, width, orientation int) image.Point {
	if turned(orientation) {
		size := fit(h, w, width)
		return image.Pt(size.Y, size.X)
	}
	return fit(w, h, width)
}

// fit keeps the aspect, rounds the height, and never enlarges.
func fit(w, h, width int) image.Point {
	if width >= w {
		return image.Pt(w, h)
	}
	height := (int64(h)*int64(width) + int64(w)/2) / int64(w)
	return image.Pt(width, max(1, int(height)))
}

// scaleMemory is what scale takes besides its source: the half-way image, the result before and after it is turned, four
// bands (full and last ones, both ways; a band has one line at least), and the tables of the filter, 64 bytes for each
// pixel of a side and again for the last band.
func scaleMemory(w, h int, to image.Point) int64 {
	halfway := 4 * int64(to.X) * int64(h)
	result := 4 * int64(to.X) * int64(to.Y)
	sides := int64(w) + int64(h)
	return halfway + 2*result + 4*(bandMemory+32*sides) + 2*64*sides
}

// scale resizes img with a Catmull-Rom filter, first along the rows, then along the columns, in bands. Along the other
// axis a band keeps its size, and there the filter changes nothing: it is 1 at 0 and 0 at every other whole number. So
// the result does not depend on the bands.
func scale(ctx context.Context, img image.Image, to image.Point) (*image.RGBA, error) {
	b := img.Bounds()
	halfway := image.NewRGBA(image.Rect(0, 0, to.X, b.Dy()))
	rows := min(bandSize(to.X), b.Dy())
	wide := draw.CatmullRom.NewScaler(to.X, rows, b.Dx(), rows)
	for y := 0; y < b.Dy(); y += rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n := min(rows, b.Dy()-y)
		from := image.Rect(b.Min.X, b.Min.Y+y, b.Max.X, b.Min.Y+y+n)
		wide.Scale(halfway, image.Rect(0, y, to.X, y+n), img, from, draw.Src, nil)
	}
	if to.Y == b.Dy() {
		return halfway, nil
	}
	result := image.NewRGBA(image.Rectangle{Max: to})
	columns := min(bandSize(b.Dy()), to.X)
	high := draw.CatmullRom.NewScaler(columns, to.Y, columns, b.Dy())
	for x := 0; x < to.X; x += columns {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n := min(columns, to.X-x)
		high.Scale(result, image.Rect(x, 0, x+n, to.Y), halfway, image.Rect(x, 0, x+n, b.Dy()), draw.Src, nil)
	}
	return result, nil
}

// bandSize is how many lines of the given length fit into the working memory.
func bandSize(length int) int {
	return max(1, bandMemory/(32*length))
}

// turned reports the orientations that swap width and height.
func turned(orientation int) bool { return orientation >= 5 }

// upright applies an Exif orientation: 2 to 4 mirror and turn by half, 5 to 8 by a quarter (Exif 2.32, 4.6.4 A).
func upright(src *image.RGBA, orientation int) *image.RGBA {
	if orientation == 1 {
		return src
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	size := image.Pt(w, h)
	if turned(orientation) {
		size = image.Pt(h, w)
	}
	dst := image.NewRGBA(image.Rectangle{Max: size})
	for y := range size.Y {
		for x := range size.X {
			from := origin(x, y, w, h, orientation)
			copy(dst.Pix[dst.PixOffset(x, y):][:4], src.Pix[src.PixOffset(from.X, from.Y):][:4])
		}
	}
	return dst
}

// origin is where the upright pixel x, y is in a stored image of w by h.
func origin(x, y, w, h, orientation int) image.Point {
	switch orientation {
	case 2:
		return image.Pt(w-1-x, y)
	case 3:
		return image.Pt(w-1-x, h-1-y)
	case 4:
		return image.Pt(x, h-1-y)
	case 5:
		return image.Pt(y, x)
	case 6:
		return image.Pt(y, h-1-x)
	case 7:
		return image.Pt(w-1-y, h-1-x)
	case 8:
		return image.Pt(w-1-y, x)
	default:
		return image.Pt(x, y)
	}
}
