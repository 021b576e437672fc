package ablation

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/gocarina/gocsv"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
	"github.com/prioritycut/prioritycut/train"
)

// State says how far a run has come.
type State struct {
	// Step of the newest checkpoint, 0 without one.
	Step int64
	// Complete runs have taken all steps and said what they reached.
	Complete bool
}

// State reads the run's folder. A run that was trained with settings of another
// meaning, or longer than this plan, is an error: the table would mix them.
func (r *Run) State() (State, error) {
	dir := rundir.Dir(r.Dir)
	if !dir.Is() {
		return State{}, nil
	}
	steps, err := checkpoint.OpenStore(dir.Checkpoints()).Steps()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return State{}, fmt.Errorf("run %s: %w", r.Dir, err)
	}
	if len(steps) == 0 {
		return State{}, nil
	}
	var s State
	for _, step := range steps {
		s.Step = max(s.Step, step)
	}
	was, err := r.compare(dir, s.Step)
	if err != nil {
		return State{}, err
	}
	if s.Complete, err = completeAt(dir, s.Step); err != nil {
		return State{}, err
	}
	// A run by epochs had its end where its own number of epochs was.
	is := &r.Config.Train
	s.Complete = s.Complete && s.Step >= is.Steps && (is.Steps > 0 || was.Train.Steps == 0 && was.Train.NumEpochs == is.NumEpochs)
	return s, nil
}

// compare refuses a run that does not belong to the plan and returns the
// configuration that it was last trained with.
func (r *Run) compare(dir rundir.Dir, step int64) (*config.Config, error) {
	was, err := config.Load(dir.Config())
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", r.Dir, err)
	}
	if err := config.RefuseOnResume(config.DiffForResume(was, r.Config)); err != nil {
		return nil, fmt.Errorf("%s: %w", r.Dir, err)
	}
	if most := r.Config.Train.Steps; most > 0 && step > most {
		return nil, fmt.Errorf("%s has taken %d steps, more than the %d that every run of this ablation shall have: "+
			"ask for `steps`=%d, or give another `out`", r.Dir, step, most, step)
	}
	return was, nil
}

// maxTable bounds the tables and notes that are read.
const maxTable = 64 << 20

// completeAt reports whether a run's summary is of its newest step.
func completeAt(dir rundir.Dir, step int64) (bool, error) {
	data, err := localfile.Read(dir.Summary(), maxTable)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var measures []train.Measure
	if err := gocsv.UnmarshalBytes(data, &measures); err != nil && !errors.Is(err, gocsv.ErrEmptyCSVFile) {
		return false, fmt.Errorf("%s: %w; remove the file and the run is measured again", dir.Summary(), err)
	}
	// Without validation there is a table without rows.
	return len(measures) == 0 || measures[0].Step == step, nil
}
