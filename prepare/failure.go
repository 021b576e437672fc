package prepare

import (
	"errors"
	"fmt"
	"os"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/tfrecord"
)

// writeError is trouble with what is written: the run cannot go on.
type writeError struct{ err error }

func (e *writeError) Error() string {
	if durable.IsFull(e.err) {
		return fmt.Sprintf("the disk is full (%v): what is done is kept; make room and type the same again", e.err)
	}
	return fmt.Sprintf("writing the data set: %v", e.err)
}

func (e *writeError) Unwrap() error { return e.err }

// outputError marks an error as one of what is written; nil stays nil.
func outputError(err error) error {
	if err == nil {
		return nil
	}
	return &writeError{err}
}

// modelError is trouble with the keypoint detector, not with a video.
type modelError struct{ err error }

func (e *modelError) Error() string { return e.err.Error() }
func (e *modelError) Unwrap() error { return e.err }

// stopsAll tells errors that no other input would be spared from those of one
// input.
func stopsAll(err error) bool {
	var w *writeError
	var m *modelError
	return errors.As(err, &w) || errors.As(err, &m)
}

// removeAll removes a temporary folder; what cannot be removed is left to the
// next run.
func removeAll(path string) { _ = os.RemoveAll(path) }

// isCorrupt says that a file of records is damaged, rather than unreadable.
func isCorrupt(err error) bool {
	var corrupt *tfrecord.CorruptError
	return errors.As(err, &corrupt)
}
