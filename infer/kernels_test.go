package infer

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
)

// A SavedModel gives the same poses and frames by kernels of our own as by
// TensorFlow's, also where layers are wide enough for each of our methods.
func TestSavedModelByEitherKernels(t *testing.T) {
	if own, err := tf.OwnKernels("cpu"); err != nil || !own {
		t.Skip("this processor has no kernels of our own: ", err)
	}
	wide := []string{
		"generator_params.block_expansion=64", "generator_params.max_features=128", "num_bottleneck_blocks=2",
		"kp_detector_params.block_expansion=16", "kp_detector_params.max_features=64",
		"dense_motion_params.block_expansion=64", "dense_motion_params.max_features=128",
	}
	for name, c := range map[string]struct {
		variant model.Variant
		sets    []string
	}{"narrow": {variant: model.PriorityCut}, "wide": {model.PriorityCut, wide}, "monkeynet": {variant: model.MonkeyNet}, "x2face": {variant: model.X2Face}} {
		t.Run(name, func(t *testing.T) {
			run := filepath.Join(t.TempDir(), "run")
			if err := tinymodel.WriteVariant(run, 1, c.variant, c.sets...); err != nil {
				t.Fatal(err)
			}
			dir := savedModelOf(t, run, all)
			own := computedFrames(t, dir)
			t.Setenv(tf.KernelsEnv, "off")
			plain := computedFrames(t, dir)
			same := true
			for what, want := range plain {
				near(t, what, own[what], want, 1e-4)
				same = same && slices.Equal(own[what], want)
			}
			if same { // other sums round otherwise
				t.Error("both ways computed the same bits: one of them was not taken")
			}
		})
	}
}

// computedFrames are what a SavedModel computes of pictures.
func computedFrames(t *testing.T, dir string) map[string][]float32 {
	t.Helper()
	e := opened(t, dir, Options{})
	driving := pictures(2, 2)
	encoded, err := e.Encode(pictures(1, 1)[0])
	if err != nil {
		t.Fatal(err)
	}
	poses, err := e.Poses(driving...)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := e.Decode(encoded, poses)
	if err != nil {
		t.Fatal(err)
	}
	made, err := e.Reconstruct(encoded, driving)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]float32{"decoded": decoded[Prediction], "reconstructed": made[Prediction]}
	if points, ok := poses.Keypoints(); ok {
		all["keypoints"] = points.Value
	}
	return all
}
