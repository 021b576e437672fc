package video

import (
	"bufio"
	"encoding/binary"
	"io"
)

const (
	pngMagic = "\x89PNG\r\n\x1a\n"
	// maxExif bounds the chunk with a camera's notes, of which the first few
	// entries count.
	maxExif = 1 << 16
)

// pngEssence passes on the chunks of a png that hold the picture and leaves out
// all others: viewers show a picture whose notes on colours or text are damaged.
// Alpha goes with them, which is dropped anyway.
type pngEssence struct {
	r     *bufio.Reader
	head  []byte // to be passed on first
	left  int64  // of the chunk after it
	begun bool
}

// Read implements io.Reader.
func (e *pngEssence) Read(p []byte) (int, error) {
	for len(e.head) == 0 && e.left == 0 {
		if err := e.chunk(); err != nil {
			return 0, err
		}
	}
	if len(e.head) > 0 {
		n := copy(p, e.head)
		e.head = e.head[n:]
		return n, nil
	}
	n, err := e.r.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	return n, err
}

// chunk goes to the next chunk that counts.
func (e *pngEssence) chunk() error {
	head := make([]byte, 8)
	for {
		if _, err := io.ReadFull(e.r, head); err != nil {
			return err
		}
		if !e.begun { // the magic number
			e.begun, e.head = true, head
			return nil
		}
		const checksum, ancillary = 4, 0x20
		length := int64(binary.BigEndian.Uint32(head)) + checksum
		if head[4]&ancillary == 0 {
			e.head, e.left = head, length
			return nil
		}
		if _, err := io.CopyN(io.Discard, e.r, length); err != nil {
			return err
		}
	}
}

// pngChunk goes through a png's chunks from its beginning and returns the body
// of the first of a kind; nil if there is none of at most so many bytes. It
// stops at the first pixels if the chunk must stand before them.
func pngChunk(r io.ReadSeeker, kind string, before bool, most int64) []byte {
	if _, err := r.Seek(int64(len(pngMagic)), io.SeekStart); err != nil {
		return nil
	}
	head := make([]byte, 8)
	for {
		if _, err := io.ReadFull(r, head); err != nil {
			return nil
		}
		length := int64(binary.BigEndian.Uint32(head))
		switch name := string(head[4:]); {
		case name == kind && length <= most:
			body := make([]byte, length)
			if _, err := io.ReadFull(r, body); err != nil {
				return nil
			}
			return body
		case name == kind || name == "IEND" || name == "IDAT" && before:
			return nil
		}
		if _, err := r.Seek(length+4, io.SeekCurrent); err != nil {
			return nil
		}
	}
}

// isAnimated tells a png that is a film: it says how many pictures follow.
func isAnimated(path string) bool {
	f, err := openRegular(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return animatedPNG(f)
}

func animatedPNG(f io.ReadSeeker) bool {
	magic := make([]byte, len(pngMagic))
	if _, err := io.ReadFull(f, magic); err != nil || string(magic) != pngMagic {
		return false
	}
	control := pngChunk(f, "acTL", true, 8)
	return len(control) == 8 && binary.BigEndian.Uint32(control) > 1
}
