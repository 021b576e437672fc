package video

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// ReadUpright reads a png or jpg file as viewers show it: a jpg is turned as its
// orientation tag says, which cameras set instead of turning pixels. Training
// sets are not read so, because the reference does not.
func ReadUpright(path string, limits Limits) (*Frame, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	frame, err := DecodePicture(f, limits)
	if err != nil {
		return nil, fmt.Errorf("picture %s: %w", path, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("picture %s: %w", path, err)
	}
	return frame.turned(orientation(bufio.NewReader(f))), nil
}

// upright is the orientation of a picture that is stored as it is shown.
const upright = 1

// orientation reads the tag of a jpg, 1 to 8; upright for all that has none.
func orientation(r *bufio.Reader) int {
	const startOfImage, startOfScan, exifSegment = 0xffd8, 0xffda, 0xffe1
	var marker, size uint16
	if binary.Read(r, binary.BigEndian, &marker) != nil || marker != startOfImage {
		return upright
	}
	for {
		if binary.Read(r, binary.BigEndian, &marker) != nil || marker>>8 != 0xff || marker == startOfScan ||
			binary.Read(r, binary.BigEndian, &size) != nil || size < 2 {
			return upright
		}
		segment := make([]byte, size-2)
		if _, err := io.ReadFull(r, segment); err != nil {
			return upright
		}
		if tiff, ok := bytes.CutPrefix(segment, []byte("Exif\x00\x00")); ok && marker == exifSegment {
			return tiffOrientation(tiff)
		}
	}
}

// tiffOrientation looks for the tag in the first directory of a TIFF file.
func tiffOrientation(tiff []byte) int {
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
		if o := int(order.Uint16(rest[8:])); o >= 1 && o <= 8 {
			return o
		}
		break
	}
	return upright
}

// turned returns the picture as an orientation of 2 to 8 shows it.
func (f *Frame) turned(orientation int) *Frame {
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
