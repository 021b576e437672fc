package dataset

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDamagedCache: decoded films that rotted, or cannot be read to their end, are
// decoded again: what a run sees is what the film shows. What rotted is replaced.
func TestDamagedCache(t *testing.T) {
	p := params(t, films(t))
	lp := LoaderParams{Seed: 1, BatchSize: 3, NumRepeats: 1}
	want := batch(t, loader(t, open(t, p), lp), 0)
	files, err := filepath.Glob(filepath.Join(p.CacheDir, "frames", "*.frames"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%v, %v", files, err)
	}
	good := map[string][]byte{}
	for _, f := range files {
		if good[f], err = os.ReadFile(f); err != nil {
			t.Fatal(err)
		}
	}
	const n, frame = 10, 3 * 6 * 8
	for name, spoil := range map[string]func(data []byte) []byte{
		"a bit of every frame": func(data []byte) []byte {
			for i := range n {
				data[cacheHeader+i*frame+i] ^= 1 << (i % 8)
			}
			return data
		},
		"a bit of every checksum": func(data []byte) []byte {
			for i := range n {
				data[cacheHeader+n*frame+cacheSum*i] ^= 1
			}
			return data
		},
		"cut off while it is in use": func(data []byte) []byte { return data[:cacheHeader] },
	} {
		t.Run(name, func(t *testing.T) {
			l := loader(t, open(t, p), lp)
			batch(t, l, 1) // it has looked at the files as they were
			for _, f := range files {
				if err := os.WriteFile(f, spoil(append([]byte(nil), good[f]...)), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(want, batch(t, l, 0)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if diff := cmp.Diff(want, batch(t, loader(t, open(t, p), lp), 0)); diff != "" {
				t.Errorf("the next run, -want +got:\n%s", diff)
			}
			for _, f := range files {
				if text, err := os.ReadFile(f); err != nil || string(text) != string(good[f]) {
					t.Errorf("%s is not what it was: %v", filepath.Base(f), err)
				}
			}
		})
	}
}

// FuzzKept reads any bytes as a file of decoded frames.
func FuzzKept(f *testing.F) {
	p := params(f, "")
	c := newCache(f.TempDir(), p)
	c.budget = 1 << 20
	k := c.begin()
	for range 2 {
		frame := make([]byte, c.frameBytes())
		if _, err := k.out.Write(frame); err != nil {
			f.Fatal(err)
		}
		k.sums = append(k.sums, 0, 0, 0, 0)
	}
	path := filepath.Join(c.dir, "seed.frames")
	if err := k.finish(path, 2); err != nil {
		f.Fatal(err)
	}
	seed, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(seed[:cacheHeader])
	f.Add([]byte(cacheMagic))
	errGone := errors.New("nothing is decoded here")
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "a.frames")
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		n, err := c.check(file)
		if err != nil {
			return
		}
		r := &rawFrames{file: file, n: n, w: c.w, h: c.h, again: func(context.Context, error) (frames, error) { return nil, errGone }}
		for _, i := range []int{0, n / 2, n - 1} {
			read, err := r.at(context.Background(), i)
			if err == nil && (len(read) != 1 || len(read[0].Pix) != int(c.frameBytes())) || err != nil && !errors.Is(err, errGone) {
				t.Errorf("frame %d: %v", i, err)
			}
		}
	})
}
