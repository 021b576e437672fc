package checkpoint_test

import (
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

// A checkpoint is a folder that appears when all of it is on the disk. Latest
// passes over damaged ones and names them.
func ExampleStore() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store := checkpoint.OpenStore(dir)
	for step := int64(1); step <= 2; step++ {
		bias, err := tf.NewTensor([]float32{float32(step), 0.5}, 2)
		if err != nil {
			log.Fatal(err)
		}
		weights := checkpoint.Group{Name: "weights", Tensors: []checkpoint.NamedTensor{{Name: "conv.bias", Tensor: bias}}}
		if err := store.Save(step, json.RawMessage(`{"seed":7}`), weights); err != nil {
			log.Fatal(err)
		}
	}
	// The newest loses its weights.
	if err := os.Truncate(store.Dir(2)+"/weights.safetensors", 10); err != nil {
		log.Fatal(err)
	}
	newest, damaged, err := store.Latest()
	if err != nil {
		log.Fatal(err)
	}
	defer newest.Close()
	bias, err := newest.Tensor("weights", "conv.bias")
	if err != nil {
		log.Fatal(err)
	}
	values, err := tf.Values[float32](bias)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("step", newest.Step, "holds", values, "of shape", bias.Shape(), "and", len(damaged), "newer one is damaged")
	// Output: step 1 holds [1 0.5] of shape [2] and 1 newer one is damaged
}
