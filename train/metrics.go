package train

import (
	"bytes"
	"fmt"
	"math"
	"strconv"

	"github.com/gocarina/gocsv"

	"github.com/prioritycut/prioritycut/evaluate"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/internal/rundir"
)

// Number is a number that may be absent: an empty field of a table.
type Number struct {
	Value float64
	Known bool
}

func known(v float64) Number { return Number{Value: v, Known: true} }

// MarshalCSV implements gocsv.TypeMarshaller. Seven to nine digits give a
// float32 back exactly.
func (n Number) MarshalCSV() (string, error) {
	if !n.Known {
		return "", nil
	}
	return strconv.FormatFloat(n.Value, 'g', -1, 32), nil
}

// UnmarshalCSV implements gocsv.TypeUnmarshaller.
func (n *Number) UnmarshalCSV(text string) error {
	*n = Number{}
	if text == "" {
		return nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return err
	}
	*n = known(v)
	return nil
}

// Row is a row of metrics.csv: what was measured at one step. Losses are
// weighted; a term that the variant lacks is empty.
type Row struct {
	FormatVersion int   `csv:"format_version"`
	Step          int64 `csv:"step"`
	Attempt       int64 `csv:"attempt"`
	Epoch         int64 `csv:"epoch"`

	Perceptual           Number `csv:"perceptual"`
	Reconstruction       Number `csv:"reconstruction"`
	GenGAN               Number `csv:"gen_gan"`
	FeatureMatching      Number `csv:"feature_matching"`
	EquivarianceValue    Number `csv:"equivariance_value"`
	EquivarianceJacobian Number `csv:"equivariance_jacobian"`
	// Monkey-Net's: the warped source, and the picture, blocks and scores of its
	// discriminator. X2Face's.
	RecDef      Number `csv:"rec_def"`
	Layer0      Number `csv:"layer-0_rec"`
	Layer1      Number `csv:"layer-1_rec"`
	Layer2      Number `csv:"layer-2_rec"`
	Layer3      Number `csv:"layer-3_rec"`
	Layer4      Number `csv:"layer-4_rec"`
	Layer5      Number `csv:"layer-5_rec"`
	Layer6      Number `csv:"layer-6_rec"`
	Layer7      Number `csv:"layer-7_rec"`
	Photometric Number `csv:"photometric"`

	DiscGAN    Number `csv:"disc_gan"`
	DiscEnc    Number `csv:"disc_enc"`
	DiscDec    Number `csv:"disc_dec"`
	DiscCons   Number `csv:"disc_cons"`
	ConsWarmup Number `csv:"cons_warmup"`

	BackgroundFraction Number `csv:"background_fraction"`
	CutAllFraction     Number `csv:"cut_all_fraction"`
	RealFraction       Number `csv:"real_fraction"`

	LRGenerator     Number `csv:"lr_generator"`
	LRDiscriminator Number `csv:"lr_discriminator"`
	LRKPDetector    Number `csv:"lr_kp_detector"`

	GradGenerator     Number `csv:"grad_generator"`
	GradDiscriminator Number `csv:"grad_discriminator"`
	GradKPDetector    Number `csv:"grad_kp_detector"`

	SecondsPerStep Number `csv:"seconds_per_step"`
	DataWaitShare  Number `csv:"data_wait_share"`

	ValL1            Number `csv:"val_l1"`
	ValL1Copy        Number `csv:"val_l1_copy_source"`
	ValL1Mean        Number `csv:"val_l1_mean_frame"`
	ValForeground    Number `csv:"val_foreground_l1"`
	ValForegroundOf  Number `csv:"val_foreground_l1_copy_source"`
	ValForegroundFro Number `csv:"val_foreground_l1_frozen"`
	ValBackgroundIoU Number `csv:"val_background_iou"`

	VGG19 string `csv:"vgg19"`
}

// columns are the fields of a row by the names that a step gives its losses and
// measurements.
func (r *Row) columns() map[string]*Number {
	return map[string]*Number{
		"perceptual": &r.Perceptual, "reconstruction": &r.Reconstruction, "gen_gan": &r.GenGAN, "feature_matching": &r.FeatureMatching,
		"equivariance_value": &r.EquivarianceValue, "equivariance_jacobian": &r.EquivarianceJacobian,
		"rec_def": &r.RecDef, "layer-0_rec": &r.Layer0, "layer-1_rec": &r.Layer1, "layer-2_rec": &r.Layer2, "layer-3_rec": &r.Layer3,
		"layer-4_rec": &r.Layer4, "layer-5_rec": &r.Layer5, "layer-6_rec": &r.Layer6, "layer-7_rec": &r.Layer7,
		"photometric": &r.Photometric,
		"disc_gan":    &r.DiscGAN, "disc_enc": &r.DiscEnc, "disc_dec": &r.DiscDec, "disc_cons": &r.DiscCons,
		"background_fraction": &r.BackgroundFraction, "cut_all_fraction": &r.CutAllFraction, "real_fraction": &r.RealFraction,
	}
}

// playerColumns are the fields of a row for one player.
type playerColumns struct{ rate, gradient *Number }

// players are the fields of a row by player.
func (r *Row) players() map[string]playerColumns {
	return map[string]playerColumns{
		"generator":     {&r.LRGenerator, &r.GradGenerator},
		"kp_detector":   {&r.LRKPDetector, &r.GradKPDetector},
		"discriminator": {&r.LRDiscriminator, &r.GradDiscriminator},
	}
}

// checkColumns reports a loss, measurement or player of a step that has no
// column.
func checkColumns(step *Step) error {
	players := (&Row{}).players()
	for name := range step.Rates {
		if _, ok := players[name]; !ok {
			return fmt.Errorf("metrics.csv has no columns for %q", name)
		}
	}
	columns := (&Row{}).columns()
	for _, names := range [][]string{step.LossNames, step.StatNames} {
		for _, name := range names {
			if columns[name] == nil {
				return fmt.Errorf("metrics.csv has no column for %q", name)
			}
		}
	}
	return nil
}

// rowOf describes a moment, but for the times, which are means.
func rowOf(m *Moment, vgg string) Row {
	r := Row{FormatVersion: rundir.FormatVersion, Step: m.Step, Attempt: m.Attempt, Epoch: m.Epoch, VGG19: vgg}
	columns := r.columns()
	for _, values := range []map[string]float64{m.Losses, m.Stats} {
		for name, v := range values {
			*columns[name] = known(v)
		}
	}
	players := r.players()
	for player, norm := range m.GradientNorms {
		c := players[player]
		*c.rate, *c.gradient = known(m.Rates[player]), known(norm)
	}
	if r.DiscCons.Known {
		r.ConsWarmup = known(m.Warmup)
	}
	r.validation(m.Validation)
	return r
}

func (r *Row) validation(v *evaluate.Result) {
	if v == nil {
		return
	}
	r.ValL1, r.ValL1Copy, r.ValL1Mean = known(v.Whole.L1), known(v.Whole.CopySource), known(v.Whole.MeanFrame)
	if f := v.Foreground; f != nil {
		r.ValForeground, r.ValForegroundOf, r.ValForegroundFro = known(f.L1), known(f.CopySource), known(f.Frozen)
		if v.HasBackground {
			r.ValBackgroundIoU = known(v.BackgroundIoU)
		}
	}
}

// maxMetrics bounds the size of a metrics.csv that is read.
const maxMetrics = 1 << 30

// ReadMetrics reads a metrics.csv. A last line that was cut off is left out.
func ReadMetrics(path string) ([]Row, error) {
	data, err := localfile.Read(path, maxMetrics)
	if err != nil {
		return nil, err
	}
	data = data[:bytes.LastIndexByte(data, '\n')+1]
	var rows []Row
	if len(data) == 0 {
		return rows, nil
	}
	if err := gocsv.UnmarshalBytes(data, &rows); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, r := range rows {
		if r.FormatVersion < 1 || r.FormatVersion > rundir.FormatVersion {
			return nil, fmt.Errorf("%s: a row has format_version %d, this program reads 1 to %d", path, r.FormatVersion, rundir.FormatVersion)
		}
	}
	return rows, nil
}

// finite reports whether v is a number.
func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
