package savedmodel

import (
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/fault"
	"github.com/prioritycut/prioritycut/tf"
)

// Models that cannot be read are refused by the file's name.
func TestFailedReadsOfSavedModels(t *testing.T) {
	dir := write(t, filepath.Join(t.TempDir(), "m"), line(t, []float32{1, 2, 3}, []float32{4, 5, 6}))
	read := func() error {
		m, err := Open(dir, tf.SessionConfig{})
		if err == nil {
			err = m.Close()
		}
		return err
	}
	fault.EachRead(t, read, func(c fault.Call, err error) {
		if !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), filepath.Base(c.Path)) {
			t.Errorf("%v: %v", c, err)
		}
	})
}

// What cannot be read is not taken for finite.
func TestFailedReadsAreNotFinite(t *testing.T) {
	if err := checkFiniteAt(unread{}, tensorflow.Float, 0, 8); !errors.Is(err, syscall.EIO) {
		t.Errorf("%v", err)
	}
}

type unread struct{}

func (unread) ReadAt([]byte, int64) (int, error) { return 0, syscall.EIO }
