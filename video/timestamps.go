package video

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Timestamps returns when each picture of a film is shown, counted from the
// first one, in the order in which OpenFilm gives them. It reads the
// container only and decodes nothing (but for VP8, whose packets may hold
// pictures that are never shown), so that of a damaged film there may be
// more or fewer than there are frames. Where the container tells no times (raw
// streams, some avi files), the pictures are spaced by the mean rate; a film
// that has neither is an error.
func Timestamps(ctx context.Context, path string, limits Limits) ([]time.Duration, error) {
	limits = limits.OrDefault()
	info, err := Probe(ctx, path, limits)
	if err != nil {
		return nil, err
	}
	shown, err := packetTimes(ctx, path, &stream{Codec: info.Codec, AvgRate: info.ExactRate}, limits)
	if err != nil {
		return nil, fmt.Errorf("film %s: %w", path, err)
	}
	for i := len(shown.at) - 1; i >= 0; i-- {
		shown.at[i] -= shown.at[0]
	}
	return shown.at, nil
}

// packetTimes are the times of the pictures of a film's stream s.
func packetTimes(ctx context.Context, path string, s *stream, limits Limits) (shownTimes, error) {
	from, err := input(path, limits)
	if err != nil {
		return shownTimes{}, err
	}
	tool, args := "ffprobe", append([]string{"-select_streams", "V:0", "-of", "csv=p=0", "-show_entries", "packet=pts_time,duration_time,flags"}, from...)
	rate := ratio(s.AvgRate)
	if rate == 0 {
		rate = ratio(s.BaseRate)
	}
	parse := func(r io.Reader) (shownTimes, error) { return parsePacketTimes(r, rate, limits) }
	if s.Codec == "vp8" {
		tool, args = "ffmpeg", append([]string{"-nostdin"}, from...)
		args = append(args, "-map", "0:V:0", syncOption(ctx, limits), "passthrough")
		args = append(append(args, tellTimes...), "pipe:1")
		parse = func(r io.Reader) (shownTimes, error) { return parseFrameTimes(r, limits) }
	}
	shown, err := timesFrom(ctx, limits, tool, args, parse)
	if err != nil {
		return shownTimes{}, fmt.Errorf("its timestamps: %w", err)
	}
	return shown, nil
}

// timesFrom runs a program that tells times.
func timesFrom(ctx context.Context, limits Limits, tool string, args []string, parse func(io.Reader) (shownTimes, error)) (shownTimes, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd, messages, err := command(ctx, limits, tool, args...)
	if err != nil {
		return shownTimes{}, err
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return shownTimes{}, err
	}
	shown, err := parse(out)
	if err != nil {
		cancel()
		cmd.Wait() // killed: its exit state says nothing
		return shownTimes{}, err
	}
	if err := cmd.Wait(); err != nil && len(shown.at) == 0 {
		if ctx.Err() != nil {
			return shownTimes{}, ctx.Err()
		}
		return shownTimes{}, messages.explain(tool+" cannot read it", err)
	}
	return shown, ctx.Err()
}

var errNoTimes = errors.New("the film tells neither times nor a rate")

// parsePacketTimes reads lines such as "0.040000,0.040000,K_". A packet marked D
// is one that players leave out.
func parsePacketTimes(r io.Reader, rate float64, limits Limits) (shownTimes, error) {
	var all shownTimes
	var latest time.Duration
	lines := bufio.NewScanner(io.LimitReader(r, 1<<30))
	for lines.Scan() {
		fields := strings.Split(lines.Text(), ",")
		if len(fields) < 3 || fields[0] == "" || strings.Contains(fields[2], "D") {
			continue
		}
		var at time.Duration
		pts, err := strconv.ParseFloat(fields[0], 64)
		switch {
		case err == nil && pts > -1e9 && pts < 1e9:
			at = time.Duration(pts * float64(time.Second))
		case rate > 0:
			at = time.Duration(float64(len(all.at)) / rate * float64(time.Second))
		default:
			return all, errNoTimes
		}
		if len(all.at) == 0 || at >= latest { // of the one that is shown last
			latest, all.last = at, seconds(fields[1])
		}
		all.at = append(all.at, at)
		if err := limits.frames(len(all.at)); err != nil {
			return all, err
		}
	}
	slices.Sort(all.at)
	return all, lines.Err()
}

// parseFrameTimes reads what ffmpeg writes of the pictures it decoded.
func parseFrameTimes(r io.Reader, limits Limits) (shownTimes, error) {
	var all shownTimes
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		at, ok := frameTime(lines.Text())
		switch {
		case !ok:
			continue
		case at == unknown:
			return all, errNoTimes
		}
		all.at = append(all.at, at)
		if err := limits.frames(len(all.at)); err != nil {
			return all, err
		}
	}
	slices.Sort(all.at)
	return all, lines.Err()
}
