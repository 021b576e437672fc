package modeltest

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/golden"
)

// FullFile holds results of networks of full size, whose weights come from a
// formula.
const FullFile = golden.Baselines + "full"

// gain multiplies the weights of tensors whose names end alike: by one factor,
// or by one for each output channel.
type gain struct {
	Suffix string          `json:"name_ends_with"`
	Factor json.RawMessage `json:"factor"`
}

// of is the factor of an output channel.
func (g gain) of(t testing.TB, channel int) float64 {
	t.Helper()
	var one float64
	if json.Unmarshal(g.Factor, &one) == nil {
		return one
	}
	var list []float64
	if err := json.Unmarshal(g.Factor, &list); err != nil {
		t.Fatal(err)
	}
	return list[channel]
}

// Formula gives the weights that FullFile was computed with.
func Formula(t testing.TB) func(v *graph.Variable) golden.Array {
	t.Helper()
	var gains []gain
	if err := golden.BaselineConfig(&gains, "full", "gains"); err != nil {
		t.Fatal(err)
	}
	seed, err := Load(t, FullFile).Array("seed")
	if err != nil {
		t.Fatal(err)
	}
	return func(v *graph.Variable) golden.Array {
		t.Helper()
		a := golden.Array{Name: v.Name}
		for _, d := range v.Dims {
			a.Shape = append(a.Shape, int(d))
		}
		lo, hi := -0.1, 0.1 // biases and running means
		switch {
		case len(a.Shape) == 4: // [height, width, in, out]
			hi = math.Sqrt(6 / float64(a.Shape[0]*a.Shape[1]*a.Shape[2]))
			lo = -hi
			a.Shape = []int{a.Shape[3], a.Shape[2], a.Shape[0], a.Shape[1]}
		case strings.HasSuffix(v.Name, ".weight"), strings.HasSuffix(v.Name, ".running_var"):
			lo, hi = 0.8, 1.2
		}
		a.Data = golden.ByFormula(v.Name, uint64(seed.Data[0]), v.Size(), lo, hi)
		for _, g := range gains {
			if strings.HasSuffix(v.Name, g.Suffix) {
				for i := range a.Data {
					a.Data[i] *= g.of(t, i/(v.Size()/a.Shape[0]))
				}
			}
		}
		for i, x := range a.Data {
			a.Data[i] = float64(float32(x))
		}
		return a
	}
}
