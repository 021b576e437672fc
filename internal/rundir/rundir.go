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

// Curves is the picture of what Metrics says.
func (d Dir) Curves() string { return d.join("curves.png") }

// Pictures is the folder of picture grids.
func (d Dir) Pictures() string { return d.join("pictures") }

// Events is the folder of TensorBoard's event files.
func (d Dir) Events() string { return d.join("events") }

// Logs is the folder of the programs' logs.
func (d Dir) Logs() string { return d.join("logs") }

// Readme is the note that explains the folder.
func (d Dir) Readme() string { return d.join("README.txt") }

func (d Dir) join(name string) string { return filepath.Join(string(d), name) }

// Is reports whether a folder looks like that of a run.
func (d Dir) Is() bool {
	info, err := os.Stat(d.Config())
	return err == nil && info.Mode().IsRegular()
}
