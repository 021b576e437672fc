package convert

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/model"
)

// Options say what to convert.
type Options struct {
	// Checkpoint is a file of weights; or one of our checkpoints: the folder of
	// a run (its newest), of checkpoints, or the checkpoint's own.
	Checkpoint string
	// Out is what is written: a folder, or a file that ends in .safetensors.
	Out string
	// ConfigFile, Preset, Sets and Variant describe the networks of a file, as
	// in config.Options; a file of ours and a checkpoint of ours carry their
	// configuration. An empty Variant is that of the file's discriminator.
	ConfigFile, Preset string
	Sets               []string
	Variant            string
	// WeightsOnly leaves the states of optimisers out.
	WeightsOnly bool
	// Parametrizations writes a file whose spectral normalisation has the names
	// of torch.nn.utils.parametrizations (parametrizations.weight.original,
	// .0._u, .0._v), not those of torch.nn.utils.spectral_norm (weight_orig,
	// weight_u, weight_v). Files are read by either.
	Parametrizations bool
}

// Job is a conversion whose input has been read and checked as a whole.
type Job interface {
	// List writes every tensor that is converted, its shapes on both sides and
	// what is left out.
	List(w io.Writer) error
	// Write writes Options.Out, all of it or nothing under that name, and tells
	// w what it is.
	Write(w io.Writer) error
	// Made says what Write makes.
	Made() Made
	// Close frees the input.
	Close() error
}

// Made says what a conversion is good for, so that a program can tell what may
// come next.
type Made struct {
	// Variant is what a training goes on as from the folder of a run; empty where
	// a file is made.
	Variant model.Variant
	// Features says that such a training compares features of VGG-19.
	Features bool
	// VGG19 says that the file holds these weights.
	VGG19 bool
}

// Read reads and checks what is to be converted. Its errors are mended by other
// options or another file: nothing has been written. A file that does not fit
// its configuration gives a *MismatchError.
func Read(o Options) (Job, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	info, err := os.Stat(o.Checkpoint)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	if info.IsDir() {
		return openFolder(o)
	}
	return openFile(o)
}

func (o Options) check() error {
	switch {
	case o.Checkpoint == "":
		return errors.New("nothing to convert: give `checkpoint`=FILE (.pth.tar, .npz, .safetensors) or the folder of a run")
	case o.Out == "":
		return errors.New("nowhere to write: give `out`=FOLDER, or `out`=FILE.safetensors")
	}
	if ext := strings.ToLower(filepath.Ext(o.Out)); slices.Contains([]string{".npz", ".pth", ".pt", ".tar", ".ckpt", ".h5", ".pkl"}, ext) {
		return fmt.Errorf("`out`=%s: files are written as .safetensors only, which PyTorch, TensorFlow and JAX read; a name without ending makes a folder", o.Out)
	}
	if o.Parametrizations && !o.toFile() {
		return errors.New("`parametrizations` gives the tensors of a file names: it goes with `out`=FILE.safetensors")
	}
	return checkVacant(o.Out)
}

// toFile reports whether a .safetensors file is asked for, not a folder.
func (o Options) toFile() bool { return strings.EqualFold(filepath.Ext(o.Out), fileExt) }

const fileExt = ".safetensors"

// checkVacant demands that nothing would be overwritten: no file, no folder
// with anything in it.
func checkVacant(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("`out`: %w", err)
	}
	if info.IsDir() {
		entries, err := localfile.ReadDir(path)
		if err != nil {
			return fmt.Errorf("`out`: %w", err)
		}
		if len(entries) == 0 {
			return nil
		}
		return fmt.Errorf("`out`=%s: the folder exists and is not empty: name another", path)
	}
	return fmt.Errorf("`out`=%s exists: name another, or remove it", path)
}
