package infer

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"

	"github.com/golang/glog"
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/internal/usage"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

// Model is a trained model: its configuration and its weights.
type Model struct {
	// Dir is the folder of the checkpoint.
	Dir string
	// Config is the whole configuration that it was trained with.
	Config *config.Config
	// Meta are the notes of the checkpoint: step, sizes, conventions.
	Meta rundir.Meta

	weights map[string]*tensorflow.Tensor
	digest  func() string
}

// OpenCheckpoint opens what a path names: a run (its newest intact checkpoint),
// a folder of checkpoints (likewise), or one checkpoint. Damaged checkpoints
// that are newer are logged. The caller closes the checkpoint. Groups to keep are
// as of checkpoint.Open.
func OpenCheckpoint(path string, keep ...string) (*checkpoint.Checkpoint, error) {
	dir := path
	if rundir.Dir(dir).Is() {
		dir = rundir.Dir(dir).Checkpoints()
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, err
	}
	c, damaged, err := checkpoint.OpenStore(dir).Latest(keep...)
	for _, d := range damaged {
		glog.Warningf("%s: %v", path, d.Err)
	}
	if errors.Is(err, checkpoint.ErrNone) && len(damaged) == 0 {
		c, err = checkpoint.Open(dir, keep...)
	}
	return c, err
}

// Load reads a trained model: path names a run, a folder of checkpoints, or one
// checkpoint (.../checkpoints/step-00000700). A file of weights that others made
// is refused with what to do about it.
func Load(path string) (*Model, error) {
	c, err := OpenCheckpoint(path, rundir.Weights, rundir.State)
	if err != nil {
		if advice := foreign(path); advice != nil {
			return nil, advice
		}
		return nil, fmt.Errorf("trained model %s: %w; name the folder of a run or of a checkpoint", path, err)
	}
	defer c.Close()
	m := &Model{Dir: c.Dir}
	if err := m.read(c); err != nil {
		return nil, fmt.Errorf("checkpoint %s: %w", c.Dir, err)
	}
	return m, nil
}

// foreign says what to do about a file of weights that others made.
func foreign(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return nil
	}
	for _, ext := range []string{".tar", ".pth", ".pt", ".npz", ".safetensors"} {
		if strings.EqualFold(filepath.Ext(path), ext) {
			return fmt.Errorf("%s is a file of weights, not a run: first %s, then name runs/NAME",
				path, usage.Call("convert", "checkpoint="+path, "config=ITS.yaml", "out=runs/NAME"))
		}
	}
	return nil
}

// IsMissing tells whether a model could not be opened because there is nothing
// under its path.
func IsMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

func (m *Model) read(c *checkpoint.Checkpoint) error {
	var err error
	if m.Meta, err = rundir.DecodeMeta(c.Meta); err != nil {
		return err
	}
	if m.Config, err = config.Unmarshal([]byte(m.Meta.Config), c.Dir); err != nil {
		return err
	}
	// What decides how weights are used lies in the notes too; two answers to
	// one question would be a silent mistake.
	if m.Config.Model.AlignCorners != m.Meta.AlignCorners || m.Config.Dataset.FrameShape != m.Meta.FrameShape ||
		string(m.Config.Dataset.Fit) != m.Meta.Fit {
		return errors.New("its notes and its configuration disagree about align_corners, frame_shape or fit")
	}
	if m.weights, err = Stored(c, rundir.Weights, rundir.State); err != nil {
		return err
	}
	m.digest, err = digestOf(m.weights)
	return err
}

// Digest is the SHA-256 of the names and values of all weights and averages, in
// hexadecimal: equal digests are equal models. It is computed when it is first
// asked for, which takes longer than reading the weights does.
func (m *Model) Digest() string { return m.digest() }

// Size is the height and width of the pictures that it was trained on.
func (m *Model) Size() (h, w int) {
	return m.Config.Dataset.FrameShape[0], m.Config.Dataset.FrameShape[1]
}

// Assign gives the variables of s (weights, averages, spectral vectors) their
// trained values: every one must be there with its shape. What the model has
// beyond them, such as a discriminator, is left alone.
func (m *Model) Assign(run graph.Runner, s *graph.Scope) error {
	values, wrong := Match(s.Variables(graph.Trainable, graph.State), m.weights)
	if len(wrong) > 0 {
		return fmt.Errorf("checkpoint %s does not fit its own configuration: %s", m.Dir, Some(wrong))
	}
	return graph.Assign(run, values)
}

// Has reports whether the model has weights whose names begin with prefix, such
// as "discriminator.".
func (m *Model) Has(prefix string) bool {
	for name := range m.weights {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// digestOf checks that all weights can be read, and returns what computes their
// digest.
func digestOf(weights map[string]*tensorflow.Tensor) (func() string, error) {
	names := make([]string, 0, len(weights))
	raw := make(map[string][]byte, len(weights))
	for name, t := range weights {
		b, err := tf.Bytes(t)
		if err != nil {
			return nil, fmt.Errorf("tensor %s: %w", name, err)
		}
		names, raw[name] = append(names, name), b
	}
	sort.Strings(names)
	return sync.OnceValue(func() string {
		h := sha256.New()
		for _, name := range names {
			t := weights[name]
			fmt.Fprintf(h, "%s %v %v\n", name, t.DataType(), t.Shape())
			h.Write(raw[name])
		}
		runtime.KeepAlive(weights) // raw is their memory
		return hex.EncodeToString(h.Sum(nil))
	}), nil
}
