package video

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
	"time"
)

// Timestamps returns when each picture of a film is shown, counted from the
// first one, in the order in which OpenFilm gives them. It reads the
// container only and decodes nothing, so that of a damaged film there may be
// more or fewer than there are frames. Where the container tells no times (raw
// streams, some avi files), the pictures are spaced by the mean rate; a film
// that has neither is an error.
func Timestamps(ctx context.Context, path string, limits Limits) ([]time.Duration, error) {
	limits = limits.OrDefault()
	info, err := Probe(ctx, path, limits)
	if err != nil {
		return nil, err
	}
	times, err := packetTimes(ctx, path, info.Rate, limits)
	if err != nil {
		return nil, fmt.Errorf("film %s: its timestamps: %w", path, err)
	}
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	for i := len(times) - 1; i >= 0; i-- {
		times[i] -= times[0]
	}
	return times, nil
}

// packetTimes lists the times of the packets, each of which holds a picture,
// in the order of the file.
func packetTimes(ctx context.Context, path string, rate float64, limits Limits) ([]time.Duration, error) {
	from, err := input(path, limits)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	args := append([]string{"-select_streams", "V:0", "-of", "csv=p=0", "-show_entries", "packet=pts_time,flags"}, from...)
	cmd, messages, err := command(ctx, limits, "ffprobe", args...)
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	times, err := parsePacketTimes(out, rate, limits)
	if err != nil {
		cancel()
		cmd.Wait() // killed: its exit state says nothing
		return nil, err
	}
	if err := cmd.Wait(); err != nil && len(times) == 0 {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, messages.explain("ffprobe cannot read it", err)
	}
	return times, ctx.Err()
}

// parsePacketTimes reads lines such as "0.040000,K_". A packet marked D is one
// that players leave out.
func parsePacketTimes(r io.Reader, rate float64, limits Limits) ([]time.Duration, error) {
	var times []time.Duration
	lines := bufio.NewScanner(io.LimitReader(r, 1<<30))
	for lines.Scan() {
		at, flags, _ := strings.Cut(lines.Text(), ",")
		if at == "" || strings.Contains(flags, "D") {
			continue
		}
		seconds, err := strconv.ParseFloat(at, 64)
		switch {
		case err == nil && seconds > -1e9 && seconds < 1e9:
			times = append(times, time.Duration(seconds*float64(time.Second)))
		case rate > 0:
			times = append(times, time.Duration(float64(len(times))/rate*float64(time.Second)))
		default:
			return nil, fmt.Errorf("the film tells neither times nor a rate")
		}
		if err := limits.frames(len(times)); err != nil {
			return nil, err
		}
	}
	return times, lines.Err()
}
