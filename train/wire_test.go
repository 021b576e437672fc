package train

import (
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
)

// Of a step's reductions the gradients alone travel in half the bytes, and only
// where that is asked for: losses, statistics and what workers tell each other
// are as exact as before.
func TestGradientWire(t *testing.T) {
	if err := tf.LoadOps(); err != nil {
		t.Fatal(err)
	}
	type bytes map[tensorflow.DataType]int
	reduced := func(wire string) (found bytes, weights int) {
		sets := []string{"batch_size=4"}
		if wire != "" {
			sets = append(sets, "gradient_wire="+wire)
		}
		c := tiny(t, model.PriorityCut, sets...)
		o := OptionsOf(c)
		o.Replicas = replicasOf(c.Run, tf.Cluster{Workers: []string{"a:1", "b:1"}})
		s := graph.New(tensorflow.Float)
		if _, err := BuildStep(s, o); err != nil {
			t.Fatal(err)
		}
		found = bytes{}
		for _, op := range s.Graph().Operations() {
			if !strings.HasPrefix(op.Type(), "CollectiveReduce") {
				continue
			}
			sum := op.Output(0)
			shape, err := sum.Shape().ToSlice()
			if err != nil {
				t.Fatalf("%s: %v", op.Name(), err)
			}
			n := map[tensorflow.DataType]int{tensorflow.Bfloat16: 2, tensorflow.Float: 4, tensorflow.Double: 8}[sum.DataType()]
			for _, d := range shape {
				n *= int(d)
			}
			found[sum.DataType()] += n
		}
		for _, v := range s.Variables(graph.Trainable) {
			n := 1
			for _, d := range v.Dims {
				n *= int(d)
			}
			weights += n
		}
		return found, weights
	}
	whole, weights := reduced("")
	half, _ := reduced(config.WireBFloat16)
	if whole[tensorflow.Bfloat16] != 0 || half[tensorflow.Bfloat16] != 2*weights {
		t.Errorf("%d weights: %v, and %v with bfloat16", weights, whole, half)
	}
	// Biases travel in doubles otherwise.
	biases := (whole[tensorflow.Double] - half[tensorflow.Double]) / 8
	if whole[tensorflow.Float]-half[tensorflow.Float] != 4*(weights-biases) || biases < 1 || biases > weights/10 {
		t.Errorf("%d weights: %v, and %v with bfloat16", weights, whole, half)
	}
}
