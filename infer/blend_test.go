package infer

import (
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf"
)

// Two sources of two pixels are weighed pixel by pixel.
func TestBlend(t *testing.T) {
	tensor := func(values []float32, shape ...int64) *tensorflow.Tensor {
		x, err := tf.NewTensor(values, shape...)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	face := tensor([]float32{0, 10, 20, 30, 8, 2, 40, 50}, 2, 1, 2, 2)
	encoded := map[string]*tensorflow.Tensor{"face": face, Confidence: tensor([]float32{1, 2, 3, 2}, 2, 1, 2, 1)}
	got, err := blend(encoded, 2)
	if err != nil || len(got) != 1 {
		t.Fatalf("%v, %v", got, err)
	}
	values, err := tf.Values[float32](got["face"])
	if err != nil {
		t.Fatal(err)
	}
	near(t, "face", values, []float32{6, 4, 30, 40}, 1e-6)
	if s := got["face"].Shape(); len(s) != 4 || s[0] != 1 || s[3] != 2 {
		t.Errorf("its shape is %v", s)
	}
	if one, err := blend(encoded, 1); err != nil || one[Confidence] == nil {
		t.Errorf("of one source: %v, %v", one, err)
	}
	delete(encoded, Confidence)
	if _, err := blend(encoded, 2); err == nil || !strings.Contains(err.Error(), "one source") {
		t.Errorf("without weights: %v", err)
	}
	if _, err := opened(t, tinyRun, Options{}).Encode(pictures(2, 1)...); err == nil || !strings.Contains(err.Error(), "one source") {
		t.Errorf("two sources of FOMM: %v", err)
	}
	encoded[Confidence] = tensor([]float32{1, 2, 3}, 3, 1, 1, 1)
	if _, err := blend(encoded, 2); err == nil {
		t.Error("weights of another size")
	}
}
