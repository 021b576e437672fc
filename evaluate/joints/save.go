package joints

import (
	"encoding/json"
	"fmt"

	"github.com/prioritycut/prioritycut/dataset/shapes"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// Names in the SavedModel.
const (
	Signature       = savedmodel.DefaultSignature
	InputName       = "image"
	OutputName      = "keypoints"
	DescriptionName = "detector.json" // under assets.extra
)

// Description is what DescriptionName holds.
type Description struct {
	// Joints are the names of the keypoints, in order.
	Joints []string `json:"joints"`
	// Threshold is the confidence below which a joint is missing.
	Threshold float64 `json:"threshold"`
	Width     int     `json:"width"`
	Height    int     `json:"height"`
	Steps     int     `json:"steps"`
	Batch     int     `json:"batch"`
	Seed      int64   `json:"seed"`
	// HeldOut are the detector's own errors on frames that it was not trained on.
	HeldOut Errors `json:"held_out"`
}

// Save writes the detector as a SavedModel into a new folder; errors are those
// of Measure. The folder appears when all of it is written.
func (d *Detector) Save(dir string, own Errors) error {
	def := savedmodel.Def{
		Signatures: []savedmodel.SignatureDef{{
			Name:    Signature,
			Inputs:  map[string]savedmodel.TensorSpec{InputName: savedmodel.SpecOf(d.image)},
			Outputs: map[string]savedmodel.TensorSpec{OutputName: savedmodel.SpecOf(d.keypoints)},
		}},
	}
	description, err := json.MarshalIndent(d.description(own), "", "  ")
	if err != nil {
		return fmt.Errorf("joints: %w", err)
	}
	def.Extra = map[string][]byte{DescriptionName: append(description, '\n')}
	if def.Graph, err = tf.GraphDefOf(d.scope.Graph()); err != nil {
		return err
	}
	weights := d.scope.Variables(graph.Trainable, graph.State)
	values, err := graph.Fetch(d.session, weights)
	if err != nil {
		return fmt.Errorf("joints: reading the weights: %w", err)
	}
	for _, v := range weights {
		def.Variables = append(def.Variables, savedmodel.Variable{Name: v.Name, Handle: v.Handle().Op.Name(), Value: values[v]})
	}
	return savedmodel.Write(dir, def)
}

func (d *Detector) description(own Errors) Description {
	out := Description{
		Threshold: Threshold, Width: d.o.Width, Height: d.o.Height,
		Steps: d.o.Steps, Batch: d.o.Batch, Seed: d.o.Seed, HeldOut: own,
	}
	for j := shapes.JointID(0); j < shapes.NumJoints; j++ {
		out.Joints = append(out.Joints, j.String())
	}
	return out
}
