package video

import (
	"os"
	"time"

	"github.com/prioritycut/prioritycut/internal/child"
)

// What films may come to, in bytes, far beyond what an encoder writes that works.
// It codes pictures in blocks of up to 64x64 pixels, and pixels that cannot be
// predicted as they are but for little; each frame has a header, and each film an
// index.
const (
	blockSide     = 64
	timesRaw      = 2
	frameOverhead = 4 << 10
	filmOverhead  = 1 << 20
	// soundASecond is beyond 8 channels of 32 bits, 192,000 times a second.
	soundASecond = 8 << 20
)

// frameRoom is what a film may hold of a frame.
func frameRoom(w, h int) int64 {
	whole := func(n int) int64 { return int64((n + blockSide - 1) / blockSide * blockSide) }
	return timesRaw*3*whole(w)*whole(h) + frameOverhead
}

// soundRoom bounds the film that is made of a silent one and so much sound.
func soundRoom(silent, to string, length time.Duration) (*child.Output, error) {
	info, err := os.Stat(silent)
	if err != nil {
		return nil, err
	}
	most := timesRaw*info.Size() + int64(length.Seconds()*soundASecond) + filmOverhead
	return &child.Output{Path: to, Most: func() int64 { return most }}, nil
}
