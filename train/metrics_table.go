package train

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gocarina/gocsv"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/internal/rundir"
)

// columns are the names of the columns of a metrics.csv, in order: first those of
// the step, then the objective's terms and measurements and the players as the
// family has them, then times, validation and the note on VGG-19.
type columns []string

// The columns that every run has.
const (
	formatColumn, stepColumn, attemptColumn, epochColumn = "format_version", "step", "attempt", "epoch"
	secondsPerStep, dataWaitShare                        = "seconds_per_step", "data_wait_share"

	valL1, valL1Copy, valL1Mean      = "val_l1", "val_l1_copy_source", "val_l1_mean_frame"
	valForeground, valForegroundCopy = "val_foreground_l1", "val_foreground_l1_copy_source"
	valForegroundFrozen              = "val_foreground_l1_frozen"
	valBackgroundIoU                 = "val_background_iou"

	vggColumn = "vgg19"
)

const (
	// warmupColumn is there where a term is warmed.
	warmupColumn = "cons_warmup"
	// ratePrefix and gradientPrefix stand before the names of players.
	ratePrefix, gradientPrefix = "lr_", "grad_"
)

// columnsOf are the columns of a run of such steps.
func columnsOf(step *Step) columns {
	all := columns{formatColumn, stepColumn, attemptColumn, epochColumn}
	all = append(all, step.LossNames...)
	if step.Warmed {
		all = append(all, warmupColumn)
	}
	all = append(all, step.StatNames...)
	for _, prefix := range []string{ratePrefix, gradientPrefix} {
		for _, player := range step.PlayerNames {
			all = append(all, prefix+player)
		}
	}
	return append(all, secondsPerStep, dataWaitShare, valL1, valL1Copy, valL1Mean,
		valForeground, valForegroundCopy, valForegroundFrozen, valBackgroundIoU, vggColumn)
}

// with are the columns and, behind them, those that rows have besides: of a run
// that another version began.
func (c columns) with(rows []Row) columns {
	more := map[string]bool{}
	for _, r := range rows {
		for name := range r.Values {
			if !slices.Contains(c, name) {
				more[name] = true
			}
		}
	}
	names := make([]string, 0, len(more))
	for name := range more {
		names = append(names, name)
	}
	slices.Sort(names)
	return append(slices.Clip(c), names...)
}

// encode is rows as lines, with the names of the columns above them if header
// asks for that. It is an error when a row has a number that no column holds.
func (c columns) encode(rows []Row, header bool) ([]byte, error) {
	var out bytes.Buffer
	w := gocsv.DefaultCSVWriter(&out)
	if header {
		if err := w.Write(c); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	for i := range rows {
		fields, err := c.fields(&rows[i])
		if err == nil {
			err = w.Write(fields)
		}
		if err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	w.Flush()
	return out.Bytes(), w.Error()
}

func (c columns) fields(r *Row) ([]string, error) {
	fields, held := make([]string, len(c)), 0
	for i, name := range c {
		switch name {
		case formatColumn:
			fields[i] = strconv.Itoa(r.FormatVersion)
		case stepColumn:
			fields[i] = strconv.FormatInt(r.Step, 10)
		case attemptColumn:
			fields[i] = strconv.FormatInt(r.Attempt, 10)
		case epochColumn:
			fields[i] = strconv.FormatInt(r.Epoch, 10)
		case vggColumn:
			fields[i] = r.VGG19
		default:
			v := r.Value(name)
			if v.Known {
				held++
			}
			var err error
			if fields[i], err = v.MarshalCSV(); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if held < len(r.Values) {
		return nil, fmt.Errorf("the row of step %d has numbers without a column", r.Step)
	}
	return fields, nil
}

// decode reads rows below the names of their columns.
func decode(data []byte) ([]Row, error) {
	maps, err := gocsv.CSVToMaps(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	rows := make([]Row, len(maps))
	for i, fields := range maps {
		if rows[i], err = decodeRow(fields); err != nil {
			return nil, fmt.Errorf("row %d: %w", i+1, err)
		}
	}
	return rows, nil
}

func decodeRow(fields map[string]string) (r Row, err error) {
	for name, text := range fields {
		switch name {
		case formatColumn:
			r.FormatVersion, err = strconv.Atoi(text)
		case stepColumn:
			r.Step, err = strconv.ParseInt(text, 10, 64)
		case attemptColumn:
			r.Attempt, err = strconv.ParseInt(text, 10, 64)
		case epochColumn:
			r.Epoch, err = strconv.ParseInt(text, 10, 64)
		case vggColumn:
			r.VGG19 = text
		default:
			var v Number
			if err = v.UnmarshalCSV(text); v.Known {
				r.set(name, v.Value)
			}
		}
		if err != nil {
			return r, fmt.Errorf("%s: %w", name, err)
		}
	}
	if r.FormatVersion < 1 || r.FormatVersion > rundir.FormatVersion {
		return r, fmt.Errorf("it has format_version %d, this program reads 1 to %d", r.FormatVersion, rundir.FormatVersion)
	}
	return r, nil
}

// maxMetrics bounds the size of a metrics.csv that is read.
const maxMetrics = 1 << 30

// ReadMetrics reads a metrics.csv, of whatever columns. A last line that was cut
// off is left out.
func ReadMetrics(path string) ([]Row, error) {
	data, err := localfile.Read(path, maxMetrics)
	if err != nil {
		return nil, err
	}
	data = data[:bytes.LastIndexByte(data, '\n')+1]
	rows, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rows, nil
}

// writeMetrics replaces metrics.csv by these rows.
func writeMetrics(fs durable.FileSystem, path string, all columns, rows []Row) error {
	data, err := all.encode(rows, true)
	if err != nil {
		return err
	}
	return durable.WriteFileOn(fs, path, data)
}

// oldColumns are those of rows that a checkpoint of an earlier version keeps
// without their names: all families' terms.
const oldColumns = "format_version,step,attempt,epoch,perceptual,reconstruction,gen_gan,feature_matching,equivariance_value,equivariance_jacobian," +
	"rec_def,layer-0_rec,layer-1_rec,layer-2_rec,layer-3_rec,layer-4_rec,layer-5_rec,layer-6_rec,layer-7_rec,photometric," +
	"disc_gan,disc_enc,disc_dec,disc_cons,cons_warmup,background_fraction,cut_all_fraction,real_fraction," +
	"lr_generator,lr_discriminator,lr_kp_detector,grad_generator,grad_discriminator,grad_kp_detector,seconds_per_step,data_wait_share," +
	"val_l1,val_l1_copy_source,val_l1_mean_frame,val_foreground_l1,val_foreground_l1_copy_source,val_foreground_l1_frozen,val_background_iou,vgg19\n"

// rowsOf reads rows that a checkpoint keeps, those behind a step.
func rowsOf(text string, after int64) ([]Row, error) {
	if text == "" {
		return nil, nil
	}
	if !strings.HasPrefix(text, formatColumn) {
		text = oldColumns + text
	}
	rows, err := decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("the checkpoint's rows of metrics.csv: %w", err)
	}
	for len(rows) > 0 && rows[0].Step <= after {
		rows = rows[1:]
	}
	return rows, nil
}
