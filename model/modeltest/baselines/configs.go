// Package baselines reads the configurations of the reference results of Monkey-Net
// and X2Face, for the tests of those who train or convert them.
package baselines

import (
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/model/monkeynet"
	"github.com/prioritycut/prioritycut/model/x2face"
)

// MonkeyNet is a configuration of the reference results of Monkey-Net.
type MonkeyNet struct {
	// Batch is the number of sources, and of driving frames.
	Batch int
	// Model has the convention of sampling that all but the forward results have.
	Model     monkeynet.Params
	Weights   monkeynet.LossWeights
	LossTerms []string
	// Transfer are relations of keypoints by name.
	Transfer map[string]Transfer
}

// Transfer is a relation of keypoints.
type Transfer struct {
	monkeynet.Relation `yaml:",inline"`
	MovementMult       bool `yaml:"movement_mult"`
}

// MonkeyNetConfig reads the configuration of that name: vox, bair or single.
func MonkeyNetConfig(t testing.TB, name string) MonkeyNet {
	t.Helper()
	var raw any
	if err := golden.BaselineConfig(&raw, "monkey", name); err != nil {
		t.Fatal(err)
	}
	data, err := yaml.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Batch        int              `yaml:"batch"`
		AlignCorners bool             `yaml:"align_corners"`
		Model        monkeynet.Params `yaml:"model_params"`
		Train        struct {
			Weights monkeynet.LossWeights `yaml:"loss_weights"`
		} `yaml:"train_params"`
		LossTerms []string            `yaml:"loss_terms"`
		Transfer  map[string]Transfer `yaml:"transfer_settings"`
	}
	file.Model = monkeynet.DefaultParams()
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	file.Model.AlignCorners = file.AlignCorners
	return MonkeyNet{
		Batch: file.Batch, Model: file.Model, Weights: file.Train.Weights, LossTerms: file.LossTerms, Transfer: file.Transfer,
	}
}

// X2FaceParams are those of the reference results of X2Face.
func X2FaceParams(t testing.TB) x2face.Params {
	t.Helper()
	var c struct {
		NGF          int  `json:"ngf"`
		Inner        int  `json:"inner_nc"`
		AlignCorners bool `json:"align_corners"`
	}
	if err := golden.BaselineConfig(&c, "x2face"); err != nil {
		t.Fatal(err)
	}
	return x2face.Params{
		NumLevels: 8, BlockExpansion: c.NGF, MaxFeatures: 8 * c.NGF, InnerFeatures: c.Inner,
		AlignCorners: c.AlignCorners, UpSampling: x2face.AsSampling,
	}
}
