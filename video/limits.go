package video

import (
	"fmt"
	"time"
)

// Limits bound what a file may claim before anything is decoded or allocated.
type Limits struct {
	// MaxPixels bounds width * height of one picture (a strip is one picture).
	MaxPixels int64
	// MaxFrames bounds the frames of a video.
	MaxFrames int
	// PixelsBy and FramesBy are how people change these limits where they can,
	// such as "`max_pixels`"; messages name them.
	PixelsBy, FramesBy string
	// Patience is how long ffmpeg may make no progress before it is ended; two
	// minutes unless told (child.DefaultPatience).
	Patience time.Duration
}

// DefaultLimits let through 8K films, strips of a thousand frames of 256x256
// pixels and an hour at 25 frames a second.
var DefaultLimits = Limits{MaxPixels: 1 << 26, MaxFrames: 90000}

// OrDefault replaces limits that are not positive by the default ones.
func (l Limits) OrDefault() Limits {
	if l.MaxPixels < 1 {
		l.MaxPixels = DefaultLimits.MaxPixels
	}
	if l.MaxFrames < 1 {
		l.MaxFrames = DefaultLimits.MaxFrames
	}
	return l
}

// size reports a picture size that is impossible or beyond the limit.
func (l Limits) size(w, h int) error {
	if w < 1 || h < 1 {
		return fmt.Errorf("claims to be %dx%d pixels", w, h)
	}
	// Not w*h: it may overflow for what a header can claim.
	if int64(w) > l.MaxPixels/int64(h) {
		return fmt.Errorf("claims %dx%d pixels, more than the limit of %d in all%s", w, h, l.MaxPixels, by(l.PixelsBy))
	}
	return nil
}

// frames reports a number of frames beyond the limit.
func (l Limits) frames(n int) error {
	if n > l.MaxFrames {
		if l.FramesBy == "" {
			return fmt.Errorf("has more than %d frames: cut it", l.MaxFrames)
		}
		return fmt.Errorf("has more than %d frames%s: cut it or raise the limit", l.MaxFrames, by(l.FramesBy))
	}
	return nil
}

// by names what changes a limit, if anything does.
func by(what string) string {
	if what == "" {
		return ""
	}
	return " (" + what + ")"
}
