// Package rundir says what lies where in the folder of a training run, so that
// whoever trains, evaluates, exports or animates finds it. It reads and writes
// the notes that a checkpoint carries; the tensors are tf's business.
package rundir

import (
	"os"
	"path/filepath"
)

// Dir is the folder of a run.
type Dir string

// Default is the folder of a run that names none: runs/<preset>-<variant>.
func Default(preset, variant string) string {
	return filepath.Join("runs", preset+"-"+variant)
}

// Config is the resolved configuration.
func (d Dir) Config() string { return d.join("config.yaml") }

// Metrics is the table of losses and validations.
func (d Dir) Metrics() string { return d.join("metrics.csv") }

// Summary is the table of what the finished run reached on unseen videos.
func (d Dir) Summary() string { return d.join("summary.csv") }

// Checkpoints is the folder of checkpoints.
func (d Dir) Checkpoints() string { return d.join("checkpoints") }

// Pictures is the folder of picture grids.
func (d Dir) Pictures() string { return d.join("pictures") }

// Events is the folder of TensorBoard's event files.
func (d Dir) Events() string { return d.join("events") }

// Readme is the note that explains the folder.
func (d Dir) Readme() string { return d.join("README.txt") }

func (d Dir) join(name string) string { return filepath.Join(string(d), name) }

// Is reports whether a folder looks like that of a run.
func (d Dir) Is() bool {
	info, err := os.Stat(d.Config())
	return err == nil && info.Mode().IsRegular()
}

// WriteFile replaces a file as a whole: a crash leaves the old one or the new
// one, never half of one.
func WriteFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".tmp-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
