package result

import (
	"strings"

	"github.com/prioritycut/prioritycut/dataset"
)

// Run says what was evaluated and how. Two evaluations compare only where
// Protocol is the same.
type Run struct {
	FormatVersion int `csv:"format_version" json:"format_version"`
	// Name is what tables call it.
	Name string `csv:"run" json:"run"`
	// Kind is checkpoint, saved_model or predictions.
	Kind string `csv:"kind" json:"kind"`
	// Variant is the row of the ablation, Preset the sizes and the schedule,
	// Step how far it was trained, Seed what its draws followed; empty and 0
	// where that is not known.
	Variant string `csv:"variant" json:"variant"`
	Preset  string `csv:"preset" json:"preset"`
	Step    int64  `csv:"step" json:"step"`
	Seed    int64  `csv:"seed" json:"seed"`
	// ConfigHash identifies what was trained (config.Config.Hash).
	ConfigHash string `csv:"config_hash" json:"config_hash"`
	// Weights is the digest of the weights (infer.Model.Digest); of a
	// SavedModel that does not tell, that of its files; of predictions it is
	// empty.
	Weights string `csv:"weights" json:"weights"`
	// Inputs tell files apart that others made of this run's own frames:
	// predictions by the digest of their names, sizes and times, tables of the
	// keypoints and embeddings in them by that of their content.
	Inputs string `csv:"inputs" json:"inputs"`
	// From is the path that was evaluated, as typed.
	From string `csv:"from" json:"from"`

	Protocol
}

// Protocol says how was measured.
type Protocol struct {
	// Data is the data set, as typed; TestSet a digest of the names of its test
	// videos; DataKind is faces, bodies or other.
	Data     string `csv:"data" json:"data"`
	TestSet  string `csv:"test_set" json:"test_set"`
	DataKind string `csv:"data_kind" json:"data_kind"`
	// NumVideos is the largest number of videos taken, from the first on.
	NumVideos int `csv:"num_videos" json:"num_videos"`
	// Height and Width of the pictures in pixels; Fit how frames came to them.
	Height int    `csv:"height" json:"height"`
	Width  int    `csv:"width" json:"width"`
	Fit    string `csv:"fit" json:"fit"`
	// AlignCorners is the model's convention of sampling: true, false, or empty
	// where it is not known.
	AlignCorners string `csv:"align_corners" json:"align_corners"`
	// MetricOn is float (the prediction as it is) or png (8 bits, 255*x
	// truncated); SSIMWindow uniform (7x7) or gaussian (11x11, 1.5).
	MetricOn   string `csv:"metric_on" json:"metric_on"`
	SSIMWindow string `csv:"ssim_window" json:"ssim_window"`
	// Masks says where salient parts come from: none, truth, model, or the
	// folder of masks. BGThreshold is tau of Eq. 1, for model alone, else 0.
	Masks       string  `csv:"masks" json:"masks"`
	BGThreshold float64 `csv:"bg_threshold" json:"bg_threshold"`
	// KeypointsReal and KeypointsGenerated say where the keypoints of real and
	// generated frames come from: none, truth, a model's folder with the digest
	// of its files, or a table: with its digest for real frames, which are every
	// run's, and only as "table" for generated ones. EmbeddingsReal and
	// EmbeddingsGenerated likewise.
	KeypointsReal       string `csv:"keypoints_real" json:"keypoints_real"`
	KeypointsGenerated  string `csv:"keypoints_generated" json:"keypoints_generated"`
	EmbeddingsReal      string `csv:"embeddings_real" json:"embeddings_real"`
	EmbeddingsGenerated string `csv:"embeddings_generated" json:"embeddings_generated"`
}

// SummaryRow is one metric over one region, over all frames of all videos.
type SummaryRow struct {
	Run
	Metric string `csv:"metric"`
	Region string `csv:"region"`
	// Mean over frames; absent where nothing was measured.
	Mean Value `csv:"mean"`
	// CI95 is half the width of the 95 % interval, 1.96 s/sqrt(frames), as in
	// the paper. It takes frames as independent, which those of one video are
	// not: it is too narrow.
	CI95 Value `csv:"ci95"`
	// CIVideosLow and CIVideosHigh bound the 95 % interval from drawing whole
	// videos anew (bootstrap).
	CIVideosLow  Value `csv:"ci_videos_low"`
	CIVideosHigh Value `csv:"ci_videos_high"`
	// Frames and Videos that the mean is over.
	Frames int `csv:"frames"`
	Videos int `csv:"videos"`
	// Infinite counts frames whose value is infinite (identical pictures):
	// left out of the mean.
	Infinite int `csv:"infinite"`
	// Missing counts frames without a value: no prediction, or no detection.
	Missing int `csv:"missing"`
	// MissingFrames counts frames that have no prediction; SkippedVideos the
	// videos that could not be read.
	MissingFrames int `csv:"missing_frames"`
	SkippedVideos int `csv:"skipped_videos"`
}

// Measure is the row's column.
func (r SummaryRow) Measure() Measure { return Measure{r.Metric, r.Region} }

// VideoRow is one metric over one region, over the frames of one video. A video
// that could not be read has a single row with Error and no metric.
type VideoRow struct {
	FormatVersion int    `csv:"format_version"`
	Video         string `csv:"video"`
	Error         string `csv:"error"`
	// Length is the number of frames, MissingFrames of them without a
	// prediction.
	Length        int    `csv:"length"`
	MissingFrames int    `csv:"missing_frames"`
	Metric        string `csv:"metric"`
	Region        string `csv:"region"`
	// Mean and SD (the sample's standard deviation, absent for fewer than two)
	// of the Frames that have a finite value.
	Mean   Value `csv:"mean"`
	SD     Value `csv:"sd"`
	Frames int   `csv:"frames"`
	// Infinite and Missing count the other frames.
	Infinite int `csv:"infinite"`
	Missing  int `csv:"missing"`
}

// Measure is the row's column.
func (r VideoRow) Measure() Measure { return Measure{r.Metric, r.Region} }

// FrameRow is one frame: its values, absent where there are none.
type FrameRow struct {
	FormatVersion  int    `csv:"format_version"`
	Video          string `csv:"video"`
	Frame          int    `csv:"frame"` // from 0
	L1             Value  `csv:"l1"`
	PSNR           Value  `csv:"psnr"`
	PSNRSalient    Value  `csv:"psnr_salient"`
	PSNRNonSalient Value  `csv:"psnr_non_salient"`
	SSIM           Value  `csv:"ssim"`
	SSIMSalient    Value  `csv:"ssim_salient"`
	SSIMNonSalient Value  `csv:"ssim_non_salient"`
	AKD            Value  `csv:"akd"`
	MKR            Value  `csv:"mkr"`
	AED            Value  `csv:"aed"`
	AEDEuclidean   Value  `csv:"aed_euclidean"`
}

// NewFrameRow is a row without values.
func NewFrameRow(video string, frame int) FrameRow {
	r := FrameRow{FormatVersion: FormatVersion, Video: video, Frame: frame}
	for _, m := range Measures() {
		*r.at(m) = Absent()
	}
	return r
}

// Value returns a column; one that there is not is absent.
func (r *FrameRow) Value(m Measure) Value {
	if v := r.at(m); v != nil {
		return *v
	}
	return Absent()
}

// Set sets a column; one that there is not is ignored.
func (r *FrameRow) Set(m Measure, v float64) {
	if at := r.at(m); at != nil {
		*at = Value(v)
	}
}

func (r *FrameRow) at(m Measure) *Value {
	switch m {
	case Measure{L1, All}:
		return &r.L1
	case Measure{PSNR, All}:
		return &r.PSNR
	case Measure{PSNR, Salient}:
		return &r.PSNRSalient
	case Measure{PSNR, NonSalient}:
		return &r.PSNRNonSalient
	case Measure{SSIM, All}:
		return &r.SSIM
	case Measure{SSIM, Salient}:
		return &r.SSIMSalient
	case Measure{SSIM, NonSalient}:
		return &r.SSIMNonSalient
	case Measure{AKD, All}:
		return &r.AKD
	case Measure{MKR, All}:
		return &r.MKR
	case Measure{AED, All}:
		return &r.AED
	case Measure{AEDEuclidean, All}:
		return &r.AEDEuclidean
	}
	return nil
}

// NotThePapers says which columns were measured by models that the paper did not
// use, so that they stand beside rows measured alike and no printed ones; empty
// where none was, and for drawn data, of which no table is printed.
func (p Protocol) NotThePapers() string {
	var columns []string
	for _, c := range []struct{ column, from string }{
		{"AKD and MKR", p.KeypointsGenerated}, {"AED", p.EmbeddingsGenerated}, {"salient and not salient", p.Masks},
	} {
		if strings.Contains(c.from, "@") {
			columns = append(columns, c.column)
		}
	}
	if _, drawn := dataset.DrawnFigures(p.Data); drawn || len(columns) == 0 {
		return ""
	}
	return strings.Join(columns, ", ") + ": by networks that are not the paper's. Compare with rows that were measured alike, never with printed ones."
}
