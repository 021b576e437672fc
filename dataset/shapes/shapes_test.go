package shapes

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/prioritycut/prioritycut/video"
)

var update = flag.Bool("update", false, "write the golden pictures anew")

// small is a set of w x h pictures of puppets, few enough for a test.
func small(t *testing.T, w, h int) *Set { return some(t, Puppets, w, h) }

// some is such a set of any figures.
func some(t *testing.T, figures Figures, w, h int) *Set {
	t.Helper()
	o := DefaultOptions()
	o.Figures, o.Width, o.Height = figures, w, h
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func draw(t *testing.T, s *Set, split Split, index, frame int) (*video.Frame, *Truth) {
	t.Helper()
	v, err := s.Video(split, index)
	if err != nil {
		t.Fatal(err)
	}
	f, truth, err := v.Draw(frame)
	if err != nil {
		t.Fatal(err)
	}
	return f, truth
}

// The golden pictures must never change: checkpoints and published numbers
// depend on the videos. A level of 255 is left to processors that fuse
// multiplications and additions.
func TestPixelsNeverChange(t *testing.T) {
	for _, c := range []struct {
		figures            Figures
		split              Split
		index, frame, w, h int
	}{
		{Puppets, Train, 0, 0, 64, 64}, {Puppets, Train, 199, 13, 64, 64}, {Puppets, Test, 3, 23, 64, 64}, {Puppets, Test, 0, 7, 50, 37},
		{People, Train, 8, 3, 64, 64}, {People, Test, 2, 11, 50, 37},
	} {
		got, _ := draw(t, some(t, c.figures, c.w, c.h), c.split, c.index, c.frame)
		name := fmt.Sprintf("%v-%d-%d-%dx%d.png", c.split, c.index, c.frame, c.w, c.h)
		path := filepath.Join("testdata", strings.TrimPrefix(string(c.figures)+"-"+name, "-"))
		if *update {
			writePNG(t, path, got)
		}
		want := readPNG(t, path)
		if want.W != got.W || want.H != got.H {
			t.Fatalf("%s: size %dx%d, want %dx%d", path, got.W, got.H, want.W, want.H)
		}
		for i := range want.Pix {
			if d := int(want.Pix[i]) - int(got.Pix[i]); d < -1 || d > 1 {
				t.Fatalf("%s: byte %d is %d, want %d", path, i, got.Pix[i], want.Pix[i])
			}
		}
	}
}

func writePNG(t *testing.T, path string, f *video.Frame) {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, f.W, f.H))
	for i := 0; i < f.W*f.H; i++ {
		img.SetNRGBA(i%f.W, i/f.W, color.NRGBA{f.Pix[3*i], f.Pix[3*i+1], f.Pix[3*i+2], 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readPNG(t *testing.T, path string) *video.Frame {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	f := video.NewFrame(img.Bounds().Dx(), img.Bounds().Dy())
	for i := 0; i < f.W*f.H; i++ {
		c := color.NRGBAModel.Convert(img.At(i%f.W, i/f.W)).(color.NRGBA)
		f.Pix[3*i], f.Pix[3*i+1], f.Pix[3*i+2] = c.R, c.G, c.B
	}
	return f
}

func TestFramesDependOnSeedSplitAndIndexAlone(t *testing.T) {
	want, _ := draw(t, small(t, 64, 64), Train, 5, 9)
	few, err := New(Options{TrainVideos: 6, TestVideos: 1, Frames: 10, Width: 64, Height: 64})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := draw(t, few, Train, 5, 9); !bytes.Equal(got.Pix, want.Pix) {
		t.Error("the number of videos or frames changes a frame")
	}
	for name, other := range map[string]*video.Frame{
		"split": first(draw(t, small(t, 64, 64), Test, 5, 9)),
		"index": first(draw(t, small(t, 64, 64), Train, 6, 9)),
		"frame": first(draw(t, small(t, 64, 64), Train, 5, 10)),
		"seed": func() *video.Frame {
			o := DefaultOptions()
			o.Seed = 1
			s, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			return first(draw(t, s, Train, 5, 9))
		}(),
	} {
		if bytes.Equal(other.Pix, want.Pix) {
			t.Errorf("another %s gives the same frame", name)
		}
	}
}

func first(f *video.Frame, _ *Truth) *video.Frame { return f }

func TestFramesAreTheSameInAnyOrderAndGoroutine(t *testing.T) {
	v := small(t, 48, 48).Train()[2]
	want := make([][]byte, 6)
	for i := range want {
		f, err := v.Frame(i)
		if err != nil {
			t.Fatal(err)
		}
		want[i] = f.Pix
	}
	var wait sync.WaitGroup
	for i := len(want) - 1; i >= 0; i-- {
		wait.Add(1)
		go func() {
			defer wait.Done()
			if f, err := v.Frame(i); err != nil || !bytes.Equal(f.Pix, want[i]) {
				t.Errorf("frame %d differs when drawn among others (%v)", i, err)
			}
		}()
	}
	wait.Wait()
}

func TestSourceHoldsBothSplits(t *testing.T) {
	s := small(t, 32, 32)
	train, test := s.Train(), s.Test()
	if len(train) != 200 || len(test) != 16 {
		t.Fatalf("%d and %d videos, want 200 and 16", len(train), len(test))
	}
	names := map[string]bool{}
	for _, v := range append(train, test...) {
		names[v.Name()] = true
		if v.Len() != 24 {
			t.Errorf("%s has %d frames, want 24", v.Name(), v.Len())
		}
	}
	if len(names) != 216 {
		t.Errorf("%d names for 216 videos", len(names))
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	for _, change := range []func(*Options){
		func(o *Options) { o.Figures = "cats" },
		func(o *Options) { o.TrainVideos = -1 },
		func(o *Options) { o.TestVideos = MaxVideos + 1 },
		func(o *Options) { o.Frames = 0 },
		func(o *Options) { o.Width = MinSide - 1 },
		func(o *Options) { o.Height = MaxSide + 1 },
	} {
		o := DefaultOptions()
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	s := small(t, 16, 16)
	for _, c := range []struct {
		split Split
		index int
	}{{Train, 200}, {Train, -1}, {Test, 16}, {Split(2), 0}} {
		if _, err := s.Video(c.split, c.index); err == nil {
			t.Errorf("video %d of %v exists", c.index, c.split)
		}
	}
	v, err := s.Video(Train, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []int{-1, 24} {
		if _, err := v.Frame(i); err == nil {
			t.Errorf("frame %d exists", i)
		}
		if _, err := v.Truth(i); err == nil {
			t.Errorf("the truth of frame %d exists", i)
		}
		if _, err := v.Motion(0, i); err == nil {
			t.Errorf("motion to frame %d exists", i)
		}
	}
}

func TestNamesAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for p := Background; p < NumParts; p++ {
		seen[p.String()] = true
	}
	for j := JointID(0); j < NumJoints; j++ {
		seen[j.String()] = true
		if len(j.Parts()) == 0 {
			t.Errorf("no part meets at %v", j)
		}
	}
	if want := int(NumParts) + int(NumJoints); len(seen) != want || seen[""] {
		t.Errorf("%d different names, want %d: %v", len(seen), want, seen)
	}
	if Part(200).String() == "" || JointID(200).String() == "" || Split(9).String() == "" {
		t.Error("unknown values have no name")
	}
}
