package twins

import (
	"context"
	"math/bits"
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/prepare/look"
	"github.com/prioritycut/prioritycut/prepare/preparetest"
	"github.com/prioritycut/prioritycut/video"
)

func signed(f *video.Frame) Signature {
	cells := look.CellsOf(f)
	return Sign(&cells)
}

// A film that was compressed, or scaled and brightened a little, is known
// again; the frames around are told apart.
func TestSignaturesKnowCopies(t *testing.T) {
	frames := preparetest.Moving(7, 12, 128, 96)
	path := filepath.Join(t.TempDir(), "copy.mp4")
	preparetest.Film(t, path, frames)
	film, err := video.OpenFilm(context.Background(), path, video.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer film.Close()
	for i, f := range frames {
		copied, err := film.Next()
		if err != nil {
			t.Fatal(err)
		}
		smaller, err := video.Stretch.Apply(copied, 72, 54)
		if err != nil {
			t.Fatal(err)
		}
		for k := range smaller.Pix {
			smaller.Pix[k] = byte(min(int(smaller.Pix[k])+1, 255))
		}
		a, b := signed(f), signed(smaller)
		if !a.Near(&b) {
			most := 0
			for k, v := range a.thumb {
				most = max(most, int(v)-int(b.thumb[k]), int(b.thumb[k])-int(v))
			}
			t.Errorf("frame %d is not known again: %d bits and %d grey levels differ", i, bits.OnesCount64(a.hash^b.hash), most)
		}
		if j := (i + 3) % len(frames); j != i {
			if c := signed(frames[j]); a.Near(&c) {
				t.Errorf("frames %d and %d are taken for the same", i, j)
			}
		}
	}
	black := signed(video.NewFrame(64, 64))
	if !black.flat || black.Near(&black) {
		t.Error("a black picture counts")
	}
}

// The Index finds what comparing with all finds.
func TestIndexFindsAll(t *testing.T) {
	r := random.New(1)
	var all []Signature
	for i := 0; i < 300; i++ {
		s := Signature{hash: r.Uint64()}
		if i%3 > 0 { // up to nine bits from the one before
			s.hash = all[i-1].hash
			for k := 0; k < i%10; k++ {
				s.hash ^= 1 << r.IntN(64)
			}
		}
		all = append(all, s)
	}
	x := NewIndex()
	for i := range all {
		x.Add(i, &all[i])
	}
	pairs := 0
	for i := range all {
		found := map[int]bool{}
		x.Find(&all[i], func(owner int) bool { found[owner] = true; return true })
		for j := range all {
			if near := all[i].Near(&all[j]); near != found[j] {
				t.Fatalf("%d and %d: near %v, found %v", i, j, near, found[j])
			} else if near && i != j {
				pairs++
			}
		}
	}
	if pairs < 100 {
		t.Errorf("only %d pairs: the test tells little", pairs)
	}
}
