package detectors

import (
	"encoding/json"
	"fmt"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"

	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// The signatures beside serving_default, and the names of their tensors.
const (
	FindRegion = "find_region"
	InRegion   = "in_region"

	ImageName  = "image"
	RegionName = "region"

	// DescriptionName is the file under assets.extra that says what the model is.
	DescriptionName = "detector.json"

	regionWidth = 5
)

// parts are the tensors of a detector.
type parts struct {
	// result of serving_default.
	result tensorflow.Output
	// found is the region found, [N, 5]; told takes one, and within is the result
	// there. A detector of one piece has none of them.
	found, told, within tensorflow.Output
}

// Description is what DescriptionName holds.
type Description struct {
	Name     string    `json:"name"`
	About    string    `json:"about"`
	Kind     Kind      `json:"kind"`
	Package  string    `json:"package"`
	SHA512   string    `json:"sha512"`
	License  string    `json:"package_license"`
	Networks []Network `json:"networks"`
	Points   []string  `json:"points,omitempty"`
}

// String tells networks, package and what is made of them, for the rows of tables.
func (d Description) String() string {
	var files []string
	for _, n := range d.Networks {
		files = append(files, strings.TrimSuffix(n.File, ".json"))
	}
	return fmt.Sprintf("%s of %s: %s", strings.Join(files, " and "), d.Package, d.About)
}

// Described reads the description of a SavedModel that this package wrote; false
// for other models.
func Described(m *savedmodel.Model) (Description, bool) {
	var d Description
	text, err := m.Extra(DescriptionName)
	if err != nil || json.Unmarshal(text, &d) != nil {
		return Description{}, false
	}
	return d, d.Package != "" && len(d.Networks) > 0
}

// Write makes the detector of an archive's networks and writes it as a SavedModel
// into the new folder dir, which appears when all of it is written.
func (d Detector) Write(a *Archive, dir string) error {
	def, err := d.model(a)
	if err != nil {
		return fmt.Errorf("detector %s: %w", d.Name, err)
	}
	return savedmodel.Write(dir, *def)
}

func (d Detector) model(a *Archive) (*savedmodel.Def, error) {
	b := newBuilder(a)
	image := op.Placeholder(b.scope.SubScope("image"), tensorflow.Float, op.PlaceholderShape(tensorflow.MakeShape(1, -1, -1, 3)))
	p, err := d.build(b, image)
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(d.describe(), "", "  ")
	if err != nil {
		return nil, err
	}
	def := &savedmodel.Def{Extra: map[string][]byte{DescriptionName: append(text, '\n')}}
	def.Signatures = d.signatures(image, p)
	def.Graph, err = tf.GraphDefOf(b.graph)
	return def, err
}

func (d Detector) signatures(image tensorflow.Output, p parts) []savedmodel.SignatureDef {
	spec := savedmodel.SpecOf
	out := string(d.Kind)
	all := []savedmodel.SignatureDef{{
		Name:    savedmodel.DefaultSignature,
		Inputs:  map[string]savedmodel.TensorSpec{ImageName: spec(image)},
		Outputs: map[string]savedmodel.TensorSpec{out: spec(p.result)},
	}}
	if p.told.Op == nil {
		return all
	}
	return append(all, savedmodel.SignatureDef{
		Name:    FindRegion,
		Inputs:  map[string]savedmodel.TensorSpec{ImageName: spec(image)},
		Outputs: map[string]savedmodel.TensorSpec{RegionName: spec(p.found)},
	}, savedmodel.SignatureDef{
		Name:    InRegion,
		Inputs:  map[string]savedmodel.TensorSpec{ImageName: spec(image), RegionName: spec(p.told)},
		Outputs: map[string]savedmodel.TensorSpec{out: spec(p.within)},
	})
}

func (d Detector) describe() Description {
	return Description{
		Name: d.Name, About: d.About, Kind: d.Kind, Networks: d.Networks, Points: d.Points,
		Package: HumanModels.Requirement, SHA512: HumanModels.Integrity, License: HumanModels.License,
	}
}
