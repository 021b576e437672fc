package train

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/internal/usage"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

// latest reads the notes of the newest intact checkpoint and returns the damaged
// ones that are newer. A folder whose run has taken steps, but has no checkpoint
// that can be read, is refused: to begin anew in it would lose what may still be
// had.
func (f *folder) latest() ([]checkpoint.Damaged, error) {
	newest, damaged, err := f.store.Latest()
	switch {
	case errors.Is(err, checkpoint.ErrNone):
		return nil, f.refuseTaken(damaged)
	case err != nil:
		return nil, f.refuse(err, "")
	}
	defer newest.Close()
	if f.meta, err = metaOf(newest); err != nil {
		return nil, f.refuse(err, "move that checkpoint's folder away to go on from the one before it")
	}
	f.resumed = true
	return damaged, nil
}

// refuse says that a run cannot go on, and what to do where err does not.
func (f *folder) refuse(err error, advice string) error {
	if advice != "" {
		advice = ": " + advice
	}
	return usage.Wrap(fmt.Errorf("the run in %s cannot go on: %w; nothing was changed%s", f.dir, err, advice))
}

// checkRows refuses a metrics.csv that cannot be read: it would have to be
// replaced.
func (f *folder) checkRows() error {
	_, err := ReadMetrics(f.dir.Metrics())
	if err == nil || errors.Is(err, iofs.ErrNotExist) {
		return nil
	}
	return f.refuse(err, "move that file away to go on without it")
}

// setAside takes damaged checkpoints their names, so that they never count as
// the newest; they are kept.
func (f *folder) setAside(damaged []checkpoint.Damaged) error {
	for _, d := range damaged {
		place, err := f.store.SetAside(d.Step)
		if err != nil {
			return err
		}
		glog.Warningf("the checkpoint of step %d is damaged and kept as %s; the run goes on from step %d: %v", d.Step, place, f.meta.Step, d.Err)
	}
	return nil
}

// refuseTaken refuses a folder without a checkpoint that shows that steps were
// taken, unless they were all taken before the first checkpoint.
func (f *folder) refuseTaken(damaged []checkpoint.Damaged) error {
	shows, err := f.traces()
	if err != nil {
		return f.refuse(err, "name another `out`, or move this folder away to begin anew")
	}
	if len(damaged) == 0 && (len(shows) == 0 || f.unsaved()) {
		return nil
	}
	text := fmt.Sprintf("the run in %s has taken steps, but %s has no checkpoint that can be read", f.dir, f.dir.Checkpoints())
	for _, d := range damaged {
		text += fmt.Sprintf("\n  %s: %v", filepath.Base(f.store.Dir(d.Step)), d.Err)
	}
	for _, path := range shows {
		text += fmt.Sprintf("\n  %s shows its steps", path)
	}
	return usage.Wrap(errors.New(text + "\nnothing was changed: bring the checkpoints back (is a disk not mounted?), name another `out`, " +
		"or move this folder away to begin anew"))
}

// traces names what only a run that has taken steps leaves. What cannot be read
// is an error.
func (f *folder) traces() ([]string, error) {
	var found []string
	rows, err := ReadMetrics(f.dir.Metrics())
	switch {
	case errors.Is(err, iofs.ErrNotExist):
	case err != nil:
		return nil, err
	case len(rows) > 0:
		found = append(found, fmt.Sprintf("%s (step %d)", f.dir.Metrics(), rows[len(rows)-1].Step))
	}
	if _, err := os.Lstat(f.dir.Summary()); err == nil {
		found = append(found, f.dir.Summary())
	}
	for dir, prefix := range map[string]string{f.dir.Pictures(): "train-", f.dir.Checkpoints(): "damaged-"} {
		entries, err := localfile.ReadDir(dir)
		if err != nil && !errors.Is(err, iofs.ErrNotExist) {
			return nil, err
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), prefix) {
				found = append(found, filepath.Join(dir, e.Name()))
				break
			}
		}
	}
	return found, nil
}

// unsavedMark is a file in the folder of checkpoints of a run that has not saved
// one yet. Where the folder is missing, or was emptied, so is the file.
const unsavedMark = ".none-yet"

func (f *folder) unsavedPath() string { return filepath.Join(f.dir.Checkpoints(), unsavedMark) }

// unsaved reports whether the run was killed before its first checkpoint.
func (f *folder) unsaved() bool {
	_, err := os.Lstat(f.unsavedPath())
	return err == nil
}

// markUnsaved notes, before the first step, that there is no checkpoint yet.
func (f *folder) markUnsaved() error {
	if f.resumed {
		return nil
	}
	if err := durable.MkdirAll(f.files, f.dir.Checkpoints()); err != nil {
		return err
	}
	return durable.WriteFileOn(f.files, f.unsavedPath(), nil)
}

// markSaved notes that there is a checkpoint.
func (f *folder) markSaved() error {
	if !f.unsaved() {
		return nil
	}
	if err := f.files.RemoveAll(f.unsavedPath()); err != nil {
		return err
	}
	return f.files.SyncDir(f.dir.Checkpoints())
}
