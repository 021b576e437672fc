package train

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/golang/glog"
)

// rowsUntil are the rows that metrics.csv begins with behind a step: none of a new
// run, or the old ones without those of later steps, which a stopped run wrote
// after its last checkpoint and will write again. Rows of earlier steps that are
// missing are filled in with what is known of them, and that is told. Nothing is
// written.
func rowsUntil(step int64, path string, missing func(last int64) ([]Row, error)) ([]Row, error) {
	rows, err := ReadMetrics(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; move the file away to go on without it", err)
	}
	kept := []Row{}
	last := int64(0)
	for _, r := range rows {
		if r.Step <= step {
			kept = append(kept, r)
			last = max(last, r.Step)
		}
	}
	found, err := missing(last)
	return append(kept, found...), err
}

// missingRows are the rows of metrics.csv behind a step that the run has taken
// and the file lacks.
func (s *session) missingRows(last int64) ([]Row, error) {
	at := s.folder.meta
	if !s.folder.resumed || last >= at.Step {
		return nil, nil
	}
	rows, err := rowsOf(at.MetricsRows, last)
	if err != nil {
		return nil, err
	}
	kept := len(rows)
	for _, r := range rows {
		last = r.Step
	}
	every := s.folder.logged
	for step := last - last%every + every; step <= at.Step; step += every {
		// How many attempts a step took is known where none was refused.
		if refused := at.Attempt - at.Step; refused == 0 || step == at.Step {
			rows = append(rows, s.knownRow(step, step+refused))
		}
	}
	if len(rows) > 0 || last < at.Step-at.Step%every {
		glog.Warningf("metrics.csv lacks rows up to step %d, which were not on the disk when the run ended: "+
			"%d are filled in from the checkpoint, %d with step, epoch and learning rates only", at.Step, kept, len(rows)-kept)
	}
	return rows, nil
}

// knownRow is what is known of a step without having taken it.
func (s *session) knownRow(step, attempt int64) Row {
	perEpoch := s.perEpoch()
	m := &Moment{
		Position: Position{Step: step, Attempt: attempt}, Epoch: step / perEpoch,
		Rates: s.config.LearningRates(step-1, (step-1)/perEpoch),
	}
	row := rowOf(m, nil, vggNote(s.config.VGG19))
	for _, player := range s.step.PlayerNames {
		row.set(ratePrefix+player, m.Rates[player])
	}
	return row
}
