package result

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var nans = cmp.Comparer(func(a, b Value) bool { return a == b || !a.Known() && !b.Known() })

// block makes the rows of a video.
func block(video string, length int, base float64) ([]VideoRow, []FrameRow) {
	var rows []VideoRow
	for i, m := range Measures() {
		r := VideoRow{FormatVersion: FormatVersion, Video: video, Length: length, Metric: m.Metric, Region: m.Region, Mean: Value(base + float64(i)/3), SD: Absent(), Frames: length}
		if m.Metric == AED {
			r.Mean, r.Frames, r.Missing = Absent(), 0, length
		}
		rows = append(rows, r)
	}
	var frames []FrameRow
	for i := 0; i < length; i++ {
		f := NewFrameRow(video, i)
		f.Set(Measure{L1, All}, base/3+float64(i))
		f.Set(Measure{PSNR, All}, math.Inf(1))
		f.Set(Measure{SSIM, NonSalient}, -1e-17)
		frames = append(frames, f)
	}
	return rows, frames
}

func run() Run {
	return Run{FormatVersion: FormatVersion, Name: `a, "b"`, Kind: Checkpoint, Variant: "unet", Step: 7, ConfigHash: "0123", Weights: "abc",
		Protocol: Protocol{Data: "shapes", DataKind: Bodies, NumVideos: 3, Height: 64, Width: 48, MetricOn: "float", SSIMWindow: "uniform", Masks: "truth", BGThreshold: 0.1}}
}

// open opens a store, and fails the test where that fails.
func open(t *testing.T, dir string, frames bool) *Store {
	t.Helper()
	s, err := OpenStore(dir, run(), frames)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func add(t *testing.T, s *Store, video string, length int, base float64) {
	t.Helper()
	rows, frames := block(video, length, base)
	if err := s.Add(video, rows, frames); err != nil {
		t.Fatal(err)
	}
}

func allFrames(t *testing.T, dir string) []FrameRow {
	t.Helper()
	var got []FrameRow
	if err := EachFrame(Folder(dir).Frames(), func(r FrameRow) error { got = append(got, r); return nil }); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestRoundTrip(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	s := open(t, dir, true)
	add(t, s, "one, \"two\"\nthree", 3, 0.1)
	if err := s.Add("broken", []VideoRow{{Error: "cannot be read, \"really\""}}, nil); err != nil {
		t.Fatal(err)
	}
	var summary []SummaryRow
	for _, m := range Measures() {
		summary = append(summary, SummaryRow{Metric: m.Metric, Region: m.Region, Mean: 1.0 / 3, CI95: Absent(), CIVideosLow: Value(math.Inf(-1)), CIVideosHigh: 2, Frames: 3, SkippedVideos: 1})
	}
	if _, err := Read(dir); !errors.Is(err, ErrUnfinished) {
		t.Errorf("an unfinished evaluation gives %v", err)
	}
	if err := s.Finish(summary); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	e, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	rows, frames := block("one, \"two\"\nthree", 3, 0.1)
	rows = append(rows, VideoRow{FormatVersion: FormatVersion, Video: "broken", Error: "cannot be read, \"really\""})
	if diff := cmp.Diff(rows, e.Videos, nans); diff != "" {
		t.Errorf("videos (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(summary, e.Summary, nans); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(run(), e.Run); diff != "" {
		t.Errorf("run (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(frames, allFrames(t, dir), nans); diff != "" || !e.HasFrames {
		t.Errorf("frames (-want +got):\n%s", diff)
	}
}

// TestGoOn stops an evaluation in every way that a crash can leave behind.
func TestGoOn(t *testing.T) {
	const torn = "1,b,0,0.5,inf,,,,"
	for name, hurt := range map[string]func(t *testing.T, dir string){
		"nothing":            func(*testing.T, string) {},
		"a torn line":        func(t *testing.T, dir string) { appendTo(t, Folder(dir).Frames(), torn) },
		"an unmatched quote": func(t *testing.T, dir string) { appendTo(t, Folder(dir).Frames(), "1,\"b") },
		"a whole block too many": func(t *testing.T, dir string) {
			data, err := os.ReadFile(Folder(dir).Frames())
			if err != nil {
				t.Fatal(err)
			}
			_, rows, _ := strings.Cut(string(data), "\n")
			appendTo(t, Folder(dir).Frames(), strings.ReplaceAll(rows, "1,a,", "1,b,"))
		},
		"the same block twice": func(t *testing.T, dir string) {
			data, err := os.ReadFile(Folder(dir).Frames())
			if err != nil {
				t.Fatal(err)
			}
			_, rows, _ := strings.Cut(string(data), "\n")
			appendTo(t, Folder(dir).Frames(), rows)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir, true)
			add(t, s, "a", 2, 1)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			hurt(t, dir)
			s = open(t, dir, true)
			if !s.Done("a") || s.Done("b") {
				t.Errorf("done: a %v, b %v", s.Done("a"), s.Done("b"))
			}
			if rows, frames := block("a", 2, 1); s.Add("a", rows, frames) == nil {
				t.Error("a video is taken twice")
			}
			add(t, s, "b", 3, 2)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			rowsA, framesA := block("a", 2, 1)
			rowsB, framesB := block("b", 3, 2)
			got, err := ReadVideos(Folder(dir).Videos())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(append(rowsA, rowsB...), got, nans); diff != "" {
				t.Errorf("videos (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(append(framesA, framesB...), allFrames(t, dir), nans); diff != "" {
				t.Errorf("frames (-want +got):\n%s", diff)
			}
		})
	}
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestSummaryOfFewerVideos begins again with more videos and is stopped: what
// the folder says of itself and its summary must not contradict each other.
func TestSummaryOfFewerVideos(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, true)
	add(t, s, "a", 2, 1)
	if err := s.Finish(nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir, true).Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); err != nil {
		t.Errorf("opened and closed it reads as %v", err)
	}
	more := run()
	more.NumVideos = 99
	s, err := OpenStore(dir, more, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir); !errors.Is(err, ErrUnfinished) || !s.Done("a") {
		t.Errorf("with more videos to come it reads as %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAnotherRunIsRefused(t *testing.T) {
	dir := t.TempDir()
	begun := run()
	begun.Inputs = "nothing was measured of these"
	s, err := OpenStore(dir, begun, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, true)
	add(t, s, "a", 2, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	other := run()
	other.Weights, other.SSIMWindow, other.Name, other.NumVideos = "def", "gaussian", "another name", 99
	_, err = OpenStore(dir, other, true)
	if err == nil || !strings.Contains(err.Error(), "weights (abc, now def); ssim_window (uniform, now gaussian)") {
		t.Errorf("another run gives %v", err)
	}
	other = run()
	other.Name, other.NumVideos = "another name", 99
	if d := Differences(run(), other); len(d) > 0 {
		t.Errorf("another number of videos counts: %v", d)
	}
	if d := ProtocolDifferences(run().Protocol, other.Protocol); len(d) != 1 {
		t.Errorf("between evaluations it should: %v", d)
	}
	foreign := t.TempDir()
	if err := os.WriteFile(Folder(foreign).Summary(), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenStore(foreign, run(), true); err == nil {
		t.Error("a table of others would be overwritten")
	}
}

func TestBadFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "videos.csv")
	const head = "format_version,video,error,length,missing_frames,metric,region,mean,sd,frames,infinite,missing\n"
	for name, c := range map[string]struct{ text, want string }{
		"empty":        {"", "no header"},
		"no table":     {"a,b\n1,2\n", "no column format_version"},
		"long line":    {strings.Repeat("x", 9000), "no header"},
		"doubled":      {"video," + head, "twice"},
		"version":      {head + "2,v,,1,0,l1,all,1,,1,0,0\n", "format_version 2"},
		"metric":       {head + "1,v,,1,0,l2,all,1,,1,0,0\n", `no metric "l2"`},
		"number":       {head + "1,v,,1,0,l1,all,one,,1,0,0\n", `"one" is no number`},
		"not a number": {head + "1,v,,1,0,l1,all,nan,,1,0,0\n", "no number"},
		"torn":         {head + "1,v,,1,0,l1\n", "wrong number of fields"},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadVideos(path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if err := os.WriteFile(path, []byte("extra,"+head+"?,1,v,,1,0,l1,all,1,,1,0,0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if rows, err := ReadVideos(path); err != nil || len(rows) != 1 {
		t.Errorf("a column that somebody added: %v, %v", rows, err)
	}
	if err := os.WriteFile(path, []byte(head), 0o644); err != nil {
		t.Fatal(err)
	}
	if rows, err := ReadVideos(path); err != nil || len(rows) != 0 {
		t.Errorf("no rows: %v, %v", rows, err)
	}
	if _, err := ReadRun(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no evaluation: %v", err)
	}
	if _, err := ReadVideos(dir); err == nil {
		t.Error("a folder is read as a table")
	}
}

func TestFixed(t *testing.T) {
	for want, c := range map[string]struct {
		v        Value
		decimals int
	}{
		"0.0427": {0.04268, 4}, "0.0043": {0.00431, 4}, "0.00043": {0.000434, 4}, "0.0004": {0.0004, 4}, "-0.000012": {-0.0000123, 4},
		"0.0000": {0, 4}, "25.10": {25.104, 2}, "0.000000045": {4.51e-8, 4}, "4.5e-13": {4.51e-13, 4}, "1.0000": {0.99996, 4}, "0.007": {0.007, 3},
	} {
		if got := c.v.Fixed(c.decimals); got != want {
			t.Errorf("%v with %d decimals: %s, want %s", float64(c.v), c.decimals, got, want)
		}
	}
}

// TestAdditionCutShort stops the move of a finished addition at every place: the
// next call moves the rest.
func TestAdditionCutShort(t *testing.T) {
	plain, with := run(), run()
	plain.Masks, plain.KeypointsReal, plain.KeypointsGenerated, plain.EmbeddingsReal, plain.EmbeddingsGenerated = Nowhere, Nowhere, Nowhere, Nowhere, Nowhere
	with = plain
	with.KeypointsReal, with.KeypointsGenerated = "detector", "detector"
	if !Adds(plain, with) || Adds(with, plain) || Adds(plain, plain) {
		t.Fatal("keypoints are an addition, their absence is none")
	}
	finish := func(dir string, r Run) {
		s, err := OpenStore(dir, r, true)
		if err != nil {
			t.Fatal(err)
		}
		if !s.Done("a") {
			add(t, s, "a", 2, 1)
		}
		if err := s.Finish([]SummaryRow{{}}); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for moved := 0; moved < 5; moved++ {
		dir, other := t.TempDir(), t.TempDir()
		finish(dir, plain)
		finish(other, with)
		added := Folder(dir).added()
		if err := os.Rename(other, string(added)); err != nil {
			t.Fatal(err)
		}
		for _, file := range []func(Folder) string{Folder.Frames, Folder.Joints, Folder.Videos, Folder.Run}[:min(moved, 4)] {
			_ = os.Rename(file(added), file(Folder(dir))) // there are no joints
		}
		if moved > 0 {
			if err := os.Remove(Folder(dir).Summary()); err != nil {
				t.Fatal(err)
			}
		}
		finish(dir, with)
		if got, err := ReadRun(dir); err != nil || got.KeypointsReal != "detector" {
			t.Errorf("after %d moves: %+v, %v", moved, got, err)
		}
		if exists(string(added)) || !exists(Folder(dir).Summary()) {
			t.Errorf("after %d moves the addition is still apart", moved)
		}
	}
}
