package thumbnail

import (
	"bytes"
	"encoding/binary"
)

// jpegFacts are what image/jpeg does not tell.
type jpegFacts struct {
	baseline    bool // certainly not progressive
	orientation int  // 1 to 8
}

// readJPEG walks over the segments up to the first scan (ITU-T T.81, annex B). Where it loses the way it stops with what
// it has: an image that is not known to be baseline is taken for the more expensive kind.
func readJPEG(data []byte) jpegFacts {
	facts := jpegFacts{orientation: 1}
	for rest := data[min(2, len(data)):]; len(rest) >= 4 && rest[0] == 0xff; {
		marker, length := rest[1], int(binary.BigEndian.Uint16(rest[2:]))
		if marker < 0xc0 || 0xd0 <= marker && marker <= 0xd7 || marker == 0xff {
			break // no length follows these: image/jpeg would go on elsewhere
		}
		if length < 2 || len(rest) < 2+length {
			break
		}
		segment := rest[4 : 2+length]
		switch marker {
		case 0xc0, 0xc1: // SOF0, SOF1; image/jpeg refuses a second one
			facts.baseline = true
		case 0xe1: // APP1
			if exif, ok := bytes.CutPrefix(segment, []byte("Exif\x00\x00")); ok {
				facts.orientation = exifOrientation(exif)
			}
		case 0xc2, 0xd8, 0xd9, 0xda: // SOF2, SOI, EOI, SOS
			return facts
		}
		rest = rest[2+length:]
	}
	return facts
}

// exifOrientation reads the tag 0x0112 of the first directory (Exif 2.32, 4.6.4); 1 if it is not there or makes no
// sense.
func exifOrientation(tiff []byte) int {
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	offset := uint64(order.Uint32(tiff[4:]))
	if offset+2 > uint64(len(tiff)) {
		return 1
	}
	entries := tiff[offset+2:]
	for range order.Uint16(tiff[offset:]) {
		if len(entries) < 12 {
			return 1
		}
		const short = 3
		if order.Uint16(entries) == 0x0112 {
			value := int(order.Uint16(entries[8:]))
			if order.Uint16(entries[2:]) != short || order.Uint32(entries[4:]) != 1 || value < 1 || value > 8 {
				return 1
			}
			return value
		}
		entries = entries[12:]
	}
	return 1
}
