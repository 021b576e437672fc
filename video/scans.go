package video

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// maxScans bounds how often a jpg goes over its pixels: programs write ten
// scans, the most thorough a few dozen. Each costs time by the pixels that the
// header claims, however few bytes it has.
const maxScans = 100

// checkScans counts the scans of a progressive jpg; others have data for every
// pixel that a scan draws. It begins at the file's first byte. What is wrong
// with the file otherwise is the decoder's to say.
func checkScans(r io.Reader) error {
	b := bufio.NewReader(r)
	scans, progressive := 0, false
	for {
		m, err := marker(b)
		if err != nil {
			return nil
		}
		switch {
		case m == 0xd9: // the end
			return nil
		case m == 0xda:
			if scans++; scans > maxScans {
				return fmt.Errorf("draws its pixels more than %d times", maxScans)
			}
		case m == 0xc2 || m == 0xc6 || m == 0xca || m == 0xce:
			progressive = true
		}
		if m == 0xda && !progressive {
			return nil
		}
		if m == 0x01 || m >= 0xd0 && m <= 0xd8 {
			continue // without a body
		}
		if skipSegment(b) != nil {
			return nil
		}
	}
}

// marker takes everything up to the next marker, compressed pixels too, and
// returns its number.
func marker(b *bufio.Reader) (byte, error) {
	for {
		if _, err := b.ReadSlice(0xff); err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return 0, err
		} else if err != nil {
			continue
		}
		m, err := b.ReadByte()
		for err == nil && m == 0xff {
			m, err = b.ReadByte()
		}
		if err != nil {
			return 0, err
		}
		if m != 0 && (m < 0xd0 || m > 0xd7) {
			return m, nil
		}
	}
}

func skipSegment(b *bufio.Reader) error {
	var size [2]byte
	if _, err := io.ReadFull(b, size[:]); err != nil {
		return err
	}
	n := int(size[0])<<8 | int(size[1])
	_, err := b.Discard(max(n-2, 0))
	return err
}
