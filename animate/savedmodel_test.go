package animate

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/export"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/tf"
)

// exportRun writes the model of all tests as a SavedModel.
func exportRun(t *testing.T, frozen bool) string {
	t.Helper()
	m, err := infer.Load(run)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := export.Prepare(m, export.Options{Out: filepath.Join(t.TempDir(), "tiny"), Frozen: frozen})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Write(context.Background()); err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(plan.Dir)
}

// An exported model animates as the checkpoint that it was made of.
func TestSavedModel(t *testing.T) {
	source, driving := blobs(1, 2)[0], blobs(7, 3)
	a := open(t, Options{Batch: 3})
	want, _ := animated(t, a, Job{Source: source, Driving: opener(driving)})
	moving(t, want)
	for _, frozen := range []bool{false, true} {
		b, err := Open(exportRun(t, frozen), Options{Batch: 3, Session: tf.SessionConfig{Device: "cpu"}})
		if err != nil {
			t.Fatal(err)
		}
		if b.Defaults != a.Defaults || b.h != a.h || b.w != a.w {
			t.Errorf("%+v, %dx%d; want %+v", b.Defaults, b.h, b.w, a.Defaults)
		}
		got, _ := animated(t, b, Job{Source: source, Driving: opener(driving)})
		equal(t, fmt.Sprint("frozen: ", frozen), got, want)
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Signatures of another kind are told apart before anything is fed.
func TestSavedModelsThatAreOthers(t *testing.T) {
	f, picture := int64(-1), tf.TensorSpec{DType: 1, Shape: []int64{-1, 32, 32, 3}}
	spec := func(dims ...int64) tf.TensorSpec { return tf.TensorSpec{DType: 1, Shape: dims} }
	good := func() map[string]tf.SignatureDef {
		value, jacobian := spec(f, 5, 2), spec(f, 5, 2, 2)
		return map[string]tf.SignatureDef{
			"encode_source": {Inputs: map[string]tf.TensorSpec{"source": picture},
				Outputs: map[string]tf.TensorSpec{"features": spec(f, 8, 8, 8), "kp_source_value": value, "kp_source_jacobian": jacobian}},
			"keypoints": {Inputs: map[string]tf.TensorSpec{"image": picture}, Outputs: map[string]tf.TensorSpec{"value": value, "jacobian": jacobian}},
			"animate_frame": {Inputs: map[string]tf.TensorSpec{"features": spec(f, 8, 8, 8), "kp_source_value": value, "kp_source_jacobian": jacobian,
				"kp_driving_value": value, "kp_driving_jacobian": jacobian}, Outputs: map[string]tf.TensorSpec{"prediction": picture}},
		}
	}
	e := &exported{}
	if err := e.bind(good()); err != nil {
		t.Fatal(err)
	}
	if e.kpDriving != (namesOfKeypoints{"kp_driving_value", "kp_driving_jacobian"}) || len(e.features) != 3 || e.h != 32 {
		t.Errorf("%+v", e)
	}
	for want, spoil := range map[string]func(map[string]tf.SignatureDef){
		`no signature "keypoints"`: func(s map[string]tf.SignatureDef) { delete(s, "keypoints") },
		"fixed size":               func(s map[string]tf.SignatureDef) { s["keypoints"].Inputs["image"] = spec(f, 64, 32, 3) },
		"not one picture":          func(s map[string]tf.SignatureDef) { s["encode_source"].Inputs["second"] = picture },
		"no keypoints":             func(s map[string]tf.SignatureDef) { delete(s["encode_source"].Outputs, "kp_source_value") },
		"are not the outputs":      func(s map[string]tf.SignatureDef) { s["animate_frame"].Inputs["other"] = picture },
		"no output prediction":     func(s map[string]tf.SignatureDef) { s["animate_frame"].Outputs["prediction"] = spec(f, 8, 8, 3) },
	} {
		s := good()
		spoil(s)
		if err := (&exported{}).bind(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
