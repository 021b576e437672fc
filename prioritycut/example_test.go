package prioritycut_test

import (
	"fmt"
	"log"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/prioritycut"
	"github.com/prioritycut/prioritycut/tf"
)

// Half of the foreground is cut where it is most occluded, and a generated
// picture takes the place of the real one there. The right column is background.
func Example() {
	s := graph.New(tensorflow.Float)
	picture := func(rows ...[]float32) tensorflow.Output { // [1, H, W, 1]
		pixels := make([][][]float32, len(rows))
		for y, row := range rows {
			for _, v := range row {
				pixels[y] = append(pixels[y], []float32{v})
			}
		}
		return s.Const([][][][]float32{pixels})
	}
	occlusion := picture([]float32{0.9, 0.2, 0.1}, []float32{0.3, 0.8, 0.1}) // 0 is fully occluded
	background := picture([]float32{0, 0, 1}, []float32{0, 0, 1})
	real := picture([]float32{10, 11, 12}, []float32{13, 14, 15})
	fake := picture([]float32{-10, -11, -12}, []float32{-13, -14, -15})

	mask := prioritycut.Mask(s, occlusion, background, s.Const([]float32{0.5}), prioritycut.DefaultParams())
	mixed := prioritycut.Mix(s, real, fake, mask.Mask)
	if err := s.Err(); err != nil {
		log.Fatal(err)
	}
	session, err := tf.NewSession(s.Graph(), tf.SessionConfig{Device: "cpu"})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	out, err := session.Run(nil, []tensorflow.Output{mask.Mask, mixed}, nil)
	if err != nil {
		log.Fatal(err)
	}
	for i, name := range []string{"mask", "mixed"} {
		values, err := tf.Values[float32](out[i])
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(name, values[:3], values[3:])
	}
	// Output:
	// mask [1 0 1] [0 1 1]
	// mixed [10 -11 12] [-13 14 15]
}
