package figure

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/video"
)

// TestPredictedFrames: a folder of frames stands beside a model, on either side of
// it, and shows what it holds.
func TestPredictedFrames(t *testing.T) {
	run := saved(t, resolve(t, model.FOMM), 1, nil)
	o := Options{Number: 5, Checkpoints: []string{run}, NumVideos: 2}
	made, pairs := gathered(t, o)
	root := filepath.Join(t.TempDir(), "theirs")
	for j, p := range pairs {
		f := video.NewFrame(32, 32)
		for i, v := range made[0].shots[j][0].prediction {
			f.Pix[i] = byte(255*v + 0.5)
		}
		dir := filepath.Join(root, p.name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := video.WritePNG(filepath.Join(dir, fmt.Sprintf("%07d.png", p.index)), f); err != nil {
			t.Fatal(err)
		}
	}
	for at, paths := range [][]string{{root, run}, {run, root}} {
		o.Checkpoints = paths
		subjects, _ := gathered(t, o)
		if subjects[at].label != "theirs" || subjects[1-at].label != "fomm" {
			t.Errorf("they are called %q and %q", subjects[0].label, subjects[1].label)
		}
		for j := range pairs {
			for i, v := range subjects[at].shots[j][0].prediction {
				if want := made[0].shots[j][0].prediction[i]; math.Abs(float64(v-want)) > 0.51/255 {
					t.Fatalf("%s: value %d is %g, want %g", pairs[j].label(), i, v, want)
				}
			}
		}
		for _, number := range []int{4, 5} {
			o := o
			o.Number = number
			drawn(t, o)
		}
	}
	for want, o := range map[string]Options{
		"name a model too":             {Number: 4, Checkpoints: []string{root}},
		"no prediction of frame 3":     {Number: 4, Checkpoints: []string{run, root}, Frames: []int{3}},
		"name the folder of a run":     {Number: 3, Checkpoints: []string{saved(t, resolve(t, model.UNet), 1, nil), root}},
		"the frames it is compared wi": {Number: 4, Checkpoints: []string{saved(t, resolve(t, model.FOMM, "frame_shape=[64,64,3]"), 1, nil), root}, NumVideos: 2},
	} {
		if _, err := Draw(context.Background(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}
