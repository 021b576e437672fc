package video

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"
)

// clockTicks is ffmpeg's unit of the times that it writes: fine enough for
// every container's.
const clockTicks = "1/1000000"

// tellTimes are ffmpeg's options for an output of the times of pictures. Times
// that go back, as where streams were joined, are held still: ffmpeg would take
// them for damage.
var tellTimes = []string{
	"-vf", "settb=" + clockTicks + ",setpts='if(isnan(PREV_OUTPTS),PTS,max(PTS,PREV_OUTPTS))'",
	"-enc_time_base", clockTicks, "-c:v", "wrapped_avframe", "-f", "framecrc",
}

// unknown is the time of a frame that ffmpeg has none for.
const unknown = time.Duration(math.MinInt64)

// frameTimes are the times of a film's frames, as ffmpeg writes them beside the
// frames.
type frameTimes struct {
	mu    sync.Mutex
	more  *sync.Cond
	at    []time.Duration // or unknown
	ended bool
}

// readTimes reads them as they come, so that ffmpeg never waits for that, and
// closes the pipe at its end.
func readTimes(pipe io.ReadCloser) *frameTimes {
	t := &frameTimes{}
	t.more = sync.NewCond(&t.mu)
	go func() {
		defer pipe.Close()
		lines := bufio.NewScanner(pipe)
		for lines.Scan() {
			if at, ok := frameTime(lines.Text()); ok {
				t.mu.Lock()
				t.at = append(t.at, at)
				t.mu.Unlock()
				t.more.Broadcast()
			}
		}
		_, _ = io.Copy(io.Discard, pipe) // a line that is too long
		t.end()
	}()
	return t
}

// end says that no more times are waited for.
func (t *frameTimes) end() {
	t.mu.Lock()
	t.ended = true
	t.mu.Unlock()
	t.more.Broadcast()
}

// frameTime reads a line such as "0, 40000, 40000, 40000, 472, 0x1c2b": stream,
// times of decoding and showing, duration, size, sum. Others are comments.
func frameTime(line string) (at time.Duration, ok bool) {
	fields := strings.Split(line, ",")
	if len(fields) < 3 || strings.HasPrefix(line, "#") {
		return 0, false
	}
	ticks, err := strconv.ParseInt(strings.TrimSpace(fields[2]), 10, 64)
	if err != nil || ticks < -1e15 || ticks > 1e15 {
		return unknown, true
	}
	return time.Duration(ticks) * time.Microsecond, true
}

// of waits for the time of a frame that was read, which was written before it;
// it is unknown where ffmpeg ended, or stands still, without telling it.
func (t *frameTimes) of(i int, patience time.Duration) (time.Duration, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i >= len(t.at) && !t.ended {
		late := time.AfterFunc(patience, t.end)
		defer late.Stop()
	}
	for i >= len(t.at) && !t.ended {
		t.more.Wait()
	}
	if i >= len(t.at) || t.at[i] == unknown {
		return 0, false
	}
	return t.at[i], true
}

// steadyFilm shows a film at a constant rate: each of its frames is the picture
// that is shown then.
type steadyFilm struct {
	*Film
	rate float64
	tail time.Duration

	shown, next *Frame // the picture that is shown, and the one that follows
	from        int64  // the frame at which next begins
	at          int64  // the next frame
	end         int64  // of the film, once its last picture was read
	err         error  // why it ended
}

// OpenFilmAt is OpenFilm at a constant rate, a fraction or number of frames a
// second (Info.SteadyRate): each frame is the picture that is shown at its time,
// counted from the first picture. So pictures of a film of variable rate come
// repeatedly or not at all, and stay in time with the sound.
func OpenFilmAt(ctx context.Context, path, rate string, limits Limits) (Reader, error) {
	value, err := ParseRate(rate)
	if err != nil {
		return nil, fmt.Errorf("film %s: %w", path, err)
	}
	info, err := Probe(ctx, path, limits)
	if err != nil {
		return nil, err
	}
	film, err := OpenFilm(ctx, path, limits)
	if err != nil {
		return nil, err
	}
	s := &steadyFilm{Film: film, rate: value}
	if info.Variable { // else the last one is shown as long as all others
		s.tail = info.tail
	}
	if s.shown, err = film.Next(); err != nil {
		film.Close()
		return nil, err
	}
	s.read()
	return s, nil
}

// read reads the next picture, or finds out where the film ends: of a damaged
// one, before its damage.
func (s *steadyFilm) read() {
	last := slot(s.At(), s.rate)
	if s.next, s.err = s.Film.Next(); s.err == nil {
		s.from = slot(s.At(), s.rate)
		return
	}
	s.next, s.end = nil, last+1
	if s.err == io.EOF {
		s.end = max(s.end, slot(s.At()+s.tail, s.rate))
	}
}

// Next returns the next frame or io.EOF.
func (s *steadyFilm) Next() (*Frame, error) {
	for s.next != nil && s.from <= s.at {
		s.shown = s.next
		s.read()
	}
	if s.next == nil && s.at >= s.end {
		return nil, s.err
	}
	if err := s.limits.frames(int(s.at) + 1); err != nil {
		return nil, fmt.Errorf("film %s: %w", s.path, err)
	}
	s.at++
	frame := *s.shown
	frame.Pix = append([]byte(nil), s.shown.Pix...) // it may be shown again
	return &frame, nil
}
