package infer

import (
	"maps"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// Signatures of another kind are told apart before anything is fed.
func TestSavedModelsThatAreOthers(t *testing.T) {
	f, picture := int64(-1), savedmodel.TensorSpec{DType: 1, Shape: []int64{-1, 32, 32, 3}}
	spec := func(dims ...int64) savedmodel.TensorSpec { return savedmodel.TensorSpec{DType: 1, Shape: dims} }
	good := func() map[string]savedmodel.SignatureDef {
		value, jacobian := spec(f, 5, 2), spec(f, 5, 2, 2)
		return map[string]savedmodel.SignatureDef{
			"encode_source": {Inputs: map[string]savedmodel.TensorSpec{"source": picture},
				Outputs: map[string]savedmodel.TensorSpec{"features": spec(f, 8, 8, 8), "kp_source_value": value, "kp_source_jacobian": jacobian}},
			"keypoints": {Inputs: map[string]savedmodel.TensorSpec{"image": picture}, Outputs: map[string]savedmodel.TensorSpec{"value": value, "jacobian": jacobian}},
			"animate_frame": {Inputs: map[string]savedmodel.TensorSpec{"features": spec(f, 8, 8, 8), "kp_source_value": value, "kp_source_jacobian": jacobian,
				"kp_driving_value": value, "kp_driving_jacobian": jacobian}, Outputs: map[string]savedmodel.TensorSpec{"prediction": picture}},
		}
	}
	var size pictureSize
	c, err := bindFrame(good(), &size)
	if err != nil {
		t.Fatal(err)
	}
	driving := map[string]string{Value: "kp_driving_value", Jacobian: "kp_driving_jacobian"}
	if !maps.Equal(c.driving, driving) || len(c.kept) != 3 || size.h != 32 {
		t.Errorf("%+v, %+v", c, size)
	}
	for want, spoil := range map[string]func(map[string]savedmodel.SignatureDef){
		`no signature "keypoints"`: func(s map[string]savedmodel.SignatureDef) { delete(s, "keypoints") },
		"fixed size":               func(s map[string]savedmodel.SignatureDef) { s["keypoints"].Inputs["image"] = spec(f, 64, 32, 3) },
		"not one picture":          func(s map[string]savedmodel.SignatureDef) { s["encode_source"].Inputs["second"] = picture },
		"no keypoints":             func(s map[string]savedmodel.SignatureDef) { delete(s["encode_source"].Outputs, "kp_source_value") },
		"and a driving pose":       func(s map[string]savedmodel.SignatureDef) { s["animate_frame"].Inputs["other"] = picture },
		"gives none":               func(s map[string]savedmodel.SignatureDef) { delete(s["keypoints"].Outputs, "jacobian") },
		"no output prediction": func(s map[string]savedmodel.SignatureDef) {
			s["animate_frame"].Outputs["prediction"] = spec(f, 8, 8, 3)
		},
	} {
		s := good()
		spoil(s)
		if _, err := bindFrame(s, &pictureSize{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
