package result

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/fault"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/internal/patience"
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

// TestLostFrames does videos again whose frames are gone, and broken ones.
func TestLostFrames(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, true)
	add(t, s, "a", 2, 1)
	add(t, s, "b", 2, 1)
	if err := s.Add("c", []VideoRow{{Error: "broken"}}, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(Folder(dir).Frames())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(Folder(dir).Frames(), data[:len(data)-20], 0o644); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, true)
	if !s.Done("a") || s.Done("b") || s.Done("c") || len(s.Rows()) != len(Measures()) {
		t.Errorf("done %v, %d rows", s.done, len(s.Rows()))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, false)
	if _, err := os.Stat(Folder(dir).Frames()); !errors.Is(err, fs.ErrNotExist) || !s.Done("a") {
		t.Error("frames that are not wanted are kept")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, true)
	if s.Done("a") {
		t.Error("a video without its frames counts as done")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// fail lets all saves of a store fail, of rows (by a file that is open for
// reading) or of videos.csv, until mend is called.
func fail(t *testing.T, s *Store, rows bool) (mend func()) {
	t.Helper()
	if !rows {
		s.Files = &fault.FS{Plan: fault.On("sync", ".tmp-videos*", fault.Fault{Err: syscall.ENOSPC})}
		return func() { s.Files = durable.OS{} }
	}
	good := s.frames.file
	bad, err := os.Open(good.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bad.Close() })
	s.frames.file = bad
	return func() { s.frames.file = good }
}

// A disk that is full for a while costs no video, one that stays so ends with
// what to do.
func TestFailedSaves(t *testing.T) {
	for _, rows := range []bool{true, false} {
		s := open(t, filepath.Join(t.TempDir(), "e"), true)
		add(t, s, "a", 2, 1)
		soon := func() { s.saved = time.Time{} }
		mend := fail(t, s, rows)
		for _, name := range []string{"b", "c", "d", "e"} {
			soon()
			add(t, s, name, 2, 1)
		}
		mend()
		soon()
		add(t, s, "f", 3, 2)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		dir := string(s.folder)
		if all := allFrames(t, dir); len(all) != 13 {
			t.Errorf("%d rows of frames, want 13", len(all))
		}
		s = open(t, dir, true)
		if len(s.done) != 6 {
			t.Errorf("done are %v", s.done)
		}
		fail(t, s, rows)
		var err error
		tries := 0
		for ; err == nil && tries < 9; tries++ {
			soon()
			more, frames := block(fmt.Sprintf("g%d", tries), 2, 1)
			err = s.Add(fmt.Sprintf("g%d", tries), more, frames)
		}
		if tries != patience.Most || err == nil || !strings.Contains(err.Error(), "type the same command again") {
			t.Errorf("after %d tries: %v", tries, err)
		}
	}
}

// TestFailedEnds fails each call of opening, adding to and finishing an
// evaluation that gets columns: all is tried again, and nothing of either is lost.
func TestFailedEnds(t *testing.T) {
	bare := run()
	bare.Masks = Nowhere
	begun := func() string {
		dir := filepath.Join(t.TempDir(), "e")
		s, err := OpenStore(dir, bare, true)
		if err != nil {
			t.Fatal(err)
		}
		add(t, s, "a", 2, 1)
		if err := errors.Join(s.Finish([]SummaryRow{{}}), s.Close()); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	addition := func(files durable.FileSystem, dir string) error {
		s, err := OpenStoreBy(Writing{files, patience.New(2, "", ""), time.Millisecond}, dir, run(), true)
		if err != nil {
			return err
		}
		add(t, s, "a", 2, 1)
		return errors.Join(s.Finish([]SummaryRow{{}}), s.Close())
	}
	state := func(dir string) map[string]string {
		files := map[string]string{}
		for _, path := range []string{Folder(dir).Run(), Folder(dir).Videos(), Folder(dir).Frames(), Folder(dir).Summary()} {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Error(err)
			}
			files[filepath.Base(path)] = string(data)
		}
		return files
	}
	all, dir := &fault.FS{}, begun()
	if err := addition(all, dir); err != nil {
		t.Fatal(err)
	}
	want := state(dir)
	for at, call := range all.Calls() {
		dir := begun()
		if err := addition(&fault.FS{Plan: fault.At(at, 1, fault.Fault{Err: syscall.EIO})}, dir); err != nil {
			t.Errorf("call %d, %v: %v", at, call, err)
			continue
		}
		if diff := cmp.Diff(want, state(dir)); diff != "" {
			t.Errorf("call %d, %v: %s", at, call, diff)
		}
	}
	if len(all.Calls()) < 15 {
		t.Errorf("%d calls", len(all.Calls()))
	}
}

// Rows behind a part of a table that cannot be read are not cut off.
func TestUnreadableFramesAreKept(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, true)
	add(t, s, "a", 2000, 1)
	add(t, s, "b", 2000, 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	was, err := os.ReadFile(Folder(dir).Frames())
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, 1, 2} { // the open, the first read, the second
		calls := 0
		restore := localfile.Watch(func(_, path string) error {
			if path != Folder(dir).Frames() {
				return nil
			}
			if calls++; calls == at+1 {
				return syscall.EIO
			}
			return nil
		})
		_, err := OpenStore(dir, run(), true)
		restore()
		if !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), "frames.csv") {
			t.Errorf("call %d: %v", at, err)
		}
		if is, err := os.ReadFile(Folder(dir).Frames()); err != nil || !bytes.Equal(was, is) {
			t.Errorf("call %d: the table has %d bytes of %d, %v", at, len(is), len(was), err)
		}
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

// TestLinkedFramesAreNotFollowed: in an evaluation from others frames.csv may be a
// link to a file of ours, which would be cut off.
func TestLinkedFramesAreNotFollowed(t *testing.T) {
	dir, precious := t.TempDir(), filepath.Join(t.TempDir(), "precious")
	if err := open(t, dir, true).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(precious, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.RemoveAll(Folder(dir).Frames()), os.Symlink(precious, Folder(dir).Frames())); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenStore(dir, run(), true); err == nil || !strings.Contains(err.Error(), "is a link") {
		t.Errorf("%v", err)
	}
	if text, err := os.ReadFile(precious); err != nil || string(text) != "precious" {
		t.Errorf("%q, %v", text, err)
	}
}
