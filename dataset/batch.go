package dataset

import "github.com/prioritycut/prioritycut/video"

// Batch is what one training step is fed.
type Batch struct {
	// Attempt is the number of the batch; with the seed it determines all else.
	Attempt int64
	// N pictures of H x W pixels in each of Source and Driving.
	N, H, W int
	// Source and Driving are flat [N,H,W,3] RGB pictures, 0..255. Whoever got
	// the batch owns them.
	Source, Driving []byte
	// Items say where each of the N pairs comes from.
	Items []Item
}

// Item is the origin of one training pair, enough to make it again by hand.
type Item struct {
	// Video is the index among the training videos, Name what it is called.
	Video int
	Name  string
	// Source and Driving are the indices of the frames within the video; Source
	// is the earlier one unless TimeFlip swapped them.
	Source, Driving int
	// TimeFlip and HorizontalFlip say which flip was taken (at most one).
	TimeFlip, HorizontalFlip bool
	// Resize is the factor of the random scale, 1 without.
	Resize float64
	// CropX and CropY are the window's corner in the scaled, padded picture.
	CropX, CropY int
	// Brightness, Contrast and Saturation are factors, 1 without; Hue is the
	// shift as a part of a full turn, 0 without.
	Brightness, Contrast, Saturation, Hue float64
	// JitterOrder is the order of the four: 0 brightness, 1 contrast,
	// 2 saturation, 3 hue.
	JitterOrder [4]uint8
}

// Video is a video whose frames can be reached singly. All methods may be
// called by several goroutines at once.
type Video interface {
	// Name tells the video from the others of its set.
	Name() string
	// Len is the number of frames, at least 1.
	Len() int
	// Frame returns frame i of 0..Len()-1. Nobody writes to it afterwards.
	Frame(i int) (*video.Frame, error)
}

// Source is a data set that needs no files: drawn data, tests. Frames of
// another size than asked for are fitted.
type Source interface {
	Train() []Video
	Test() []Video
}
