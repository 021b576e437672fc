package joints

import (
	"encoding/json"
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/dataset"
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
	// TrainedOn is the drawn data set whose figures it knows, by the name that
	// evaluate and train take: shapes or shapes:people.
	TrainedOn string `json:"trained_on"`
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

// Described reads the description of a SavedModel that Save wrote; false for other
// models. One that does not say what it was trained on is of the time when that
// were puppets in every case.
func Described(m *savedmodel.Model) (Description, bool) {
	var d Description
	text, err := m.Extra(DescriptionName)
	if err != nil || json.Unmarshal(text, &d) != nil || len(d.Joints) != numJoints {
		return Description{}, false
	}
	if d.TrainedOn == "" {
		d.TrainedOn = dataset.Shapes
	}
	return d, true
}

// Save writes the detector as a SavedModel into a new folder; errors are those
// of Measure. The folder appears when all of it is written. Its graph is built
// anew, of TensorFlow's own operations.
func (d *Detector) Save(dir string, own Errors) error {
	s := graph.New(tensorflow.Float)
	image, keypoints := newNetwork(s, d.o.Width, d.o.Height).looks(s)
	if err := s.Err(); err != nil {
		return fmt.Errorf("joints: %w", err)
	}
	def := savedmodel.Def{
		Signatures: []savedmodel.SignatureDef{{
			Name:    Signature,
			Inputs:  map[string]savedmodel.TensorSpec{InputName: savedmodel.SpecOf(image)},
			Outputs: map[string]savedmodel.TensorSpec{OutputName: savedmodel.SpecOf(keypoints)},
		}},
	}
	description, err := json.MarshalIndent(d.description(own), "", "  ")
	if err != nil {
		return fmt.Errorf("joints: %w", err)
	}
	def.Extra = map[string][]byte{DescriptionName: append(description, '\n')}
	if def.Graph, err = tf.GraphDefOf(s.Graph()); err != nil {
		return err
	}
	weights := d.scope.Variables(graph.Trainable, graph.State)
	values, err := graph.Fetch(d.session, weights)
	if err != nil {
		return fmt.Errorf("joints: reading the weights: %w", err)
	}
	for _, v := range weights {
		handle := s.VariableNamed(v.Name).Handle().Op.Name()
		def.Variables = append(def.Variables, savedmodel.Variable{Name: v.Name, Handle: handle, Value: values[v]})
	}
	return savedmodel.Write(dir, def)
}

func (d *Detector) description(own Errors) Description {
	out := Description{
		TrainedOn: dataset.DrawnName(string(d.o.Figures)), Threshold: Threshold, Width: d.o.Width, Height: d.o.Height,
		Steps: d.o.Steps, Batch: d.o.Batch, Seed: d.o.Seed, HeldOut: own,
	}
	for j := shapes.JointID(0); j < shapes.NumJoints; j++ {
		out.Joints = append(out.Joints, j.String())
	}
	return out
}
