package result

import (
	"path/filepath"
	"time"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/patience"
)

// Writing says how results are written: tables, pictures, pages and detectors.
type Writing struct {
	Files durable.FileSystem
	// Patience forgives writes that fail. Pause is how long the next try waits
	// where there is no later moment for it; saves of a table that grows that
	// fail are as far from each other as those that succeed.
	Patience *patience.Patience
	Pause    time.Duration
}

// NewWriting writes to the operating system's file system. What fails is tried
// again after a second, and most failures in a row of one kind of file end it; by
// names the setting of that, if there is one. Out is where it is written to, kept
// what the same command finds done, if anything.
func NewWriting(most int, by, out, kept string) Writing {
	advice := "free space, or mend what holds " + out + ", and type the same command again"
	if kept != "" {
		advice += ": " + kept
	}
	return Writing{Files: durable.OS{}, Patience: patience.New(most, by, advice), Pause: time.Second}
}

// Insist writes what there is no later moment for; what names it, when it fails.
func (w Writing) Insist(what string, write func() error) error {
	return w.Patience.Insist(what, w.Pause, write)
}

// File insists on a file, as a whole. Missing folders are made.
func (w Writing) File(what, path string, data []byte) error {
	return w.Insist(what, func() error {
		if err := w.Files.MkdirAll(filepath.Dir(path)); err != nil {
			return err
		}
		return durable.WriteFileOn(w.Files, path, data)
	})
}
