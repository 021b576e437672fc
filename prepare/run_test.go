package prepare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/usage"
	"github.com/prioritycut/prioritycut/prepare/look"
	"github.com/prioritycut/prioritycut/prepare/preparetest"
	"github.com/prioritycut/prioritycut/video"
)

// footageOf makes a folder with three identities, one of two scenes.
func footageOf(t *testing.T) string {
	t.Helper()
	in := t.TempDir()
	folder(t, filepath.Join(in, "anna", "walk"), append(preparetest.Moving(1, 12, 48, 36), negative(preparetest.Moving(2, 14, 48, 36))...))
	folder(t, filepath.Join(in, "bert"), preparetest.Moving(3, 10, 48, 36))
	folder(t, filepath.Join(in, "carl#one"), preparetest.Moving(4, 11, 48, 36))
	return in
}

// What is made is what dataset reads, with its identities apart.
func TestPreparedSetIsReadByDataset(t *testing.T) {
	for _, format := range []Format{PNG, JPG, MP4} {
		t.Run(string(format), func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			o := options(footageOf(t), out)
			o.Format = format
			r := mustRun(t, o)
			if r.Train.Clips+r.Test.Clips != 4 || r.Partial() {
				t.Fatalf("%+v", r)
			}
			p := dataset.DefaultParams()
			p.RootDir, p.FrameShape, p.IDSampling, p.CacheDir = out, [3]int{16, 16, 3}, true, t.TempDir()
			d, err := dataset.Open(context.Background(), p)
			if err != nil {
				t.Fatal(err)
			}
			check, err := d.Check(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if check.Train.Frames != r.Train.Frames || check.Test.Videos != r.Test.Clips || check.Train.Identities != r.Train.Identities ||
				check.Train.Identities+check.Test.Identities != 3 || len(check.Broken) != 0 {
				t.Errorf("prepared %+v and %+v, read %+v and %+v", r.Train, r.Test, check.Train, check.Test)
			}
		})
	}
}

// A clip that needs no scaling has exactly the pixels that ffmpeg itself cuts
// out of a film.
func TestPixelsOfACut(t *testing.T) {
	in, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	preparetest.Film(t, filepath.Join(in, "a.mp4"), preparetest.Moving(1, 20, 64, 48))
	preparetest.Film(t, filepath.Join(in, "b.mp4"), preparetest.Moving(2, 20, 64, 48))
	cuts := filepath.Join(t.TempDir(), "cuts.csv")
	write(t, cuts, "video,start,end,left,top,width,height,partition\na,5,12,20,10,16,16,train\na,0.32s,0.64s,0,0,17,17,train\nb,,,30,30,16,16,test\nb,3,8,,,,,test\n")
	o := options(in, out)
	o.Cuts = cuts
	r := mustRun(t, o)
	if r.Train.Clips != 2 || r.Test.Clips != 2 {
		t.Fatalf("%+v", r.Rows)
	}
	// Cut before the conversion to RGB, colours would come from other places.
	raw, err := exec.Command("ffmpeg", "-v", "error", "-i", filepath.Join(in, "a.mp4"), "-vf", "format=rgb24,crop=16:16:20:10",
		"-f", "rawvideo", "-pix_fmt", "rgb24", "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	names, err := video.ListFrames(filepath.Join(out, train, "a#a#000005#000012"), video.Limits{})
	if err != nil || len(names) != 7 {
		t.Fatalf("%v, %v", names, err)
	}
	for i, name := range names {
		f, err := video.ReadPicture(filepath.Join(out, train, "a#a#000005#000012", name), video.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if want := raw[(5+i)*16*16*3:][:16*16*3]; string(want) != string(f.Pix) {
			t.Errorf("frame %d differs from what ffmpeg cuts out", i)
		}
	}
	// 0.32 s at 25 a second is frame 8, 0.64 s frame 16.
	if _, err := os.Stat(filepath.Join(out, train, "a#a#000008#000016", "0000007.png")); err != nil {
		t.Error(err)
	}
}

// Bad files are named and counted; the rest goes on.
func TestBadInput(t *testing.T) {
	in, out := footageOf(t), filepath.Join(t.TempDir(), "out")
	write(t, filepath.Join(in, "zero.mp4"), "")
	write(t, filepath.Join(in, "text.mp4"), "this is no film, whatever its name says\n")
	write(t, filepath.Join(in, "notes.txt"), "not a video\n")
	if err := os.Symlink("nowhere", filepath.Join(in, "gone.mp4")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(in, "list.tfrecord"), "no records here, only a line of text\n")
	folder(t, filepath.Join(in, "single"), preparetest.Moving(5, 1, 48, 36))
	still := preparetest.Moving(6, 12, 48, 36)
	for i := range still {
		still[i] = still[0]
	}
	folder(t, filepath.Join(in, "still"), still)
	preparetest.Film(t, filepath.Join(in, "odd.mkv"), preparetest.Moving(7, 30, 63, 37))
	whole := filepath.Join(t.TempDir(), "whole.mkv")
	preparetest.Film(t, whole, preparetest.Moving(8, 200, 96, 64))
	data, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(in, "damaged.mkv"), string(data[:len(data)*2/3])+strings.Repeat("x", len(data)/3))
	ffmpeg := func(args ...string) {
		if text, err := exec.Command("ffmpeg", append([]string{"-v", "error", "-y"}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	ffmpeg("-f", "lavfi", "-i", "sine=duration=1", filepath.Join(in, "sound.mkv"))
	upright := filepath.Join(t.TempDir(), "upright.mp4")
	preparetest.Film(t, upright, preparetest.Moving(9, 12, 64, 48))
	ffmpeg("-i", upright, "-c", "copy", "-metadata:s:v", "rotate=90", filepath.Join(in, "turned.mp4"))
	if info, err := video.Probe(context.Background(), filepath.Join(in, "turned.mp4"), video.Limits{}); err != nil || info.W != 48 || info.H != 64 {
		// Since 6.0 the tag is an option of the input.
		ffmpeg("-display_rotation", "90", "-i", upright, "-c", "copy", filepath.Join(in, "turned.mp4"))
	}

	o := options(in, out)
	o.Fit = video.Pad
	r := mustRun(t, o)
	for name, want := range map[string]struct{ status, reason string }{
		"zero.mp4":      {StatusUnreadable, "empty"},
		"text.mp4":      {StatusUnreadable, "it is a text and no film"},
		"gone.mp4":      {StatusUnreadable, "no such file"},
		"list.tfrecord": {StatusUnreadable, "no TFRecord file"},
		"sound.mkv":     {StatusUnreadable, "no video"},
		"damaged.mkv":   {StatusUnreadable, "frames are used"},
		"single":        {StatusDropped, "`min_frames`"},
		"still":         {StatusDropped, "hardly moves"},
		"odd.mkv":       {StatusClip, ""},
		"turned.mp4":    {StatusClip, ""},
		"bert":          {StatusClip, ""},
	} {
		found := false
		for _, row := range rowsWith(r, name) {
			found = found || row.Status == want.status && strings.Contains(row.Reason, want.reason)
		}
		if !found {
			t.Errorf("%s: %+v, want %s because of %q", name, rowsWith(r, name), want.status, want.reason)
		}
	}
	if !r.Partial() || r.Faults != 6 {
		t.Errorf("%d faults, want 6", r.Faults)
	}
	if diff := cmp.Diff([]string{"notes.txt"}, r.Left); diff != "" {
		t.Error(diff)
	}
	// The turned film stands upright: bars are left and right, not above.
	for _, row := range rowsWith(r, "turned.mp4") {
		f, err := video.ReadPicture(filepath.Join(out, row.Partition, row.Clip, "0000000.png"), video.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if side, above := f.Pix[3*(8*16)], f.Pix[3*8]; side != 0 || above == 0 {
			t.Errorf("levels at the left %d and above %d: the film was not turned", side, above)
		}
	}
	if _, err := os.Stat(filepath.Join(out, reportName)); err != nil {
		t.Error(err)
	}
}

// stopper ends a run after some frames.
type stopper struct {
	quiet
	left   atomic.Int64
	cancel func()
}

func (s *stopper) Frames(n int) {
	if s.left.Add(int64(-n)) <= 0 {
		s.cancel()
	}
}

// A run that is stopped again and again ends with the bytes of an undisturbed
// one, and leaves nothing half done in between.
func TestStoppedRunGoesOn(t *testing.T) {
	in := footageOf(t)
	smooth, stopped := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "out")
	mustRun(t, options(in, smooth))
	stops := 0
	for frames := int64(3); ; frames += 3 {
		ctx, cancel := context.WithCancel(context.Background())
		s := &stopper{cancel: cancel}
		s.left.Store(frames)
		o := options(in, stopped)
		o.Progress = s
		_, err := Run(ctx, o)
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		stops++
		if left, _ := filepath.Glob(filepath.Join(stopped, stateName, "tmp", "*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
	if stops < 3 {
		t.Errorf("only %d stops: the test tells little", stops)
	}
	if diff := cmp.Diff(tree(t, smooth), tree(t, stopped)); diff != "" {
		t.Error(diff)
	}
}

// A second run makes nothing again, a changed parameter is refused by name,
// and new videos are added.
func TestAgain(t *testing.T) {
	in, out := footageOf(t), filepath.Join(t.TempDir(), "out")
	o := options(in, out)
	mustRun(t, o)
	before := tree(t, out)
	o.create = func(string) (io.WriteCloser, error) { return nil, errors.New("a picture is made again") }
	mustRun(t, o)
	if diff := cmp.Diff(before, tree(t, out)); diff != "" {
		t.Error(diff)
	}
	o.create = nil

	changed := o
	changed.Size, changed.Fit = 24, video.Pad
	_, err := Run(context.Background(), changed)
	var usage *usage.Error
	if !errors.As(err, &usage) || !strings.Contains(err.Error(), "`size` was 16 and is 24") || !strings.Contains(err.Error(), "`fit` was crop and is pad") {
		t.Errorf("changed parameters: %v", err)
	}

	for i := 0; i < 6; i++ {
		folder(t, filepath.Join(in, fmt.Sprintf("new%d", i)), preparetest.Moving(20+i, 10, 48, 36))
	}
	r := mustRun(t, o)
	if r.Train.Clips+r.Test.Clips != 10 {
		t.Errorf("%d clips", r.Train.Clips+r.Test.Clips)
	}
	fresh := filepath.Join(t.TempDir(), "out")
	mustRun(t, options(in, fresh))
	if diff := cmp.Diff(tree(t, fresh), tree(t, out)); diff != "" {
		t.Errorf("adding differs from making all at once: %s", diff)
	}

	if err := os.RemoveAll(filepath.Join(in, "bert")); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), o); !errors.As(err, &usage) || !strings.Contains(err.Error(), "bert") {
		t.Errorf("a video is gone: %v", err)
	}
	if _, err := Run(context.Background(), options(in, t.TempDir()+"/..")); !errors.As(err, &usage) {
		t.Errorf("a folder of something else: %v", err)
	}
}

// full is a file on a full disk.
type full struct{ *os.File }

func (f full) Write(p []byte) (int, error) {
	n, _ := f.File.Write(p[:len(p)/2])
	return n, &os.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
}

func TestDiskFull(t *testing.T) {
	in, out := footageOf(t), filepath.Join(t.TempDir(), "out")
	o := options(in, out)
	o.Workers = 1
	made := 0
	o.create = func(path string) (io.WriteCloser, error) {
		made++
		f, err := os.Create(path)
		if made > 20 && err == nil {
			return full{f}, nil
		}
		return f, err
	}
	_, err := Run(context.Background(), o)
	if err == nil || !strings.Contains(err.Error(), "disk is full") || !strings.Contains(err.Error(), "type the same again") {
		t.Fatalf("%v", err)
	}
	clips, _ := filepath.Glob(filepath.Join(out, "t*", "*"))
	half, _ := filepath.Glob(filepath.Join(out, stateName, "tmp", "*"))
	if len(clips) != 1 || len(half) != 0 {
		t.Errorf("stands: %v, half done: %v", clips, half)
	}
	o.create = nil
	mustRun(t, o)
	fresh := filepath.Join(t.TempDir(), "out")
	mustRun(t, options(in, fresh))
	if diff := cmp.Diff(tree(t, fresh), tree(t, out)); diff != "" {
		t.Error(diff)
	}
}

// A train clip that shows a test clip's frames is dropped where a file of cuts
// gives the sides.
func TestCopiesBetweenGivenSides(t *testing.T) {
	in, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	folder(t, filepath.Join(in, "one"), preparetest.Moving(1, 20, 48, 48))
	folder(t, filepath.Join(in, "copy"), preparetest.Moving(1, 22, 96, 96)[2:])
	folder(t, filepath.Join(in, "other"), preparetest.Moving(2, 20, 48, 48))
	cuts := filepath.Join(t.TempDir(), "cuts.csv")
	write(t, cuts, "video,identity,partition\none,a,test\ncopy,b,train\nother,c,train\ngone,d,train\n")
	o := options(in, out)
	o.Cuts = cuts
	r := mustRun(t, o)
	rows := rowsWith(r, "copy")
	if r.Train.Clips != 1 || len(rows) != 1 || !strings.Contains(rows[0].Reason, "nearly equal frames") {
		t.Fatalf("%+v", r.Rows)
	}
	before := tree(t, out)
	mustRun(t, o)
	if diff := cmp.Diff(before, tree(t, out)); diff != "" {
		t.Errorf("a second run differs: %s", diff)
	}

	// Once the test clip is another one, the copy is trained on again.
	write(t, cuts, "video,identity,partition\none,a,train\ncopy,b,train\nother,c,test\ngone,d,train\n")
	mustRun(t, o)
	fresh := o
	fresh.Out = filepath.Join(t.TempDir(), "out")
	if r := mustRun(t, fresh); r.Train.Clips != 2 {
		t.Errorf("%+v", r.Train)
	}
	if diff := cmp.Diff(tree(t, fresh.Out), tree(t, out)); diff != "" {
		t.Errorf("after a change of sides it differs from a fresh one: %s", diff)
	}
}

// A box that does not lie in the pictures, whatever the film claimed, costs
// that clip alone; so does anything that is wrong with a video.
func TestOneBadClip(t *testing.T) {
	in, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	folder(t, filepath.Join(in, "a"), preparetest.Moving(1, 12, 48, 36))
	o := options(in, out)
	o.Progress, o.Files, o.create = quiet{}, durable.OS{}, func(path string) (io.WriteCloser, error) { return durable.OS{}.Create(path) }
	m, err := readManifest(out, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := &writer{o: &o, manifest: m, slots: make(chan struct{}, 2)}
	for _, dir := range []string{w.temp(), w.path(train), w.path(stripsName)} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.open(); err != nil {
		t.Fatal(err)
	}
	defer m.close()
	a := newInput(filepath.Join(in, "a"), "a", pictures)
	bad := &clip{in: a, identity: "a", partition: train, Span: look.Span{First: 0, End: 10}, box: rect{40, 0, 16, 16}, record: -1}
	good := &clip{in: a, identity: "a", partition: train, Span: look.Span{First: 0, End: 10}, box: rect{32, 0, 16, 16}, record: -1}
	nameClips([]*clip{bad, good})
	if err := w.writeAll(context.Background(), []*clip{bad, good}); err != nil {
		t.Fatal(err)
	}
	if d, _ := m.of(bad.spec()); !d.Fault || !strings.Contains(d.Dropped, "does not lie in a picture of 48x36") {
		t.Errorf("%+v", d)
	}
	if d, _ := m.of(good.spec()); d.Frames != 10 {
		t.Errorf("%+v", d)
	}
}

// Many cuts that overlap are made in several passes, each cut once.
func TestManyOverlappingCuts(t *testing.T) {
	in, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
	folder(t, filepath.Join(in, "a"), preparetest.Moving(1, 30, 32, 32))
	text := "video,start,end,partition\n"
	for i := 0; i < 80; i++ {
		text += fmt.Sprintf("a,%d,%d,%s\n", i%9, 12+i/9, map[bool]string{true: train, false: test}[i%2 == 0])
	}
	o := options(in, out)
	o.Cuts = filepath.Join(t.TempDir(), "cuts.csv")
	write(t, o.Cuts, "video\n")
	var usage *usage.Error
	if _, err := Run(context.Background(), o); !errors.As(err, &usage) || !strings.Contains(err.Error(), "names no video") {
		t.Errorf("an empty list: %v", err)
	}
	write(t, o.Cuts, text)
	r := mustRun(t, o)
	made := r.Clips(StatusClip)
	if len(made) != 80 {
		t.Fatalf("%d clips", len(made))
	}
	for _, row := range made {
		if row.Frames != row.EndFrame-row.FirstFrame {
			t.Errorf("%+v", row)
		}
	}
}

// A film too long to be looked at is used as far as it was.
func TestLongFilm(t *testing.T) {
	o := options(footageOf(t), filepath.Join(t.TempDir(), "out"))
	o.looked = 12
	r := mustRun(t, o)
	rows := rowsWith(r, "anna/walk")
	if len(rows) != 2 || rows[0].EndFrame != 12 || !strings.Contains(rows[1].Reason, "first 12 frames are used: no more are looked at") {
		t.Errorf("%+v", rows)
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	o := options(footageOf(t), out)
	o.DryRun = true
	if r := mustRun(t, o); r.Train.Clips+r.Test.Clips != 4 {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is there: %v", err)
	}
}
