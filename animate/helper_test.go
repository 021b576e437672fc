package animate

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/video"
)

const side = 32

// run is the folder of the model of all tests.
var run string

func TestMain(m *testing.M) {
	os.Exit(withRun(m))
}

func withRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "animate")
	if err == nil {
		defer os.RemoveAll(dir)
		run = filepath.Join(dir, "run")
		err = tinymodel.Write(run, 1)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func open(t *testing.T, o infer.Options) *Animator {
	t.Helper()
	o.Session.Device = "cpu"
	a, err := Open(run, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// blobs are frames of coloured blobs that move, each video of a seed its own.
func blobs(n int, seed int64) []*video.Frame {
	r := random.New(seed)
	type blob struct{ x, y, vx, vy, size, r, g, b float64 }
	var all []blob
	for i := 0; i < 6; i++ {
		all = append(all, blob{r.Uniform(4, 28), r.Uniform(4, 28), r.Uniform(-0.6, 0.6), r.Uniform(-0.6, 0.6), r.Uniform(2, 5),
			r.Uniform(0, 255), r.Uniform(0, 255), r.Uniform(0, 255)})
	}
	frames := make([]*video.Frame, n)
	for i := range frames {
		f := video.NewFrame(side, side)
		for y := 0; y < side; y++ {
			for x := 0; x < side; x++ {
				px := f.Pix[3*(y*side+x):]
				for _, b := range all {
					dx, dy := float64(x)-b.x-b.vx*float64(i), float64(y)-b.y-b.vy*float64(i)
					if dx*dx+dy*dy < b.size*b.size {
						px[0], px[1], px[2] = byte(b.r), byte(b.g), byte(b.b)
					}
				}
			}
		}
		frames[i] = f
	}
	return frames
}

func opener(frames []*video.Frame) Opener {
	return func(ctx context.Context) (video.Reader, error) {
		return video.Sequence(ctx, len(frames), func(i int) (*video.Frame, error) { return frames[i], nil }), nil
	}
}

// memory collects frames.
type memory struct{ frames []*video.Frame }

func (m *memory) Write(f *video.Frame) error { m.frames = append(m.frames, f); return nil }

func (m *memory) Close() error { return nil }

func (m *memory) Abort() {}

func animated(t *testing.T, a *Animator, job Job) ([]*video.Frame, Report) {
	t.Helper()
	sink := &memory{}
	report, err := a.Video(context.Background(), job, sink)
	if err != nil {
		t.Fatal(err)
	}
	if report.Frames != len(sink.frames) {
		t.Errorf("the report says %d frames, %d came", report.Frames, len(sink.frames))
	}
	return sink.frames, report
}

// keypointRows are those of one picture, as the animator finds them.
func keypointRows(t *testing.T, a *Animator, f *video.Frame) (rows [][]float64, points [][2]float64) {
	t.Helper()
	kp, err := a.Keypoints(video.Stretch, f)
	if err != nil {
		t.Fatal(err)
	}
	for k, p := range kp.Points(0) {
		j := kp.Jacobian[4*k:]
		rows = append(rows, []float64{p[0], p[1], float64(j[0]), float64(j[1]), float64(j[2]), float64(j[3])})
	}
	return rows, kp.Points(0)
}

// equal compares videos: a level of rounding may differ.
func equal(t *testing.T, what string, got, want []*video.Frame) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d frames, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		worst, at := 0, 0
		for j := range want[i].Pix {
			if d := int(got[i].Pix[j]) - int(want[i].Pix[j]); max(d, -d) > worst {
				worst, at = max(d, -d), j
			}
		}
		if worst > 1 {
			t.Errorf("%s: frame %d differs by %d levels at byte %d", what, i, worst, at)
			return
		}
	}
}

// moving fails for a video that stands still: it would agree with anything.
func moving(t *testing.T, frames []*video.Frame) {
	t.Helper()
	moved := 0
	for j, v := range frames[0].Pix {
		if d := int(v) - int(frames[len(frames)-1].Pix[j]); d > 4 || d < -4 {
			moved++
		}
	}
	if moved < len(frames[0].Pix)/50 {
		t.Fatalf("only %d of %d bytes move", moved, len(frames[0].Pix))
	}
}
