package tf_test

import (
	"fmt"
	"log"

	tensorflow "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"github.com/prioritycut/prioritycut/tf"
)

// A session runs a graph on the device that its configuration names. What
// TensorFlow refuses is an error with its code, never the end of the process.
func Example() {
	s := op.NewScope()
	x := op.Placeholder(s.SubScope("x"), tensorflow.Float, op.PlaceholderShape(tensorflow.MakeShape(-1, 2)))
	lengths := op.Sqrt(s, op.Sum(s, op.Square(s, x), op.Const(s, int32(1)))) // [N]
	g, err := s.Finalize()
	if err != nil {
		log.Fatal(err)
	}
	session, err := tf.NewSession(g, tf.SessionConfig{Device: "cpu"})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	points, err := tf.NewTensor([]float32{3, 4, 5, 12}, 2, 2)
	if err != nil {
		log.Fatal(err)
	}
	feeds := map[tensorflow.Output]*tensorflow.Tensor{x: points}
	fetched, err := session.Run(feeds, []tensorflow.Output{lengths}, nil)
	if err != nil {
		log.Fatal(err)
	}
	values, err := tf.Values[float32](fetched[0])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(values, "of shape", fetched[0].Shape())

	_, err = session.Run(nil, []tensorflow.Output{lengths}, nil)
	fmt.Println("unfed:", tf.Code(err))
	// Output:
	// [5 13] of shape [2]
	// unfed: InvalidArgument
}
