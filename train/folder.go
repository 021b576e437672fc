package train

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/folderlock"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/internal/usage"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

// folder is the run's folder, locked, and what it says of the run so far.
type folder struct {
	dir  rundir.Dir
	lock *folderlock.Lock
	// behind is the lock of what a link called checkpoints leads to; nil without.
	behind *folderlock.Lock
	store  *checkpoint.Store
	files  durable.FileSystem
	// meta are the notes of the newest checkpoint, or those of a run that has
	// not taken a step.
	meta rundir.Meta
	// resumed says that there is a checkpoint to go on from.
	resumed bool
	// logged is every how many steps the run has written a row of metrics.csv.
	logged int64
	// made are the folders that were not there before, the run's own first.
	made []string
}

// openFolder makes a run's folder, or opens the folder of a run that goes on
// and checks that the configuration means the same. Another trainer on it is an
// error.
func openFolder(dir rundir.Dir, c *config.Config, files durable.FileSystem) (*folder, error) {
	if err := digestVGG(&c.VGG19); err != nil {
		return nil, err
	}
	if err := checkForeign(dir); err != nil {
		return nil, err
	}
	f := &folder{dir: dir, store: checkpoint.OpenStoreOn(files, dir.Checkpoints()), files: files, made: missing(string(dir))}
	if err := os.MkdirAll(string(dir), 0o777); err != nil {
		return nil, usage.Wrap(fmt.Errorf("run folder: %w", err))
	}
	var err error
	if f.lock, err = folderlock.Acquire(string(dir)); err != nil {
		return nil, err
	}
	if err = f.lockBehind(); err == nil {
		err = f.open(c)
	}
	if err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// lockBehind locks the run whose folder of checkpoints a link of ours leads to, or
// that folder itself: two runs must not write to it at once. A link that leads
// nowhere is told of by whoever lists the checkpoints.
func (f *folder) lockBehind() error {
	behind, err := filepath.EvalSymlinks(f.dir.Checkpoints())
	if err != nil {
		return nil
	}
	our, err := filepath.EvalSymlinks(string(f.dir))
	if err != nil || filepath.Dir(behind) == our {
		return err
	}
	if run := filepath.Dir(behind); rundir.Dir(run).Is() {
		behind = run
	}
	f.behind, err = folderlock.Acquire(behind)
	return err
}

// missing lists a folder and those above it that do not exist, the deepest
// first.
func missing(dir string) (list []string) {
	for {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			return list
		}
		list = append(list, dir)
		dir = filepath.Dir(dir)
	}
}

// close releases the folder. One that was made for a run that did not begin,
// say because its data cannot be read, is removed.
func (f *folder) close() {
	if err := f.behind.Unlock(); err != nil {
		glog.Warning(err)
	}
	if len(f.made) == 0 || !f.unused() {
		if err := f.lock.Unlock(); err != nil {
			glog.Warning(err)
		}
		return
	}
	if err := f.lock.Discard(); err != nil {
		glog.Warning(err)
	}
	for _, dir := range f.made {
		if os.Remove(dir) != nil { // somebody else's files are in it
			return
		}
	}
}

// unused reports whether the run has written nothing.
func (f *folder) unused() bool {
	entries, err := localfile.ReadDir(string(f.dir))
	if err != nil {
		return false
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			return false
		}
	}
	return true
}

// open reads what the folder says of the run and takes the configuration in.
func (f *folder) open(c *config.Config) error {
	// Nothing is changed before all that could refuse has been read.
	damaged, err := f.latest()
	if err != nil {
		return err
	}
	if f.resumed {
		if err := f.compare(c); err != nil {
			return err
		}
		if err := f.checkRows(); err != nil {
			return err
		}
	}
	if err := f.setAside(damaged); err != nil {
		return err
	}
	if err := f.clean(); err != nil {
		return err
	}
	return f.note(c)
}

// clean removes what a process left half written when it was killed.
func (f *folder) clean() error {
	for dir, mark := range map[string]string{string(f.dir): ".tmp-", f.dir.Pictures(): ".picture-"} {
		entries, err := localfile.ReadDir(dir)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("cleaning up: %w", err)
		}
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), ".") || !strings.Contains(e.Name(), mark) {
				continue
			}
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return fmt.Errorf("cleaning up: %w", err)
			}
		}
	}
	return f.store.Clean()
}

// compare refuses a configuration that means another run than the one that the
// checkpoint belongs to. Without a checkpoint there is nothing to go on from,
// and a run that never took a step may change in any way.
func (f *folder) compare(c *config.Config) error {
	was, err := config.Unmarshal([]byte(f.meta.Config), f.store.Dir(f.meta.Step))
	if err != nil {
		return f.refuse(err, "")
	}
	f.logged = was.Train.LogSteps
	config.TakePlan(was, c)
	diffs := config.DiffForResume(was, c)
	if err := config.RefuseOnResume(diffs); err != nil {
		return usage.Wrap(fmt.Errorf("%s: %w", f.dir, err))
	}
	for _, d := range diffs {
		glog.Infof("changed since the run was begun: %v", d)
	}
	return nil
}

// note keeps the configuration for the folder and for coming checkpoints.
func (f *folder) note(c *config.Config) error {
	text, err := c.Marshal()
	if err != nil {
		return err
	}
	m := &f.meta
	m.Seed, m.ConfigHash, m.Preset, m.Variant = c.Seed, c.Hash(), c.Preset, string(c.Variant)
	m.FrameShape, m.Fit, m.AlignCorners = c.Dataset.FrameShape, string(c.Dataset.Fit), c.Model.AlignCorners
	m.VGG19, m.Config = vggNote(c.VGG19), string(text)
	return nil
}

// write writes what explains the run.
func (f *folder) write() error {
	if err := durable.WriteFileOn(f.files, f.dir.Readme(), []byte(readme)); err != nil {
		return err
	}
	if err := f.writeConfig(); err != nil {
		return err
	}
	return f.markUnsaved()
}

// writeConfig writes the configuration as it was noted.
func (f *folder) writeConfig() error {
	return durable.WriteFileOn(f.files, f.dir.Config(), []byte(f.meta.Config))
}

// savedStep is the step of the checkpoint that the run goes on from, -1 without.
func (f *folder) savedStep() int64 {
	if f.resumed {
		return f.meta.Step
	}
	return -1
}

// complete reports whether the run has taken all of total steps, 0 if that is
// not known yet, and has said what it reached.
func (f *folder) complete(total int64) bool {
	if !f.resumed || total == 0 || f.meta.Step < total {
		return false
	}
	_, err := os.Stat(f.dir.Summary())
	return err == nil
}

// tellComplete says that there is nothing left to do.
func (f *folder) tellComplete(out io.Writer) {
	fmt.Fprintf(out, "the run in %s is complete after %d steps; a larger `steps` goes on, another `out` begins a new run\n", f.dir, f.meta.Step)
}

// own are the names that a run makes in its folder.
var own = []string{"README.txt", "checkpoints", "config.yaml", "curves.png", "events", "logs", "metrics.csv", "pictures", "summary.csv"}

// checkForeign refuses a folder that has files but no run.
func checkForeign(dir rundir.Dir) error {
	if dir.Is() {
		return nil
	}
	entries, err := localfile.ReadDir(string(dir))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	for _, e := range entries {
		known := strings.HasPrefix(e.Name(), ".")
		for _, name := range own {
			known = known || e.Name() == name
		}
		if !known {
			return usage.Wrap(fmt.Errorf("run folder %s has files but no run (%s, but no config.yaml): name another `out`", dir, e.Name()))
		}
	}
	return nil
}

// readme explains a run's folder to whoever finds it.
const readme = `This folder holds a training run of PriorityCut (format_version 1).

  config.yaml    every setting of the run, with its documentation
  metrics.csv    a row per logged step: losses (weighted), measurements,
                 learning rates, gradient norms, times, validation
  curves.png     losses and errors on unseen videos, drawn from it
  summary.csv    what the finished run reached on unseen videos
  pictures/      grids of what the model does, by step: train-... with the
                 videos that it learns from, unseen-... with others
  events/        the same numbers and pictures for TensorBoard
                 (pip install tensorboard):
                 tensorboard --logdir <this folder>/events
  logs/          what the programs said
  checkpoints/   the newest states of the run and the best one by validation;
                 each is a folder of safetensors files with a manifest;
                 damaged-... is one that was found damaged, kept as it was

The command that made the run goes on with it where it stopped. A larger
number of steps lengthens it.
`
