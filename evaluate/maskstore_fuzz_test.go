package evaluate

import (
	"crypto/sha256"
	"testing"
)

// FuzzMasks reads kept masks of anybody, with a checksum that is right: each mask
// has as many pixels as a frame, or is none.
func FuzzMasks(f *testing.F) {
	const w, h = 8, 6
	packed, err := packMask(make([]byte, w*h))
	if err != nil {
		f.Fatal(err)
	}
	s := newMaskStore("", "m", "d", w, h)
	s.known = map[[sha256.Size]byte][]byte{{1}: packed}
	s.order = [][sha256.Size]byte{{1}}
	whole := s.encode()
	f.Add(whole[:len(whole)-sha256.Size])
	f.Add([]byte(maskMagic))
	f.Fuzz(func(t *testing.T, body []byte) {
		s := newMaskStore("", "m", "d", w, h)
		s.known = map[[sha256.Size]byte][]byte{}
		sum := sha256.Sum256(body)
		if s.decode(append(append([]byte{}, body...), sum[:]...)) != nil {
			return
		}
		for _, packed := range s.known {
			if mask, err := unpackMask(packed, w*h); err == nil && len(mask) != w*h {
				t.Errorf("a mask has %d pixels", len(mask))
			}
		}
	})
}
