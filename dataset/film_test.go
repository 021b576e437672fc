package dataset

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/video"
)

// films writes a small data set of films.
func films(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	for i, ext := range []string{"mp4", "gif", "avi"} {
		source := fmt.Sprintf("testsrc2=size=%dx30:rate=10:duration=1", 40+10*i)
		args := map[string][]string{"mp4": {"-pix_fmt", "yuv420p"}, "avi": {"-c:v", "mjpeg"}}[ext]
		film(t, filepath.Join(root, "train", fmt.Sprintf("%d.%s", i, ext)), source, args...)
	}
	film(t, filepath.Join(root, "test", "t.mp4"), "testsrc2=size=30x60:rate=10:duration=1", "-pix_fmt", "yuv420p")
	return root
}

// The cache changes how long reading takes, and nothing else.
func TestFilmsWithAndWithoutCache(t *testing.T) {
	p := params(t, films(t))
	p.Fit = video.Crop
	cached := open(t, p)
	lp := LoaderParams{Seed: 1, BatchSize: 3, NumRepeats: 1}
	with := batch(t, loader(t, cached, lp), 0)
	files, _ := filepath.Glob(filepath.Join(p.CacheDir, "frames", "*.frames"))
	if len(files) != 3 || cached.Notice() != "" {
		t.Errorf("%d films are kept, want 3 (%s)", len(files), cached.Notice())
	}
	left, _ := os.ReadDir(filepath.Join(p.CacheDir, "frames"))
	if len(left) != 3 {
		t.Errorf("unfinished files are left: %v", left)
	}
	p2 := p
	p2.CacheGB, p2.CacheDir = 0, filepath.Join(t.TempDir(), "other")
	without := batch(t, loader(t, open(t, p2), lp), 0)
	if diff := cmp.Diff(with, without); diff != "" {
		t.Errorf("with and without cache (-with +without):\n%s", diff)
	}
	if _, err := os.Stat(p2.CacheDir); err == nil {
		t.Error("cache_gb 0 writes to the disc")
	}

	// A second run reads the files, an emptied cache is filled again, a file
	// that was cut or of another version is not believed.
	again := open(t, p)
	if diff := cmp.Diff(with, batch(t, loader(t, again, lp), 0)); diff != "" {
		t.Errorf("from the cache (-want +got):\n%s", diff)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(with, batch(t, loader(t, again, lp), 0)); diff != "" {
		t.Errorf("after the cache was emptied (-want +got):\n%s", diff)
	}
	for i, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			data = data[:len(data)-1]
		} else {
			data[7]++
		}
		if err := os.WriteFile(f, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(with, batch(t, loader(t, open(t, p), lp), 0)); diff != "" {
		t.Errorf("after the cache was damaged (-want +got):\n%s", diff)
	}
}

// A film that is replaced while it is in use, and the cache emptied, must not
// pass for the old one: that may come back, with its time.
func TestReplacedFilmIsKeptUnderItsOwnName(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"train/a.mkv", "test/b.mkv"} {
		film(t, filepath.Join(root, name), "color=red:size=8x6:rate=10:duration=0.3", "-c:v", "ffv1")
	}
	path := filepath.Join(root, "train", "a.mkv")
	red, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	then := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
	p, lp := params(t, root), LoaderParams{Seed: 1, BatchSize: 1, NumRepeats: 1}
	l := loader(t, open(t, p), lp)
	want := batch(t, l, 0)
	if err := os.RemoveAll(p.CacheDir); err != nil {
		t.Fatal(err)
	}
	film(t, path, "color=blue:size=8x6:rate=10:duration=0.3", "-c:v", "ffv1")
	if bytes.Equal(batch(t, l, 0).Source, want.Source) {
		t.Error("the new film was not read")
	}
	write(t, path, string(red))
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, batch(t, loader(t, open(t, p), lp), 0)); diff != "" {
		t.Errorf("the old film has come back (-want +got):\n%s", diff)
	}
}

func TestCacheKeepsItsBudget(t *testing.T) {
	for name, used := range map[string]time.Duration{"used two days ago": -48 * time.Hour, "used under a clock that was years ahead": 9 * 365 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) { keepsItsBudget(t, time.Now().Add(used)) })
	}
}

func keepsItsBudget(t *testing.T, old time.Time) {
	root := films(t)
	p := params(t, root)
	lp := LoaderParams{Seed: 1, BatchSize: 3, NumRepeats: 1}
	want := batch(t, loader(t, open(t, p), lp), 0)
	one := 10 * 3 * 6 * 8 // bytes of a film's frames

	p.CacheDir = filepath.Join(t.TempDir(), "small")
	p.CacheGB = float64(2*one+100) / (1 << 30)
	p.Workers = 1
	stale := filepath.Join(p.CacheDir, "frames", "stale.frames")
	write(t, stale, strings.Repeat("x", one))
	if err := os.Chtimes(stale, old, old); err != nil {
		t.Fatal(err)
	}
	killed := filepath.Join(p.CacheDir, "frames", ".film-123")
	write(t, killed, "what a killed run had decoded of a film")
	d := open(t, p)
	if diff := cmp.Diff(want, batch(t, loader(t, d, lp), 0)); diff != "" {
		t.Errorf("with a small cache (-want +got):\n%s", diff)
	}
	files, _ := os.ReadDir(filepath.Join(p.CacheDir, "frames"))
	if len(files) != 2 {
		t.Errorf("files are %v, want two films", files)
	}
	if _, err := os.Stat(killed); err == nil {
		t.Error("what a killed run left was not removed")
	}
	if _, err := os.Stat(stale); err == nil {
		t.Error("a film that nobody used was not removed for a new one")
	}
	if !strings.Contains(d.Notice(), "cache_gb") {
		t.Errorf("notice is %q", d.Notice())
	}
}

// What somebody removed makes room; what is being written takes it.
func TestCacheCountsAnewBeforeItIsFull(t *testing.T) {
	p := params(t, "")
	c := newCache(t.TempDir(), p)
	c.budget = 5*c.frameBytes() + 100
	keep := func(name string, frames int) (*keeping, error) {
		t.Helper()
		k := c.begin()
		if k == nil {
			t.Fatalf("%s is not kept: %v", name, c.state())
		}
		for i := 0; i < frames; i++ {
			if err := k.write(video.NewFrame(8, 6)); err != nil {
				return k, err
			}
		}
		return k, nil
	}
	for _, name := range []string{"a", "b"} {
		k, err := keep(name, 4)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		path := filepath.Join(c.dir, name+".frames")
		if err := k.finish(path, 4); err != nil {
			t.Fatal(err)
		}
		if name == "a" {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	begun, err := keep("c", 1)
	if err != nil {
		t.Fatal(err)
	}
	last, err := keep("d", 1)
	if err == nil || !strings.Contains(err.Error(), "is full") {
		t.Errorf("six frames in a cache for five: %v", err)
	}
	begun.abandon()
	if err := last.write(video.NewFrame(8, 6)); err != nil {
		t.Errorf("after one was given up: %v", err)
	}
	last.abandon()
	if c.pending != 0 {
		t.Errorf("%d bytes are pending", c.pending)
	}
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	root := films(t)
	p := params(t, root)
	write(t, p.CacheDir, "a file where the folder should be")
	d := open(t, p)
	batch(t, loader(t, d, LoaderParams{BatchSize: 3, NumRepeats: 1}), 0)
	if d.Notice() == "" {
		t.Error("no notice")
	}
}

// Test frames are those that ffmpeg gives, fitted, whichever way they are read.
func TestTestVideosStream(t *testing.T) {
	p := params(t, films(t))
	p.Fit = video.Pad
	ctx := context.Background()
	r, err := video.OpenFilm(ctx, filepath.Join(p.RootDir, "test", "t.mp4"), video.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var want []*video.Frame
	for {
		f, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if f, err = video.Pad.Apply(f, 8, 6); err != nil {
			t.Fatal(err)
		}
		want = append(want, f)
	}
	for _, gb := range []float64{0, 1} {
		p.CacheGB = gb
		v := open(t, p).Test()[0]
		if n, err := v.Len(ctx); n != 10 || err != nil || len(want) != 10 {
			t.Errorf("%d frames, error %v", n, err)
		}
		s, err := v.Open(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range want {
			f, err := s.Next()
			if err != nil || !bytes.Equal(f.Pix, w.Pix) {
				t.Fatalf("cache %v: streamed frame %d differs (error %v)", gb, i, err)
			}
		}
		if _, err := s.Next(); err != io.EOF {
			t.Errorf("after the last frame: %v", err)
		}
		s.Close()
		some, err := v.Frames(ctx, 7, 2, 7)
		if err != nil || !bytes.Equal(some[0].Pix, want[7].Pix) || !bytes.Equal(some[1].Pix, want[2].Pix) || !bytes.Equal(some[2].Pix, want[7].Pix) {
			t.Errorf("cache %v: frames by number differ (error %v)", gb, err)
		}
		if _, err := v.Frames(ctx, 10); err == nil {
			t.Error("frame 10 of 10 without an error")
		}
	}
}

func TestOneFilmIsCutWithAndWithoutCache(t *testing.T) {
	path := filepath.Join(t.TempDir(), "one.mkv")
	film(t, path, "testsrc2=size=8x6:rate=10:duration=1", "-c:v", "ffv1")
	p := params(t, path)
	ctx := context.Background()
	all, err := video.OpenFilm(ctx, path, video.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	var want []*video.Frame
	for i := 0; i < 10; i++ {
		f, err := all.Next()
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, f)
	}
	for _, gb := range []float64{1, 0} {
		p.CacheGB = gb
		d := open(t, p)
		r, err := d.Test()[0].Open(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for i := 8; i < 10; i++ {
			if f, err := r.Next(); err != nil || !bytes.Equal(f.Pix, want[i].Pix) {
				t.Errorf("cache %v: test frame %d differs (error %v)", gb, i, err)
			}
		}
		if _, err := r.Next(); err != io.EOF {
			t.Errorf("after the last frame: %v", err)
		}
		r.Close()
		b := batch(t, loader(t, d, LoaderParams{Seed: 1, BatchSize: 1, NumRepeats: 1}), 0)
		if !bytes.Equal(b.Source, want[b.Items[0].Source].Pix) || !bytes.Equal(b.Driving, want[b.Items[0].Driving].Pix) {
			t.Errorf("cache %v: the pair is not frames %d and %d", gb, b.Items[0].Source, b.Items[0].Driving)
		}
	}
}

// A film that is damaged in the middle is found when it is first used, even
// where only its beginning is asked for.
func TestDamagedFilmsAreSkipped(t *testing.T) {
	root := films(t)
	film(t, filepath.Join(root, "train", "9.mp4"), "testsrc2=size=80x60:rate=25:duration=2", "-pix_fmt", "yuv420p", "-movflags", "+faststart")
	path := filepath.Join(root, "train", "9.mp4")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(data[:len(data)*2/3]))
	for _, gb := range []float64{0, 1} {
		p := params(t, root)
		p.CacheGB = gb
		d := open(t, p)
		if len(d.train) != 4 {
			t.Fatalf("%v: its header is whole", d)
		}
		for _, it := range batch(t, loader(t, d, LoaderParams{Seed: 1, BatchSize: 4, NumRepeats: 1}), 0).Items {
			if it.Name == "9.mp4" {
				t.Error("the damaged film was used")
			}
		}
		if b := d.Broken(); len(b) != 1 || b[0].Name != "train/9.mp4" {
			t.Errorf("broken are %v", b)
		}
	}
}

func TestWithoutFFmpegFilmsAreAnErrorNotBroken(t *testing.T) {
	root := films(t)
	t.Setenv("PATH", t.TempDir())
	if _, err := Open(context.Background(), params(t, root)); err == nil || !strings.Contains(err.Error(), "apt-get install ffmpeg") {
		t.Errorf("error %v", err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	m := newMemory(10000)
	clips := []*clip{{}, {}}
	made := 0
	get := func(c, frame, bytes int) {
		t.Helper()
		got, err := m.get(memoryKey{clips[c], frame}, func() ([]*video.Frame, error) {
			made++
			return []*video.Frame{{W: c, H: frame, Pix: make([]byte, bytes)}}, nil
		})
		if err != nil || got[0].W != c || got[0].H != frame {
			t.Errorf("clip %d frame %d: got %v, %v", c, frame, got, err)
		}
	}
	for i := 0; i < 3; i++ {
		get(0, 0, 4000)
		get(1, 0, 4000)
	}
	if made != 2 {
		t.Errorf("made %d frames, want 2", made)
	}
	get(0, 0, 4000) // used last
	get(0, 1, 4000) // sends (1, 0) away
	get(0, 0, 4000)
	if made != 3 {
		t.Errorf("made %d frames, want 3", made)
	}
	get(1, 0, 4000)
	get(1, 1, 50000) // never fits
	if made != 5 || m.left < 0 {
		t.Errorf("made %d frames, want 5; %d bytes left", made, m.left)
	}
	if _, err := m.get(memoryKey{clips[0], 9}, func() ([]*video.Frame, error) { return nil, io.ErrNoProgress }); err != io.ErrNoProgress {
		t.Errorf("error %v", err)
	}
}
