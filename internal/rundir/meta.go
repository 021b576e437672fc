package rundir

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// FormatVersion of run folders, the notes of their checkpoints and their
// tables. Older ones are read, newer ones refused.
const FormatVersion = 1

// The groups of tensors in a checkpoint.
const (
	// Weights are what the optimisers move.
	Weights = "weights"
	// State are running averages and spectral vectors.
	State = "state"
	// Optimizer are Adam's moments and the counters of steps.
	Optimizer = "optimizer"
)

// Meta are the notes that a checkpoint carries beside its tensors.
type Meta struct {
	FormatVersion int `json:"format_version"`
	// Step counts the steps taken, Attempt those tried: refused ones count
	// too. With the seed they determine everything random that follows.
	Step    int64 `json:"step"`
	Attempt int64 `json:"attempt"`
	Seed    int64 `json:"seed"`
	// ConfigHash identifies what the run means (config.Config.Hash).
	ConfigHash string `json:"config_hash"`
	Preset     string `json:"preset"`
	Variant    string `json:"variant"`
	// FrameShape is [height, width, channels]; Fit says how frames of another
	// size come to it.
	FrameShape [3]int `json:"frame_shape"`
	Fit        string `json:"fit"`
	// AlignCorners is the convention of bilinear sampling.
	AlignCorners bool `json:"align_corners"`
	// VGG19 says what the perceptual loss compared: "random" or the SHA-256 of
	// the weights.
	VGG19 string `json:"vgg19"`
	// TrainVideos counts the items of an epoch and Data is a digest of the names
	// of all videos (dataset.Dataset.Digest).
	TrainVideos int    `json:"train_videos"`
	Data        string `json:"data,omitempty"`
	// BestStep is the step with the least validation error so far, BestL1 that
	// error; both absent without a validation.
	BestStep int64   `json:"best_step,omitempty"`
	BestL1   float64 `json:"best_l1,omitempty"`
	// ValidationDue says that the validation of this step was cut short by a
	// signal: whoever goes on does it first.
	ValidationDue bool `json:"validation_due,omitempty"`
	// MetricsRows are rows of metrics.csv, below their columns' names, that could not be
	// written there.
	MetricsRows string `json:"metrics_rows,omitempty"`
	// Numerics are the settings of the process and the processor's level that
	// change the last bits of what is computed (machine.Numerics).
	Numerics map[string]string `json:"numerics,omitempty"`
	// Config is the whole resolved configuration, as in config.yaml.
	Config string `json:"config"`
}

// Encode writes the notes for a checkpoint.
func (m Meta) Encode() (json.RawMessage, error) {
	m.FormatVersion = FormatVersion
	return json.Marshal(m)
}

// DecodeMeta reads the notes of a checkpoint.
func DecodeMeta(data json.RawMessage) (Meta, error) {
	var m Meta
	if len(data) == 0 || bytes.Equal(bytes.TrimSpace(data), []byte("null")) {
		return m, fmt.Errorf("it carries no notes of a training run")
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, fmt.Errorf("its notes: %w", err)
	}
	switch {
	case m.FormatVersion > FormatVersion:
		return m, fmt.Errorf("its notes have format_version %d, this program reads up to %d: use a newer one", m.FormatVersion, FormatVersion)
	case m.FormatVersion < 1:
		return m, fmt.Errorf("its notes have format_version %d: they are damaged or none of a training run", m.FormatVersion)
	case m.Step < 0 || m.Attempt < m.Step:
		return m, fmt.Errorf("its notes say step %d and attempt %d, which cannot be", m.Step, m.Attempt)
	}
	return m, nil
}
