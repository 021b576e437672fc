package serve

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
)

// TestSavedModelByEitherKernels: answers are those of TensorFlow's own kernels.
func TestSavedModelByEitherKernels(t *testing.T) {
	for _, v := range []model.Variant{model.PriorityCut, model.MonkeyNet, model.X2Face} {
		t.Run(string(v), func(t *testing.T) {
			dir := exportedDir(t, v)
			var own, plain []float64
			t.Run("own", func(t *testing.T) { own = answeredNumbers(t, dir) })
			t.Setenv(tf.KernelsEnv, "off")
			t.Run("plain", func(t *testing.T) { plain = answeredNumbers(t, dir) })
			if len(own) < 1000 || len(own) != len(plain) {
				t.Fatalf("%d numbers, by TensorFlow's kernels %d", len(own), len(plain))
			}
			low, high := plain[0], plain[0]
			for i, want := range plain {
				if !(math.Abs(own[i]-want) <= 1e-4) {
					t.Fatalf("number %d is %v, by TensorFlow's kernels %v", i, own[i], want)
				}
				low, high = min(low, want), max(high, want)
			}
			if high-low < 1e-3 {
				t.Errorf("all numbers are about %v", low)
			}
		})
	}
}

// answeredNumbers are what a model's service predicts of pictures of noise.
func answeredNumbers(t *testing.T, dir string) []float64 {
	t.Helper()
	m := openedModel(t, dir)
	inputs := map[string]any{}
	for input, info := range m.Model.Signatures()[infer.SigAbsolute].Inputs {
		if info.DType != tensorflow.Float {
			t.Fatalf("input %s is no picture", input)
		}
		inputs[input] = noise(random.New(3, random.Label(input)), info.Shape)
	}
	body, err := json.Marshal(inputs)
	if err != nil {
		t.Fatal(err)
	}
	a := start(t, m.Backend, nil).predict(fmt.Sprintf(`{"signature_name": %q, "inputs": %s}`, infer.SigAbsolute, body))
	if a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	var answer struct {
		Outputs any `json:"outputs"`
	}
	if err := json.Unmarshal(a.body, &answer); err != nil {
		t.Fatal(err)
	}
	if several, ok := answer.Outputs.(map[string]any); ok {
		return numbersOf(nil, several[infer.Prediction])
	}
	return numbersOf(nil, answer.Outputs)
}

// noise are lists of lists of numbers from 0 to 1.
func noise(r *random.Rand, shape []int64) any {
	if len(shape) == 0 {
		return r.Float64()
	}
	list := make([]any, max(shape[0], 1))
	for i := range list {
		list[i] = noise(r, shape[1:])
	}
	return list
}

// numbersOf adds the numbers in lists of lists.
func numbersOf(all []float64, v any) []float64 {
	switch v := v.(type) {
	case float64:
		return append(all, v)
	case []any:
		for _, inner := range v {
			all = numbersOf(all, inner)
		}
	}
	return all
}
