package prepare

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/patience"
	"github.com/prioritycut/prioritycut/prepare/cutlist"
	"github.com/prioritycut/prioritycut/video"
)

// Format says how a clip is stored.
type Format string

// The formats.
const (
	// PNG is a folder of lossless pictures.
	PNG Format = "png"
	// JPG is a folder of pictures at quality 95: about a quarter of the space.
	JPG Format = "jpg"
	// MP4 is a film, about a tenth of the space; colour has half the
	// resolution and what is lost is hard to see. Training decodes it once into
	// its cache.
	MP4 Format = "mp4"
)

// Crop says which part of the picture a clip without a box of its own shows.
// A box stays the same for a whole clip: a camera that follows the figure
// would move the background, which the model takes for still.
type Crop string

// The ways to crop.
const (
	// CropNone takes the whole picture, brought to size by Fit.
	CropNone Crop = "none"
	// CropMotion takes a square around what moves.
	CropMotion Crop = "motion"
	// CropKeypoints takes a square around a trained model's keypoints.
	CropKeypoints Crop = "keypoints"
)

// Split says how clips without a given partition are divided.
type Split string

// The ways to divide.
const (
	// SplitAuto is by identity if there are two or more, else by time.
	SplitAuto Split = "auto"
	// SplitIdentity puts whole identities on one side.
	SplitIdentity Split = "identity"
	// SplitTime takes the end of every video for the test.
	SplitTime Split = "time"
)

// TimeUnit is what plain numbers in the columns start and end are.
type TimeUnit = cutlist.Unit

// The units of time.
const (
	InFrames  = cutlist.Frames
	InSeconds = cutlist.Seconds
)

// Options say what to prepare and how. DefaultOptions gives the values that
// the zero value lacks.
type Options struct {
	// In is a folder of videos, one video, or one file of TFRecords.
	In string
	// Out is the folder of the data set. One that an earlier run with the same
	// parameters left is gone on with.
	Out string

	// Cuts is a CSV file of cuts; empty: scenes are found. Times is the unit of
	// its plain numbers.
	Cuts  string
	Times TimeUnit

	// Size is the side of the square pictures.
	Size   int
	Format Format
	Fit    video.Fit

	Crop Crop
	// Checkpoint is the run or checkpoint whose keypoints guide CropKeypoints.
	Checkpoint string
	// Margin is added around what moves, on each side, as a share of its side.
	Margin float64

	// FPS is the most frames a second that are taken, by the film's own
	// timestamps; 0 takes every stored frame. No frame is ever taken twice.
	FPS float64
	// MinFrames is the length below which clips are dropped. Scenes longer than
	// MaxFrames become several clips.
	MinFrames, MaxFrames int
	// MinMotion is how many grey levels of 255 the most moving twentieth of a
	// scene has to vary by (standard deviation over time).
	MinMotion float64

	Split Split
	// TestShare of the frames is held back for the test.
	TestShare float64
	// Gap frames are left out where a scene is divided between train and test.
	Gap  int
	Seed int64

	// Camera of a file of TFRecords: aux1 or main.
	Camera string

	// Workers is the number of videos, and of pictures, that are worked on at
	// once. 0 is one per core, at most 8.
	Workers int
	Limits  video.Limits
	// MaxFailedWrites ends the run after so many failures in a row to write one
	// kind of file, say because the disk is full.
	MaxFailedWrites int
	// DryRun looks at everything, says what would be done and writes nothing.
	DryRun bool
	// Progress is told how far the work is; may be nil.
	Progress Progress

	// Files is what the data set is written to; nil is the operating system. Tests
	// put faults there.
	Files durable.FileSystem

	// create makes the file of a picture; tests let it fail.
	create func(path string) (io.WriteCloser, error)
	// pause is how long writing waits after a failure.
	pause time.Duration
	// looked is the most frames of a film that are looked at; tests lower it.
	looked int
}

const (
	// maxFilm frames of a film are read, unless Limits say otherwise: two days.
	maxFilm = 1 << 22
	// maxLooked bounds the memory for looking at a film, 1 kB a frame: 2.9 hours
	// at 25 frames a second.
	maxLooked = 1 << 18
)

// DefaultOptions are the values that flags start from.
func DefaultOptions() Options {
	return Options{
		Times: InFrames, Size: 256, Format: PNG, Fit: video.Crop, Crop: CropNone, Margin: 0.25,
		MinFrames: 24, MaxFrames: 1024, MinMotion: 2, Split: SplitAuto, TestShare: 0.2, Gap: 8, Camera: "aux1",
		MaxFailedWrites: patience.Most,
	}
}

// maxSize bounds the side of pictures, as the data sets of training do.
const maxSize = 8192

// Validate reports the first value that is out of range. It touches no files.
func (o *Options) Validate() error {
	switch {
	case o.In == "":
		return errors.New("`in` is missing: name a folder of videos, one video, or a file of TFRecords")
	case o.Out == "":
		return errors.New("`out` is missing: name the folder to make")
	case o.Size < 8 || o.Size > maxSize:
		return fmt.Errorf("`size`=%d: must lie in 8..%d", o.Size, maxSize)
	case o.Format != PNG && o.Format != JPG && o.Format != MP4:
		return fmt.Errorf("`format`=%s: choose png, jpg or mp4", o.Format)
	case o.Format == MP4 && o.Size%2 != 0:
		return fmt.Errorf("`size`=%d: films of mp4 have even sides; choose %d, or `format`=png", o.Size, o.Size+1)
	case o.Crop != CropNone && o.Crop != CropMotion && o.Crop != CropKeypoints:
		return fmt.Errorf("`crop`=%s: choose none, motion or keypoints", o.Crop)
	case o.Crop == CropKeypoints && o.Checkpoint == "":
		return errors.New("`crop`=keypoints needs `checkpoint`=DIR, a run or a converted checkpoint whose keypoints show where the figure is")
	case o.Crop != CropKeypoints && o.Checkpoint != "":
		return errors.New("`checkpoint` is used by `crop`=keypoints only: add that, or leave it out")
	case !(o.Margin >= 0 && o.Margin <= 4):
		return fmt.Errorf("`margin`=%v: it is a share and must lie in [0, 4]", o.Margin)
	case o.Times != InFrames && o.Times != InSeconds:
		return fmt.Errorf("`times`=%s: choose frames or seconds", o.Times)
	case o.Camera != "aux1" && o.Camera != "main":
		return fmt.Errorf("`camera`=%s: choose aux1 or main", o.Camera)
	case o.Split != SplitAuto && o.Split != SplitIdentity && o.Split != SplitTime:
		return fmt.Errorf("`split`=%s: choose auto, identity or time", o.Split)
	}
	if err := o.Fit.Validate(); err != nil {
		return fmt.Errorf("`fit`: %w", err)
	}
	return o.validateNumbers()
}

func (o *Options) validateNumbers() error {
	switch {
	case !(o.FPS >= 0 && o.FPS <= 1000):
		return fmt.Errorf("`fps`=%v: must lie in [0, 1000]; 0 takes every frame", o.FPS)
	case o.MinFrames < 2:
		return fmt.Errorf("`min_frames`=%d: a clip needs at least 2 frames, a source and a driving one", o.MinFrames)
	case o.MaxFrames < o.MinFrames:
		return fmt.Errorf("`max_frames`=%d: must be at least `min_frames`, %d", o.MaxFrames, o.MinFrames)
	case !(o.MinMotion >= 0 && o.MinMotion <= 255):
		return fmt.Errorf("`min_motion`=%v: it counts grey levels and must lie in [0, 255]", o.MinMotion)
	case !(o.TestShare > 0 && o.TestShare < 1):
		return fmt.Errorf("`test_share`=%v: must lie between 0 and 1", o.TestShare)
	case o.Gap < 0 || o.Gap > 1<<20:
		return fmt.Errorf("`gap`=%d: must lie in 0..%d", o.Gap, 1<<20)
	case o.Workers < 0 || o.Workers > 1024:
		return fmt.Errorf("`workers`=%d: must lie in 0..1024; 0 is one per core", o.Workers)
	}
	return patience.Validate(o.MaxFailedWrites)
}

func (o *Options) workers() int {
	const most = 8
	if o.Workers > 0 {
		return o.Workers
	}
	return min(runtime.GOMAXPROCS(0), most)
}

// Progress is told how far the work is. Its methods are called by several
// goroutines at once.
type Progress interface {
	// Stage begins a part of the work: total things are to be done.
	Stage(what string, total int)
	// Done says that one of them is.
	Done()
	// Frames says that so many more frames went through.
	Frames(n int)
}

// quiet is the Progress of whoever wants none.
type quiet struct{}

func (quiet) Stage(string, int) {}
func (quiet) Done()             {}
func (quiet) Frames(int)        {}
