package dataset

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/prioritycut/prioritycut/video"
)

// Names of drawn data sets (dataset/shapes), as root_dir.
const (
	// Shapes are puppets, which look alike but for shades and patterns.
	Shapes = "shapes"
	// drawnPrefix begins the names of other figures.
	drawnPrefix = Shapes + ":"
	// seedMark stands before the seed of other drawings.
	seedMark = "@"
	// People differ in face, clothes and proportions.
	People = drawnPrefix + "people"
)

// DrawnFigures reports whether root_dir names a drawn data set, and the figures
// that it is of: empty for puppets, else any word behind the colon.
func DrawnFigures(rootDir string) (figures string, drawn bool) {
	name, _, _ := strings.Cut(rootDir, seedMark)
	if name == Shapes {
		return "", true
	}
	return strings.CutPrefix(name, drawnPrefix)
}

// DrawnSeed returns the seed that the name of a drawn data set ends with, as in
// shapes@7: the same kind of figures, all drawn anew. It is 0 where none is named.
func DrawnSeed(rootDir string) (int64, error) {
	_, text, named := strings.Cut(rootDir, seedMark)
	if !named {
		return 0, nil
	}
	seed, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seed < 0 {
		return 0, fmt.Errorf("data set %s: %q is no seed: behind the %s stands a whole number from 0 on, as in %s%s7", rootDir, text, seedMark, Shapes, seedMark)
	}
	return seed, nil
}

// DrawnName undoes DrawnFigures.
func DrawnName(figures string) string {
	if figures == "" {
		return Shapes
	}
	return drawnPrefix + figures
}

// Params say where the videos are and how pictures are made of them (YAML:
// dataset_params, with the reference's keys first).
type Params struct {
	// RootDir is the data set: a folder with train/ and test/, a folder of
	// videos (a fifth of them become the test set), one video (its last fifth
	// becomes the test set), sample:NAME, a real video that is fetched on
	// first use, or drawn: shapes (puppets) or shapes:people (shapes@7 draws
	// others of the kind, by seed 7 in place of 0). A video is a folder of png/jpg frames, a film (mp4, mov, webm,
	// gif, ...) or one png/jpg with the frames side by side.
	RootDir string `yaml:"root_dir"`
	// FrameShape is [height, width, channels] of the pictures the model sees.
	// Channels must be 3; sides lie in 1..8192. The reference knows squares only.
	FrameShape [3]int `yaml:"frame_shape,flow"`
	// IDSampling makes identities the items of an epoch: all videos whose names
	// agree up to the first '#' are one item, and one of them is drawn each
	// time (VoxCeleb and Tai-Chi-HD, where one person has many videos).
	IDSampling bool `yaml:"id_sampling"`
	// PairsList is a csv file of (source, driving) pairs for animation
	// (columns distance,source,driving,frame). Training does not read it.
	PairsList string `yaml:"pairs_list"`
	// AugmentationParams vary the training pairs. Test frames are never varied.
	AugmentationParams AugmentationParams `yaml:"augmentation_params"`

	// Fit says how a frame of another size comes to FrameShape: stretch (as
	// the reference: the aspect is lost), crop (the centre) or pad (black
	// bars). It means the same in training, evaluation and animation.
	Fit video.Fit `yaml:"fit"`
	// MaxBroken is the share of videos, in [0, 1] and rounded up to whole
	// videos, that may turn out unreadable (they are named and skipped) before
	// a run stops. A data set of broken videos only always stops it.
	MaxBroken float64 `yaml:"max_broken"`
	// MaxPixels bounds width * height of a picture before it is decoded.
	MaxPixels int64 `yaml:"max_pixels"`
	// MaxFrames bounds the frames of one video; a longer one counts as broken.
	MaxFrames int `yaml:"max_frames"`
	// MemoryMB bounds the memory that decoded frames are kept in, in MiB.
	// 0 keeps none.
	MemoryMB int `yaml:"memory_mb"`
	// CacheGB bounds the space on disc, in GiB, for the fitted frames of films
	// (a film is decoded once, since its frames cannot be reached singly).
	// Films beyond it are decoded each time they are drawn. 0 keeps none.
	CacheGB float64 `yaml:"cache_gb"`
	// CacheDir is the folder for these frames and for the samples. Empty is
	// the user's cache folder (XDG_CACHE_HOME, ~/.cache). Of a model that is only
	// read, a folder outside of that is not used.
	CacheDir string `yaml:"cache_dir"`
	// Workers is the number of goroutines that decode and augment. 0 is one
	// per core, at most 8.
	Workers int `yaml:"workers"`
	// Prefetch is the number of batches that are made ahead. At least 1.
	Prefetch int `yaml:"prefetch"`
}

// AugmentationParams are applied in the order flip, resize, crop, jitter, with
// the same draw for both frames of a pair. What is absent or zero is off.
type AugmentationParams struct {
	FlipParam   FlipParam   `yaml:"flip_param"`
	ResizeParam ResizeParam `yaml:"resize_param"`
	CropParam   CropParam   `yaml:"crop_param"`
	JitterParam JitterParam `yaml:"jitter_param"`
}

// FlipParam switches the two flips on. Each happens with probability 1/2, the
// horizontal one only in pairs that were not flipped in time.
type FlipParam struct {
	// HorizontalFlip mirrors left and right.
	HorizontalFlip bool `yaml:"horizontal_flip"`
	// TimeFlip swaps source and driving frame.
	TimeFlip bool `yaml:"time_flip"`
}

// ResizeParam scales pairs by a random factor, by nearest neighbour. It needs
// CropParam, since all pictures of a batch have one size.
type ResizeParam struct {
	// Ratio is the range [least, greatest] of the factor; both zero is off.
	Ratio [2]float64 `yaml:"ratio,flow"`
}

// CropParam cuts a random window, after repeating the border of pictures that
// are smaller.
type CropParam struct {
	// Size is [height, width] and must equal that of FrameShape; zeros are off.
	Size [2]int `yaml:"size,flow"`
}

// JitterParam varies colours, in random order of the four. The factors of
// brightness, contrast and saturation are drawn from [max(0, 1-v), 1+v], the
// shift of the hue from [-v, v] of a full turn. Zero is off.
type JitterParam struct {
	Brightness float64 `yaml:"brightness"`
	Contrast   float64 `yaml:"contrast"`
	Saturation float64 `yaml:"saturation"`
	// Hue lies in [0, 0.5].
	Hue float64 `yaml:"hue"`
}

// DefaultParams are the values the presets start from: no data and no
// augmentation yet, stretched to 256x256 as the reference does.
func DefaultParams() Params {
	return Params{
		FrameShape: [3]int{256, 256, 3}, Fit: video.Stretch,
		MaxBroken: 0.1, MaxPixels: video.DefaultLimits.MaxPixels, MaxFrames: video.DefaultLimits.MaxFrames,
		MemoryMB: 512, CacheGB: 20, Prefetch: 4,
	}
}

// maxSide bounds the sides of the pictures a model is trained on.
const maxSide = 8192

// Validate reports the first value that is out of range. It touches no files.
func (p Params) Validate() error {
	h, w, c := p.FrameShape[0], p.FrameShape[1], p.FrameShape[2]
	switch {
	case h < 1 || w < 1 || h > maxSide || w > maxSide:
		return fmt.Errorf("frame_shape is %v: height and width must lie in 1..%d", p.FrameShape, maxSide)
	case c != 3:
		return fmt.Errorf("frame_shape is %v: it is [height, width, channels] and only 3 channels (RGB) are supported", p.FrameShape)
	case !(p.MaxBroken >= 0 && p.MaxBroken <= 1):
		return fmt.Errorf("max_broken is %v: it is a share and must lie in [0, 1]", p.MaxBroken)
	case p.MaxPixels < 1 || p.MaxPixels > 1<<30:
		return fmt.Errorf("max_pixels is %d: it must lie in 1..%d", p.MaxPixels, 1<<30)
	case p.MaxFrames < 1 || p.MaxFrames > 1<<30:
		return fmt.Errorf("max_frames is %d: it must lie in 1..%d", p.MaxFrames, 1<<30)
	case p.MemoryMB < 0 || p.MemoryMB > 1<<24:
		return fmt.Errorf("memory_mb is %d: it must lie in 0..%d", p.MemoryMB, 1<<24)
	case !(p.CacheGB >= 0 && p.CacheGB <= 1e6):
		return fmt.Errorf("cache_gb is %v: it must lie in [0, 1e6]", p.CacheGB)
	case p.Workers < 0 || p.Workers > 1024:
		return fmt.Errorf("workers is %d: it must lie in 0..1024 (0 is one per core)", p.Workers)
	case p.Prefetch < 1 || p.Prefetch > 1024:
		return fmt.Errorf("prefetch is %d: it must lie in 1..1024", p.Prefetch)
	}
	if err := p.Fit.Validate(); err != nil {
		return fmt.Errorf("fit: %w", err)
	}
	return p.AugmentationParams.validate(h, w)
}

func (a AugmentationParams) validate(h, w int) error {
	j := a.JitterParam
	for _, v := range []struct {
		name   string
		value  float64
		atMost float64
	}{
		{"brightness", j.Brightness, 100}, {"contrast", j.Contrast, 100},
		{"saturation", j.Saturation, 100}, {"hue", j.Hue, 0.5},
	} {
		if !(v.value >= 0 && v.value <= v.atMost) {
			return fmt.Errorf("augmentation_params.jitter_param.%s is %v: it must lie in [0, %v]", v.name, v.value, v.atMost)
		}
	}
	lo, hi := a.ResizeParam.Ratio[0], a.ResizeParam.Ratio[1]
	if a.ResizeParam.on() && !(lo >= 0.05 && hi >= lo && hi <= 20 && !math.IsInf(hi, 0)) {
		return fmt.Errorf("augmentation_params.resize_param.ratio is [%v, %v]: it must be [least, greatest] within [0.05, 20]", lo, hi)
	}
	if a.CropParam.on() && a.CropParam.Size != [2]int{h, w} {
		return fmt.Errorf("augmentation_params.crop_param.size is %v: it must be [%d, %d], the height and width of frame_shape", a.CropParam.Size, h, w)
	}
	if a.ResizeParam.on() && !a.CropParam.on() {
		return errors.New("augmentation_params.resize_param changes the size of pictures: it needs crop_param.size, the height and width of frame_shape")
	}
	return nil
}

func (r ResizeParam) on() bool { return r.Ratio != [2]float64{} }
func (c CropParam) on() bool   { return c.Size != [2]int{} }
