// Package golden holds reference results to compare with: inputs, weights and
// outputs of the networks, losses, gradients and training steps, computed by
// other programs. testdata/README.md tells what the files hold, and what
// counts as equal. Only tests import it.
package golden

import (
	"bytes"
	"compress/gzip"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"

	"github.com/prioritycut/prioritycut/internal/npz"
)

//go:embed testdata
var files embed.FS

// The archives of arrays, for Load.
const (
	ForwardFile          = "forward"            // outputs of every network and loss, eval mode
	WeightsFile          = "weights"            // state dicts of every network
	GradsFile            = "grads"              // gradients of the total loss, eval mode
	TrainAdvFile         = "train3_fomm-adv"    // three training steps of fomm-adv
	TrainPriorityCutFile = "train3_prioritycut" // three training steps of prioritycut
	MetricsFile          = "metrics"            // metrics of picture pairs and joints
	AdamFile             = "small_adam"         // optimiser state of the checkpoint files, by name
)

// File is an archive of named arrays. It is safe for concurrent use; arrays
// are decoded once, when first asked for.
type File struct {
	// Name is the name that Load was given.
	Name    string
	archive *npz.File

	mu     sync.Mutex
	arrays map[string]Array
}

var loaded struct {
	sync.Mutex
	files map[string]*File
}

// Load opens the archive of that name, ForwardFile and so on.
func Load(name string) (*File, error) {
	loaded.Lock()
	defer loaded.Unlock()
	if f := loaded.files[name]; f != nil {
		return f, nil
	}
	data, err := files.ReadFile("testdata/" + name + ".npz")
	if err != nil {
		return nil, fmt.Errorf("golden file %s: %w", name, err)
	}
	archive, err := npz.Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("golden file %s: %w", name, err)
	}
	f := &File{Name: name, archive: archive, arrays: map[string]Array{}}
	if loaded.files == nil {
		loaded.files = map[string]*File{}
	}
	loaded.files[name] = f
	return f, nil
}

// Names returns the names of the arrays that begin with prefix, in the order
// of the file.
func (f *File) Names(prefix string) []string {
	var names []string
	for _, n := range f.archive.Names() {
		if strings.HasPrefix(n, prefix) {
			names = append(names, n)
		}
	}
	return names
}

// Array returns the named array. Its data are the caller's.
func (f *File) Array(name string) (Array, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, ok := f.arrays[name]
	if !ok {
		stored, err := f.archive.Array(name)
		if err != nil {
			return Array{}, fmt.Errorf("golden file %s: %w", f.Name, err)
		}
		a = Array{Name: name, Data: stored.Float64s()}
		for _, d := range stored.Shape {
			a.Shape = append(a.Shape, int(d))
		}
		f.arrays[name] = a
	}
	return a.clone(), nil
}

// Bytes returns a file as it was made: "config.json", "small.yaml",
// "small.pth.tar" (PyTorch's legacy format), "small-zip.pth.tar" (today's).
func Bytes(name string) ([]byte, error) {
	data, err := files.ReadFile("testdata/" + name)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return data, err
	}
	packed, gzErr := files.ReadFile("testdata/" + name + ".gz")
	if gzErr != nil {
		return nil, fmt.Errorf("golden file %s: %w", name, err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("golden file %s: %w", name, err)
	}
	data, err = io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("golden file %s: %w", name, err)
	}
	return data, nil
}

// ZeroGradients returns the parameters whose gradient is zero by construction
// in the file of that name: what the file holds for them is rounding. Tests
// assert that ours is zero too (ZeroGradient, ZeroChange).
func ZeroGradients(file string) (map[string]bool, error) {
	list := "zero_gradients.txt"
	if name, ok := strings.CutPrefix(file, Baselines); ok {
		list, file = Baselines+list, name
	}
	data, err := Bytes(list)
	if err != nil {
		return nil, err
	}
	zero := map[string]bool{}
	for _, line := range strings.Split(string(data), "\n") {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == file {
			zero[fields[1]] = true
		}
	}
	if len(zero) == 0 {
		return nil, fmt.Errorf("zero_gradients.txt lists nothing for %q", file)
	}
	return zero, nil
}
