package evaluate

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/prioritycut/prioritycut/evaluate/metric"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/patience"
	"github.com/prioritycut/prioritycut/video"
)

// What the prediction is compared as.
const (
	// OnFloat compares the prediction as the network gives it.
	OnFloat = "float"
	// OnPNG compares 8-bit pictures as they would be written: 255*x, truncated.
	OnPNG = "png"
)

// Words in place of a path.
const (
	// FromNowhere measures nothing.
	FromNowhere = result.Nowhere
	// FromTruth asks the drawn data set.
	FromTruth = "truth"
	// FromModel takes the background mask of the evaluated model.
	FromModel = "model"
)

// Request says what is evaluated, on what, how and where to.
type Request struct {
	// Checkpoint is a run, a folder of checkpoints or a checkpoint; SavedModel
	// an exported model; Predictions a folder of frames that anything made.
	// Exactly one of them is given.
	Checkpoint, SavedModel, Predictions string
	// Own says that the model's configuration is the caller's, so that decoded
	// films are kept where it says; else see dataset.Params.OfModel.
	Own bool
	// Name is what tables call it; empty takes it from the path.
	Name string
	// Out is the folder of the evaluation.
	Out string

	// Data is shapes, sample:NAME or a path; empty is what the model was trained
	// on. Its test part is evaluated.
	Data string
	// DataKind is result.Faces, Bodies or Other; empty follows from data and
	// model.
	DataKind string
	// NumVideos is the largest number of videos taken; 0 takes what the model's
	// configuration says, 1000 without one.
	NumVideos int
	// Height and Width of the pictures, for predictions and exported models that
	// leave them open; 0 follows from the first prediction or the model.
	Height, Width int
	// Fit is how frames come to that size; empty is as the model was trained,
	// for predictions as the reference does it: video.Stretch, or video.Crop for
	// samples.
	Fit video.Fit
	// IDSampling is how a folder without train and test is split, for predictions
	// and exported models that do not say.
	IDSampling bool

	// MetricOn is OnFloat or OnPNG; SSIMWindow one of metric's.
	MetricOn   string
	SSIMWindow metric.Window
	// Masks says which pixels are salient: a folder of masks, FromTruth,
	// FromModel or FromNowhere; empty is FromTruth where the data set is drawn.
	Masks string
	// MaskModel is a SavedModel that finds salient pixels in the real frames, in
	// place of Masks.
	MaskModel string
	// MaskHome is a folder that keeps what MaskModel finds, by the content of model
	// and frames, so that evaluations to be compared share their masks; empty keeps
	// nothing.
	MaskHome string
	// Keypoints is a folder with real.csv and generated.csv, a table of those of
	// the real frames, FromTruth for the real frames, or empty. KeypointModel is
	// a SavedModel that finds those that the tables lack.
	Keypoints, KeypointModel string
	// Embeddings and EmbeddingModel are the same for embeddings.
	Embeddings, EmbeddingModel string

	// TrustSavedModel lets SavedModels do more than compute: see
	// tf.SessionConfig.
	TrustSavedModel bool

	// WriteFrames is a folder for the predictions of a model, one folder of png
	// per video; empty writes none.
	WriteFrames string
	// MaxFailedWrites ends the evaluation after so many failures in a row to write
	// one kind of file, say because the disk is full.
	MaxFailedWrites int
	// Files is what tables and predictions are written to; nil is the operating
	// system. Tests put faults there.
	Files durable.FileSystem `json:"-"`
	// pause is how long writing waits after a failure; 0 is a second.
	pause time.Duration
	// Page writes a page beside the tables (PageFile), with films of the worst and
	// the best videos.
	Page bool
	// NoFrames leaves frames.csv out: comparisons then pair videos, not frames.
	NoFrames bool
	// Device computes: auto, cpu, gpu or gpu:N.
	Device string
	// Progress gets lines about how far it is; nil for none. On a terminal it is
	// a bar.
	Progress io.Writer
}

// writing is how tables and predictions are written.
func (q *Request) writing() result.Writing {
	w := result.NewWriting(q.MaxFailedWrites, patience.Setting, q.Out, "what is measured and written is kept")
	if q.Files != nil {
		w.Files = q.Files
	}
	if q.pause != 0 {
		w.Pause = q.pause
	}
	return w
}

// NewRequest is a request of the defaults.
func NewRequest() Request {
	return Request{MetricOn: OnFloat, SSIMWindow: metric.Uniform, MaxFailedWrites: patience.Most}
}

// RequestError says that a request cannot be met as it is: the user mends it by
// asking for something else.
type RequestError struct{ Err error }

// Error returns the wrapped error's text.
func (e *RequestError) Error() string { return e.Err.Error() }

// Unwrap returns the wrapped error.
func (e *RequestError) Unwrap() error { return e.Err }

func refuse(format string, args ...any) error {
	return &RequestError{fmt.Errorf(format, args...)}
}

// Validate reports what does not go together. It touches no files.
func (q *Request) Validate() error {
	given := 0
	for _, path := range []string{q.Checkpoint, q.SavedModel, q.Predictions} {
		if path != "" {
			given++
		}
	}
	switch {
	case given != 1:
		return refuse("give one of `checkpoint`, `saved_model` and `predictions`")
	case q.Out == "":
		return refuse("give `out`, the folder of the evaluation")
	case q.Predictions != "" && q.Data == "":
		return refuse("`predictions` needs `data`: shapes, sample:NAME or the path of the data set that they are predictions of")
	case q.MetricOn != OnFloat && q.MetricOn != OnPNG:
		return refuse("`metric_on`=%s: float or png", q.MetricOn)
	case q.Checkpoint != "" && (q.Height > 0 || q.Width > 0):
		return refuse("`size` says nothing to `checkpoint`: it takes pictures of the size that it was trained on")
	case q.Checkpoint != "" && q.IDSampling:
		return refuse("`id_sampling` says nothing to `checkpoint`: its configuration says how data are split")
	case q.Predictions != "" && q.WriteFrames != "":
		return refuse("`write_frames` says nothing to `predictions`: they are on disk already")
	case q.Predictions != "" && q.Masks == FromModel:
		return refuse("`masks`=model needs a model, predictions have none: `masks`=truth, or a folder of masks")
	case q.MaskModel != "" && q.Masks != "":
		return refuse("`masks` and `mask_model` both say which pixels are salient: give one of them")
	case q.NumVideos < 0:
		return refuse("`num_videos`=%d: at least 1", q.NumVideos)
	case q.Height < 0 || q.Width < 0:
		return refuse("a picture of %dx%d pixels", q.Width, q.Height)
	}
	switch q.DataKind {
	case "", result.Faces, result.Bodies, result.Other:
	default:
		return refuse("`data_kind`=%s: faces, bodies or other", q.DataKind)
	}
	if q.Fit != "" {
		if err := q.Fit.Validate(); err != nil {
			return &RequestError{err}
		}
	}
	if err := q.SSIMWindow.Validate(); err != nil {
		return &RequestError{err}
	}
	if err := patience.Validate(q.MaxFailedWrites); err != nil {
		return &RequestError{err}
	}
	return nil
}

var errNothingMeasured = errors.New("not one frame could be measured")
