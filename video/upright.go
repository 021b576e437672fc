package video

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"io"
)

// upright is the orientation of a picture that is stored as it is shown.
const upright = 1

// orientation reads the tag that cameras set instead of turning pixels, 1 to 8;
// upright for all that has none.
func orientation(r io.ReadSeeker) turn {
	head := make([]byte, 12)
	if _, err := io.ReadFull(r, head); err != nil {
		return upright
	}
	switch {
	case bytes.HasPrefix(head, []byte(pngMagic)):
		return tiffOrientation(pngChunk(r, "eXIf", false, maxExif))
	case string(head[8:]) == "WEBP":
		return tiffOrientation(riffChunk(r, "EXIF", maxExif))
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return upright
	}
	return jpegOrientation(bufio.NewReader(r))
}

// riffChunk returns the body of a chunk behind the first 12 bytes of a RIFF
// file; nil if there is none of at most so many bytes.
func riffChunk(r io.ReadSeeker, kind string, most int64) []byte {
	head := make([]byte, 8)
	for {
		if _, err := io.ReadFull(r, head); err != nil {
			return nil
		}
		length := int64(binary.LittleEndian.Uint32(head[4:]))
		if string(head[:4]) == kind && length <= most {
			body := make([]byte, length)
			if _, err := io.ReadFull(r, body); err != nil {
				return nil
			}
			return bytes.TrimPrefix(body, []byte("Exif\x00\x00"))
		}
		if _, err := r.Seek(length+length%2, io.SeekCurrent); err != nil {
			return nil
		}
	}
}

// jpegOrientation looks for the tag among the segments of a jpg.
func jpegOrientation(r *bufio.Reader) turn {
	const exifSegment = 0xffe1
	found := turn(upright)
	jpegSegments(r, func(marker uint16, segment []byte) bool {
		tiff, ok := bytes.CutPrefix(segment, []byte("Exif\x00\x00"))
		if ok = ok && marker == exifSegment; ok {
			found = tiffOrientation(tiff)
		}
		return ok
	})
	return found
}

// jpegSize reads the size of a jpg of a kind that the standard library does not
// know, from its beginning.
func jpegSize(r io.ReadSeeker) (size image.Config, err error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return size, err
	}
	err = errors.New("its header tells no size")
	jpegSegments(bufio.NewReader(r), func(marker uint16, segment []byte) bool {
		const tables, reserved, arithmetic = 0xffc4, 0xffc8, 0xffcc
		if marker < 0xffc0 || marker > 0xffcf || marker == tables || marker == reserved || marker == arithmetic || len(segment) < 5 {
			return false
		}
		size.Height, size.Width = int(binary.BigEndian.Uint16(segment[1:])), int(binary.BigEndian.Uint16(segment[3:]))
		err = nil
		return true
	})
	return size, err
}

// jpegSegments goes through the segments before the pixels until done.
func jpegSegments(r *bufio.Reader, done func(marker uint16, segment []byte) bool) {
	const startOfImage, startOfScan = 0xffd8, 0xffda
	var marker, size uint16
	if binary.Read(r, binary.BigEndian, &marker) != nil || marker != startOfImage {
		return
	}
	for {
		if binary.Read(r, binary.BigEndian, &marker) != nil || marker>>8 != 0xff || marker == startOfScan ||
			binary.Read(r, binary.BigEndian, &size) != nil || size < 2 {
			return
		}
		segment := make([]byte, size-2)
		if _, err := io.ReadFull(r, segment); err != nil || done(marker, segment) {
			return
		}
	}
}

// tiffOrientation looks for the tag in the first directory of a TIFF file.
func tiffOrientation(tiff []byte) turn {
	const header, entry, orientationTag, short = 8, 12, 0x0112, 3
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(tiff, []byte("II*\x00")):
		order = binary.LittleEndian
	case bytes.HasPrefix(tiff, []byte("MM\x00*")):
		order = binary.BigEndian
	}
	if order == nil || len(tiff) < header {
		return upright
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return upright
	}
	entries := int(order.Uint16(tiff[at:]))
	for rest := tiff[at+2:]; entries > 0 && len(rest) >= entry; entries, rest = entries-1, rest[entry:] {
		if order.Uint16(rest) != orientationTag || order.Uint16(rest[2:]) != short {
			continue
		}
		if o := turn(order.Uint16(rest[8:])); o >= 1 && o <= 8 {
			return o
		}
		break
	}
	return upright
}

// turned returns the picture as an orientation of 2 to 8 shows it.
func (f *Frame) turned(orientation turn) *Frame {
	if orientation == upright {
		return f
	}
	out := NewFrame(f.W, f.H)
	if orientation > 4 { // rows become columns
		out = NewFrame(f.H, f.W)
	}
	right, bottom := f.W-1, f.H-1
	out.each(func(x, y int, px []byte) {
		switch orientation {
		case 2:
			x = right - x
		case 3:
			x, y = right-x, bottom-y
		case 4:
			y = bottom - y
		case 5:
			x, y = y, x
		case 6:
			x, y = y, bottom-x
		case 7:
			x, y = right-y, bottom-x
		case 8:
			x, y = right-y, x
		}
		copy(px, f.Pix[3*(y*f.W+x):][:3])
	})
	return out
}
