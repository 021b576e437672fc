package evaluate

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/video"
)

// found is a mask that a stand-in for a model finds, and counts how often.
func found(n *int, mask []byte) func() ([]byte, error) {
	return func() ([]byte, error) { *n++; return mask, nil }
}

var errNotKnown = errors.New("looked for again")

// TestMasksAreCommon: what one evaluation found is what the next one measures
// over, as long as model, size and frame are the same.
func TestMasksAreCommon(t *testing.T) {
	home := t.TempDir()
	r := random.New(1)
	var frames []*video.Frame
	var masks [][]byte
	for range 3 {
		f, mask := video.NewFrame(7, 5), make([]byte, 35)
		for i := range f.Pix {
			f.Pix[i] = byte(r.IntN(256))
		}
		for i := range mask {
			mask[i] = byte(r.IntN(2))
		}
		frames, masks = append(frames, f), append(masks, mask)
	}
	first, n := newMaskStore(home, "0123456789abcdef0123", "data", 7, 5), 0
	first.begin("video")
	for i := range frames {
		if got, err := first.mask(frames[i], found(&n, masks[i])); err != nil || !bytes.Equal(got, masks[i]) {
			t.Fatalf("frame %d: %v, %v", i, got, err)
		}
	}
	first.end()
	unknown := func() ([]byte, error) { return nil, errNotKnown }
	again := newMaskStore(home, "0123456789abcdef0123", "data", 7, 5)
	again.begin("video")
	for i := range frames {
		if got, err := again.mask(frames[i], unknown); err != nil || !bytes.Equal(got, masks[i]) {
			t.Errorf("frame %d again: %v, %v, want %v", i, got, err, masks[i])
		}
	}
	other := video.NewFrame(7, 5)
	if _, err := again.mask(other, unknown); !errors.Is(err, errNotKnown) {
		t.Errorf("another frame of the same video: %v", err)
	}
	for name, s := range map[string]*maskStore{
		"model": newMaskStore(home, "fedcba9876543210", "data", 7, 5), "size": newMaskStore(home, "0123456789abcdef0123", "data", 5, 7),
		"data": newMaskStore(home, "0123456789abcdef0123", "others", 7, 5),
	} {
		s.begin("video")
		if _, err := s.mask(frames[0], unknown); !errors.Is(err, errNotKnown) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	if n != 3 {
		t.Errorf("the model looked %d times", n)
	}
}

// TestDamagedMasks: each kind of damage has them found anew, and the file mended.
func TestDamagedMasks(t *testing.T) {
	home, f, mask, n := t.TempDir(), video.NewFrame(4, 4), bytes.Repeat([]byte{0, 1}, 8), 0
	use := func() *maskStore {
		s := newMaskStore(home, "0123456789abcdef", "data", 4, 4)
		s.begin("video")
		got, err := s.mask(f, found(&n, mask))
		if err != nil || !bytes.Equal(got, mask) {
			t.Fatalf("%v, %v", got, err)
		}
		s.end()
		return s
	}
	path := use().path
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := range whole {
		if err := os.WriteFile(path, whole[:at], 0o600); err != nil {
			t.Fatal(err)
		}
		use()
		bad := bytes.Clone(whole)
		bad[at] ^= 4
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		use()
		if n != 3+2*at {
			t.Fatalf("damage at %d: the model looked %d times", at, n)
		}
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, whole) {
		t.Errorf("the mended file differs: %v", err)
	}
	// Where nothing can be written, masks are found every time.
	nowhere := filepath.Join(path, "file")
	s := newMaskStore(nowhere, "0123456789abcdef", "data", 4, 4)
	s.begin("video")
	if got, err := s.mask(f, found(&n, mask)); err != nil || !bytes.Equal(got, mask) {
		t.Errorf("%v, %v", got, err)
	}
	s.end()
}
