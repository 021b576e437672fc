package train

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/patience"
)

// metricsHook writes metrics.csv: a row every so many steps, at every
// validation, and for the last step of all. Rows that cannot be written are
// kept until they can.
type metricsHook struct {
	files    durable.FileSystem
	patience *patience.Patience
	path     string
	columns  columns // of the file
	every    int64
	vgg      string

	steps        int64 // since the last row
	took, waited time.Duration
	written      int64 // step of the last row

	pending []byte // rows that are not in the file
	dirty   bool   // rows in the file may not be on the disk
	torn    bool   // the file may end with a part of what is pending
	whole   int64  // bytes of the file before that
}

// metricsFile is how messages call it.
const metricsFile = "metrics.csv"

// After implements Hook.
func (h *metricsHook) After(m *Moment) error {
	h.steps++
	h.took += m.Took
	h.waited += m.Waited
	if m.due(h.every) || m.Validation != nil || m.Last() {
		return h.write(m)
	}
	return nil
}

// CatchUp implements latecomer: the row of the step gets its validation.
func (h *metricsHook) CatchUp(m *Moment) error {
	rows, err := ReadMetrics(h.path)
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	for i := range rows {
		if rows[i].Step == m.Step {
			rows[i].validation(m.Validation)
		}
	}
	return h.patience.Wrote(metricsFile, writeMetrics(h.files, h.path, h.columns, rows))
}

// End implements Hook.
func (h *metricsHook) End(m *Moment) error {
	if m == nil || h.written == m.Step {
		return nil
	}
	return h.write(m)
}

func (h *metricsHook) write(m *Moment) error {
	row := rowOf(m, h.columns, h.vgg)
	if seconds := h.took.Seconds(); seconds > 0 {
		row.set(secondsPerStep, seconds/float64(h.steps))
		row.set(dataWaitShare, h.waited.Seconds()/seconds)
	}
	h.steps, h.took, h.waited, h.written = 0, 0, 0, m.Step
	line, err := h.columns.encode([]Row{row}, false)
	if err != nil {
		return err
	}
	h.pending = append(h.pending, line...)
	return h.patience.Wrote(metricsFile, h.flush())
}

// flush appends what is pending: all of it, or nothing that a later flush does
// not take back.
func (h *metricsHook) flush() (err error) {
	if len(h.pending) == 0 {
		return nil
	}
	if !h.torn {
		info, err := os.Stat(h.path)
		if err != nil {
			return err
		}
		h.whole = info.Size()
	}
	f, err := h.files.Append(h.path)
	if err != nil {
		return err
	}
	if h.torn {
		err = f.Truncate(h.whole)
	}
	if err == nil {
		h.torn = true
		_, err = f.Write(h.pending)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	h.torn, h.dirty, h.pending = false, true, nil
	return nil
}

// sync makes all rows durable. Those that could not be written are returned, below
// the names of their columns.
func (h *metricsHook) sync() (rows string, err error) {
	err = h.flush()
	if err == nil && h.dirty {
		err = h.syncFile()
	}
	// What failed once more goes into the checkpoint's notes instead.
	if len(h.pending) > 0 {
		header, errHeader := h.columns.encode(nil, true)
		rows, err = string(header)+string(h.pending), errors.Join(err, errHeader)
	}
	return rows, h.patience.Wrote(metricsFile, err)
}

func (h *metricsHook) syncFile() error {
	f, err := h.files.Append(h.path)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	h.dirty = false
	return nil
}
