package animate

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

// TestExtremeWeights animates exported models some of whose weights are finite,
// but at the ends of what float32 holds, so that the numbers computed from them
// are none: that is told, and no film comes of it.
func TestExtremeWeights(t *testing.T) {
	for _, of := range []string{"kp_detector.kp.", "kp_detector.jacobian.", "generator.first.", "generator.final.", "generator.dense_motion_network.mask."} {
		for _, value := range []float32{1e38, -1e38, 3e38} {
			dir := exportFrom(t, extremeRun(t, of, value), false)
			a, err := Open(dir, infer.Options{Batch: 3, Session: tf.SessionConfig{Device: "cpu"}})
			if err != nil {
				t.Fatal(err)
			}
			film := &memory{}
			_, err = a.Video(context.Background(), Job{Source: blobs(1, 2)[0], Driving: opener(blobs(4, 3))}, film)
			if err == nil {
				// One value less than infinity saturates the last layer: white or black.
				for _, f := range film.frames {
					for _, v := range f.Pix {
						if of != "generator.final." || v != 0 && v != 255 {
							t.Fatalf("%s of %g: a pixel of %d", of, value, v)
						}
					}
				}
			} else if !strings.Contains(err.Error(), "damaged or diverged in training") {
				t.Errorf("%s of %g: %v", of, value, err)
			}
			if err := a.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// extremeRun is the run of all tests with the same number in all weights whose
// names begin alike.
func extremeRun(t *testing.T, prefix string, value float32) string {
	t.Helper()
	c, _, err := checkpoint.OpenStore(rundir.Dir(run).Checkpoints()).Latest()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var groups []checkpoint.Group
	changed := 0
	for _, name := range c.Groups() {
		g := checkpoint.Group{Name: name}
		if g.Tensors, err = c.Tensors(name); err != nil {
			t.Fatal(err)
		}
		for i, n := range g.Tensors {
			if !strings.HasPrefix(n.Name, prefix) {
				continue
			}
			values, err := tf.Values[float32](n.Tensor)
			if err != nil {
				t.Fatal(err)
			}
			for j := range values {
				values[j] = value
			}
			if g.Tensors[i].Tensor, err = tf.NewTensor(values, n.Tensor.Shape()...); err != nil {
				t.Fatal(err)
			}
			changed++
		}
		groups = append(groups, g)
	}
	if changed == 0 {
		t.Fatalf("no weight is called %s", prefix)
	}
	store := checkpoint.OpenStore(filepath.Join(t.TempDir(), "checkpoints"))
	if err := store.Save(c.Step, c.Meta, groups...); err != nil {
		t.Fatal(err)
	}
	return store.Dir(c.Step)
}
