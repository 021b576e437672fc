package graph_test

import (
	"fmt"
	"log"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/tf"
)

// A convolution of one pixel learns y = 2x - 1 from four pixels. All of a step
// is read before the barrier, all is written after it.
func Example() {
	s := graph.New(tensorflow.Float)
	x := s.Const([][][][]float32{{{{0}, {1}}, {{2}, {3}}}}) // [1, 2, 2, 1]
	y := s.Const([][][][]float32{{{{-1}, {1}}, {{3}, {5}}}})
	conv := graph.NewConv2D(s.Sub("conv"), 1, 1, 1, graph.ConvOptions{})
	loss := s.Mean(s.Square(s.Minus(conv.Apply(s, x), y)))
	vars := s.Variables(graph.Trainable)
	grads := s.Gradients(loss, vars)
	adam := graph.NewAdam(s, "adam", vars, s.Scalar(0.1), 0.9, 0.999, 1e-8)
	barrier := s.Barrier(append(append(adam.Reads(), s.PendingUpdates()...), grads...)...)
	step := append(adam.Apply(s, grads, barrier), s.Commit(barrier)...)
	if err := s.Err(); err != nil { // the first mistake of all the lines above
		log.Fatal(err)
	}

	session, err := tf.NewSession(s.Graph(), tf.SessionConfig{Device: "cpu"})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	if err := graph.Initialize(session, s.Variables(), 0); err != nil {
		log.Fatal(err)
	}
	for i := 0; i < 300; i++ {
		if _, err := session.Run(nil, nil, step); err != nil {
			log.Fatal(err)
		}
	}
	values, err := graph.Fetch(session, vars)
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range vars {
		learned, err := tf.Values[float32](values[v])
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %.2f\n", v.Name, learned)
	}
	// Output:
	// conv.weight [2.00]
	// conv.bias [-1.00]
}
