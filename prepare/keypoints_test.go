package prepare

import (
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/convert"
	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/prepare/preparetest"
	"github.com/prioritycut/prioritycut/video"
)

// convertedRun is a run folder with the reference's small networks.
func convertedRun(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"small.pth.tar", "small.yaml"} {
		data, err := golden.Bytes(name)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), string(data))
	}
	run := filepath.Join(dir, "run")
	job, err := convert.Read(convert.Options{Checkpoint: filepath.Join(dir, "small.pth.tar"), ConfigFile: filepath.Join(dir, "small.yaml"), Out: run})
	if err != nil {
		t.Fatal(err)
	}
	defer job.Close()
	if err := job.Write(io.Discard); err != nil {
		t.Fatal(err)
	}
	return run
}

// The detector finds the keypoints that the reference found, at their places in
// the picture as it was.
func TestKeypointsAreTheReferences(t *testing.T) {
	d, err := openDetector(convertedRun(t))
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	file, err := golden.Load("forward")
	if err != nil {
		t.Fatal(err)
	}
	in, err := file.Array("in_source")
	if err != nil {
		t.Fatal(err)
	}
	want, err := file.Array("kp_source_value")
	if err != nil {
		t.Fatal(err)
	}
	f := video.NewFrame(64, 64)
	for i := range f.Pix {
		pixel, channel := i/3, i%3
		f.Pix[i] = byte(math.Round(255 * in.Data[channel*64*64+pixel]))
	}
	found, err := d.points([]*video.Frame{f, f})
	if err != nil || len(found) != 2 || len(found[0]) != 5 {
		t.Fatalf("%v, %v", found, err)
	}
	for k, p := range found[1] {
		x, y := (want.Data[2*k]+1)/2*63+0.5, (want.Data[2*k+1]+1)/2*63+0.5
		// Pictures of 8 bits move keypoints by less than a fifth of a pixel.
		if math.Abs(p.X-x) > 0.2 || math.Abs(p.Y-y) > 0.2 {
			t.Errorf("keypoint %d at (%.2f, %.2f), the reference has it at (%.2f, %.2f)", k, p.X, p.Y, x, y)
		}
	}
	wide, err := video.Stretch.Apply(f, 128, 64)
	if err != nil {
		t.Fatal(err)
	}
	again, err := d.points([]*video.Frame{wide})
	if err != nil {
		t.Fatal(err)
	}
	for k, p := range again[0] {
		if q := found[0][k]; math.Abs(p.X-2*q.X) > 3 || math.Abs(p.Y-q.Y) > 1.5 {
			t.Errorf("keypoint %d of the wider picture is at (%.1f, %.1f), not at twice %.1f, %.1f", k, p.X, p.Y, q.X, q.Y)
		}
	}
}

func TestCropByKeypoints(t *testing.T) {
	run, in, out := convertedRun(t), t.TempDir(), filepath.Join(t.TempDir(), "out")
	folder(t, filepath.Join(in, "a"), preparetest.Moving(1, 12, 96, 48))
	folder(t, filepath.Join(in, "b"), preparetest.Moving(2, 12, 96, 48))
	o := options(in, out)
	o.Crop, o.Checkpoint = CropKeypoints, run
	r := mustRun(t, o)
	for _, row := range r.Clips(StatusClip) {
		if row.Width < 16 || row.Width != row.Height || row.Width > 48 || row.Left+row.Width > 96 || row.Top+row.Height > 48 {
			t.Errorf("%+v", row)
		}
	}
	if r.Train.Clips != 1 || r.Test.Clips != 1 {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(filepath.Join(out, manifestName)); err != nil {
		t.Error(err)
	}
}
