package infer

import (
	"errors"
	"fmt"
	"io/fs"

	"go.yaml.in/yaml/v3"

	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
	"github.com/prioritycut/prioritycut/video"
)

// NotesVersion is the version of Notes that this package writes, and the newest
// that it reads.
const NotesVersion = 1

// Notes say what an exported model is. The whole configuration of the training
// run lies beside them, as config.FileName.
type Notes struct {
	FormatVersion int `yaml:"format_version"`
	// Step of the training run, and Digest of its weights
	// (Model.Digest).
	Step   int64  `yaml:"step"`
	Digest string `yaml:"digest"`
	// Preset and Variant that it was trained with.
	Preset  string `yaml:"preset"`
	Variant string `yaml:"variant"`
	// FrameShape is [height, width, channels] of its pictures.
	FrameShape [3]int `yaml:"frame_shape"`
	// Fit says how pictures of another size come to it (crop, pad or stretch);
	// SigBytes does so by itself.
	Fit video.Fit `yaml:"fit"`
	// AlignCorners is the convention of bilinear sampling; the graph obeys it.
	AlignCorners bool `yaml:"align_corners"`
	// Family of networks; empty, as written before there were several, is fomm.
	Family model.FamilyName `yaml:"family"`
	// NumKP is the number of keypoints, 0 of a family that has none.
	NumKP int `yaml:"num_kp"`
	// Jacobians says whether keypoints have Jacobians, Occlusion whether there
	// is an occlusion map.
	Jacobians bool `yaml:"jacobians"`
	Occlusion bool `yaml:"occlusion"`
	// UseRelativeMovement, UseRelativeJacobian and AdaptMovementScale are the
	// configuration's. SigDefault moves relatively in any case, its Jacobians
	// too where UseRelativeJacobian says so, and never scales.
	UseRelativeMovement bool `yaml:"use_relative_movement"`
	UseRelativeJacobian bool `yaml:"use_relative_jacobian"`
	AdaptMovementScale  bool `yaml:"adapt_movement_scale"`
	// Frozen says that the weights are constants of the graph.
	Frozen bool `yaml:"frozen"`
}

// NotesOf are the notes of a trained model.
func NotesOf(m *Model, frozen bool) Notes {
	c, family := m.Config, m.Config.Family()
	can := family.Can()
	move := c.Animate.Normalization
	return Notes{
		FormatVersion:       NotesVersion,
		Step:                m.Meta.Step,
		Digest:              m.Digest(),
		Preset:              m.Meta.Preset,
		Variant:             m.Meta.Variant,
		FrameShape:          c.Dataset.FrameShape,
		Fit:                 video.Fit(c.Dataset.Fit),
		AlignCorners:        c.Model.AlignCorners,
		Family:              family.Name(),
		NumKP:               can.NumKP,
		Jacobians:           can.Jacobian,
		Occlusion:           can.Occlusion,
		UseRelativeMovement: move.UseRelativeMovement,
		UseRelativeJacobian: move.UseRelativeJacobian,
		AdaptMovementScale:  move.AdaptMovementScale,
		Frozen:              frozen,
	}
}

// Encode writes the notes as YAML.
func (n Notes) Encode() ([]byte, error) { return yaml.Marshal(n) }

// ReadNotes reads the notes of the SavedModel that a path names: a version's
// folder, or a folder of versions (the newest one). The error is fs.ErrNotExist
// for a SavedModel of another program.
func ReadNotes(path string) (*Notes, error) {
	text, err := savedmodel.Extra(path, NotesFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("SavedModel %s was not exported by this program: assets.extra/%s: %w", path, NotesFile, err)
	}
	if err != nil {
		return nil, err
	}
	n, err := decodeNotes(text)
	if err != nil {
		return nil, fmt.Errorf("SavedModel %s: %s: %w", path, NotesFile, err)
	}
	return n, nil
}

func decodeNotes(text []byte) (*Notes, error) {
	n := &Notes{}
	if err := yaml.Unmarshal(text, n); err != nil {
		return nil, err
	}
	return n, n.check()
}

func (n *Notes) check() error {
	if n.FormatVersion > NotesVersion {
		return fmt.Errorf("format_version is %d, this program reads up to %d: use a newer one", n.FormatVersion, NotesVersion)
	}
	if n.FormatVersion < 1 {
		return fmt.Errorf("format_version is %d: the notes are damaged", n.FormatVersion)
	}
	if h, w, c := n.FrameShape[0], n.FrameShape[1], n.FrameShape[2]; h < 1 || w < 1 || h > video.MaxSide || w > video.MaxSide || c != 3 {
		return fmt.Errorf("frame_shape is %v", n.FrameShape)
	}
	if fomm := n.Family == "" || n.Family == model.FOMMFamily; n.NumKP < 0 || n.NumKP == 0 && fomm {
		return fmt.Errorf("num_kp is %d", n.NumKP)
	}
	if err := n.Fit.Validate(); err != nil {
		return fmt.Errorf("fit: %w", err)
	}
	return nil
}
