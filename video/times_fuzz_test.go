package video

import (
	"bytes"
	"testing"
)

// FuzzTimes reads what ffprobe and ffmpeg may write of times, and what ffmpeg
// says while it reads: times come in order, and no more than the limit.
func FuzzTimes(f *testing.F) {
	for _, text := range []string{
		"0.000000,0.040000,K_\n0.040000,0.040000,__\n", "N/A,N/A,K_\n", "#tb 0: 1/25\n0, 0, 0, 1, 16, 0xab\n",
		"[graph 0 input from stream 0:0 @ 0x5] [info] filter context - w: 64 h: 48 fmt: 0, incoming frame - w: 128 h: 96 fmt: 0 pts_time: 1.5\n",
		"[error] x: Input/output error\n", "9223372036854775807,1e308,K_\n-1e400,nan,K\n",
	} {
		f.Add([]byte(text), 25.0)
	}
	limits := Limits{MaxFrames: 100}.OrDefault()
	f.Fuzz(func(t *testing.T, data []byte, rate float64) {
		packets, err := parsePacketTimes(bytes.NewReader(data), rate, limits)
		frames, errFrames := parseFrameTimes(bytes.NewReader(data), limits)
		for _, times := range []struct {
			shownTimes
			err error
		}{{packets, err}, {frames, errFrames}} {
			for i := 1; times.err == nil && i < len(times.at); i++ {
				if times.at[i] < times.at[i-1] || i >= 100 {
					t.Errorf("time %d is %v after %v", i, times.at[i], times.at[i-1])
				}
			}
		}
		h := &hearing{errors: &excerpt{}}
		if n, err := h.Write(data); n != len(data) || err != nil || len(h.line) > maxLine || len(h.errors.kept) > maxExcerpt {
			t.Errorf("%d of %d bytes, %v; kept %d and %d", n, len(data), err, len(h.line), len(h.errors.kept))
		}
	})
}
