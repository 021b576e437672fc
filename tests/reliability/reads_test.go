package reliability

import (
	"encoding/binary"
	"errors"
	"image"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/internal/fault"
	"github.com/prioritycut/prioritycut/internal/picture"
	"github.com/prioritycut/prioritycut/internal/sheet"
	"github.com/prioritycut/prioritycut/video"
	"github.com/prioritycut/prioritycut/weights"
)

// TestReads tries what is promised of disks that fail while they are read from.
// Checkpoints, SavedModels and runs have tests of their own.
func TestReads(t *testing.T) {
	keep(t, promise{"a read that fails is told with the file's name", unreadable, 1, 1})
}

// unreadable fails every call that opens or reads a file of each kind.
func unreadable(t *testing.T, _ int) (tries int) {
	dir := t.TempDir()
	for name, read := range readers(t, dir) {
		all := &fault.FS{}
		restore := all.Reads()
		err := read(filepath.Join(dir, name))
		restore()
		calls := len(all.Calls())
		if err != nil || calls < 2 {
			t.Fatalf("%s: %d calls, %v", name, calls, err)
		}
		for i := range calls {
			restore := (&fault.FS{Plan: fault.At(i, 1, fault.Fault{Err: syscall.EIO})}).Reads()
			err := read(filepath.Join(dir, name))
			restore()
			if !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), name) {
				failf(t, "%s, call %d: %v", name, i, err)
			}
			tries++
		}
	}
	return tries
}

// readers makes a file of each kind and says how it is read.
func readers(t *testing.T, dir string) map[string]func(path string) error {
	header := `{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`
	files := map[string][]byte{
		"config.yaml":         []byte("train_params:\n  batch_size: 2\n"),
		"pairs.csv":           []byte("source,driving\na,b\n"),
		"weights.safetensors": append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), 0, 0, 128, 63),
	}
	var err error
	if files["frame.png"], err = picture.PNG(image.NewRGBA(image.Rect(0, 0, 32, 32))); err != nil {
		t.Fatal(err)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return map[string]func(path string) error{
		"config.yaml": func(path string) error {
			_, _, err := config.Resolve(config.Options{ConfigFile: path})
			return err
		},
		"pairs.csv": func(path string) error {
			s, err := sheet.Open(path, 1<<20)
			if err != nil {
				return err
			}
			return s.Close()
		},
		"weights.safetensors": func(path string) error {
			_, err := weights.Open(path)
			return err
		},
		"frame.png": func(path string) error {
			_, err := video.ReadPicture(path, video.Limits{})
			return err
		},
	}
}
