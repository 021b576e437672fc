package ablation

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/gocarina/gocsv"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/internal/rundir"
)

// Time is a row of times.csv: what one process spent on a run. A run that was
// stopped and gone on with has several.
type Time struct {
	FormatVersion int    `csv:"format_version"`
	Run           string `csv:"run"`
	Variant       string `csv:"variant"`
	Seed          int64  `csv:"seed"`
	// FirstStep and LastStep are the steps taken before and after.
	FirstStep int64 `csv:"first_step"`
	LastStep  int64 `csv:"last_step"`
	// Seconds of wall time from the process's start to its end, set-up and
	// measurement included.
	Seconds  float64 `csv:"seconds"`
	Complete bool    `csv:"complete"`
	// Ended is when, in UTC.
	Ended string `csv:"ended"`
}

// TimesPath is where the times of an ablation lie.
func TimesPath(out string) string { return filepath.Join(out, "times.csv") }

// ReadTimes reads times.csv; a folder without one has no rows.
func ReadTimes(path string) ([]Time, error) {
	data, err := localfile.Read(path, maxTable)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var times []Time
	if err := gocsv.UnmarshalBytes(data, &times); err != nil {
		return nil, fmt.Errorf("%s: %w; it only tells how long runs took: move it away to go on", path, err)
	}
	return times, nil
}

// addTime adds a row; the file is replaced as a whole.
func addTime(out string, t Time) error {
	times, err := ReadTimes(TimesPath(out))
	if err != nil {
		return err
	}
	t.FormatVersion = rundir.FormatVersion
	t.Ended = time.Now().UTC().Format(time.RFC3339)
	data, err := gocsv.MarshalBytes(append(times, t))
	if err != nil {
		return err
	}
	return newWriting(out).File("the table of times", TimesPath(out), data)
}

// Pace estimates how long steps take, from what this ablation took so far or,
// before that, from what the default preset took on two cores.
type Pace struct {
	// seconds per step of a variant of cost 1; 0 when nothing is known.
	unit     float64
	measured map[RowName]float64
}

// Seconds of a step of prioritycut with the default preset on two cores,
// start and end of a run shared out among its steps.
const defaultUnit = 0.3

// newPace learns from the times of a plan's runs.
func newPace(p *Plan) (*Pace, error) {
	times, err := ReadTimes(TimesPath(p.Out))
	if err != nil {
		return nil, err
	}
	seconds, taken := map[RowName]float64{}, map[RowName]int64{}
	for _, t := range times {
		seconds[RowName(t.Variant)] += t.Seconds
		taken[RowName(t.Variant)] += max(t.LastStep-t.FirstStep, 0)
	}
	pace := &Pace{measured: map[RowName]float64{}}
	var spent, units float64
	for v, n := range taken {
		if n == 0 {
			continue
		}
		pace.measured[v] = seconds[v] / float64(n)
		spent, units = spent+seconds[v], units+float64(n)*rowOf(v).cost
	}
	switch {
	case units > 0:
		pace.unit = spent / units
	case len(p.Runs) > 0 && p.Runs[0].Config.Preset == config.DefaultPreset:
		pace.unit = defaultUnit
	}
	return pace, nil
}

// of is the expected time of so many steps, 0 when nothing is known.
func (p *Pace) of(v RowName, steps int64) time.Duration {
	perStep, ok := p.measured[v]
	if !ok {
		perStep = p.unit * rowOf(v).cost
	}
	return time.Duration(perStep * float64(max(steps, 0)) * float64(time.Second))
}
