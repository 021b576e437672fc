package video

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prioritycut/prioritycut/internal/child"
	"github.com/prioritycut/prioritycut/internal/durable"
)

// Quality says how much a film may differ from its frames.
type Quality string

const (
	// Good is meant for watching: no difference that a viewer notices, plays
	// everywhere (H.264 or VP9 in 4:2:0).
	Good Quality = ""
	// Lossless gives back exactly the frames written. It is meant for further
	// computing: players may not know it (H.264 in RGB, VP9 in 4:4:4, FFV1).
	// A gif cannot do that.
	Lossless Quality = "lossless"
)

// FilmOptions say how a film is written.
type FilmOptions struct {
	// Rate is the constant number of frames a second as a fraction or a
	// number: "25", "30000/1001" (Info.ExactRate). It is kept exactly; only a
	// gif counts in hundredths of a second, so its frames are shown for times
	// rounded to those, without drift. Empty is 25.
	Rate string
	// Audio is a film whose first sound track goes into this one, from
	// AudioFrom on and as long as the pictures last; empty for none. If that
	// film has no sound, neither has this one. A track that the container can
	// hold is copied as it is, any other is encoded anew (aac; opus in webm);
	// Sound tells what was done.
	Audio string
	// AudioFrom counts from the first picture of the film Audio.
	AudioFrom time.Duration
	// Quality is Good unless told.
	Quality Quality
	// Limits are those for reading the film Audio.
	Limits Limits
}

// DefaultRate is the frames a second of a film for which nothing else is said.
const DefaultRate = "25"

// maxGIFRate is the highest rate that players of gif files keep: they take
// shorter delays than two hundredths of a second for a mistake.
const maxGIFRate = 50

// FilmWriter encodes a film through ffmpeg. Memory does not depend on its
// length.
type FilmWriter struct {
	path    string
	format  container
	options FilmOptions
	rate    float64
	w, h    int // of the frames
	even    bool
	padded  []byte

	ctx      context.Context
	cancel   context.CancelFunc
	cmd      *child.Command
	messages *excerpt
	in       io.WriteCloser
	temp     *durable.Temp
	audio    Info // of options.Audio, if it has sound that can go in
	sound    string
	n        int
	room     atomic.Int64 // what the frames so far may come to
	err      error
	ended    bool // cmd.Wait has been called
}

// CreateFilm begins a film of w x h pixels: mp4, m4v, mov, mkv, webm or gif by
// its name. It is written beside its final place under a hidden name. Until
// Close, and if ctx is cancelled, nothing changes under path; then an older
// file is replaced. What a killed process left of its films in that folder is
// removed.
//
// H.264 for watching (mp4, m4v, mov, mkv) has even sides only, because what
// every player can show halves the colour planes: an odd side is made even by
// repeating the last column or row. A gif shows each frame with 256 colours of
// its own and at most 50 frames a second: of a faster film frames are left out.
func CreateFilm(ctx context.Context, path string, w, h int, o FilmOptions) (*FilmWriter, error) {
	f := &FilmWriter{path: path, w: w, h: h, options: o}
	if err := f.start(ctx); err != nil {
		return nil, fmt.Errorf("film %s: %w", path, err)
	}
	return f, nil
}

func (f *FilmWriter) start(ctx context.Context) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.options.Rate == "" {
		f.options.Rate = DefaultRate
	}
	if f.rate, err = ParseRate(f.options.Rate); err != nil {
		return err
	}
	if err := checkSides(f.w, f.h); err != nil {
		return err
	}
	if f.format, err = containerOf(f.path, f.options.Quality); err != nil {
		return err
	}
	if f.even = f.format.even && (f.w%2 == 1 || f.h%2 == 1); f.even {
		f.padded = make([]byte, 3*(f.w+f.w%2)*(f.h+f.h%2))
	}
	if info, err := os.Stat(f.path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("there is something else under this name (%s)", info.Mode().Type())
	}
	if err := f.probeAudio(ctx); err != nil {
		return err
	}
	if f.temp, err = f.newTemp(); err != nil {
		return err
	}
	f.ctx, f.cancel = context.WithCancel(ctx)
	if err := f.run(); err != nil {
		f.cancel()
		f.temp.Remove()
		return err
	}
	return nil
}

// newTemp makes an empty hidden file beside the film's final place.
func (f *FilmWriter) newTemp() (*durable.Temp, error) {
	return durable.NewFile(filepath.Dir(f.path), ".film-")
}

// run starts the encoder.
func (f *FilmWriter) run() (err error) {
	w, h := f.Size()
	args := []string{"-y", "-xerror",
		"-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", fmt.Sprintf("%dx%d", w, h), "-framerate", f.options.Rate, "-i", "pipe:0",
		"-map_metadata", "-1"}
	args = append(args, f.format.encoder(f.rate)...)
	args = append(args, "-f", f.format.muxer, "file:"+f.temp.Path)
	if f.cmd, f.messages, err = command(f.ctx, f.options.Limits, "ffmpeg", args...); err != nil {
		return err
	}
	f.room.Store(filmOverhead)
	f.cmd.Writes = &child.Output{Path: f.temp.Path, Most: f.room.Load}
	if f.in, err = f.cmd.StdinPipe(); err != nil {
		return err
	}
	return f.cmd.Start()
}

// Size of the film in pixels: that of the frames, but for odd sides.
func (f *FilmWriter) Size() (w, h int) {
	if f.even {
		return f.w + f.w%2, f.h + f.h%2
	}
	return f.w, f.h
}

// Write encodes one frame. It waits while the encoder is busy.
func (f *FilmWriter) Write(frame *Frame) error {
	if f.err != nil {
		return f.err
	}
	if err := checkFrame(frame, f.w, f.h); err != nil {
		return f.fail(err)
	}
	f.room.Add(frameRoom(f.w, f.h)) // first: what it has of it, it may write
	if _, err := f.in.Write(f.evened(frame)); err != nil {
		return f.fail(f.becauseOf(err))
	}
	f.n++
	return nil
}

// evened repeats the last column and row where sides must be even.
func (f *FilmWriter) evened(frame *Frame) []byte {
	if !f.even {
		return frame.Pix
	}
	w, h := f.Size()
	for y := 0; y < h; y++ {
		line := f.padded[3*w*y:][:3*w]
		n := copy(line, frame.Pix[3*f.w*min(y, f.h-1):][:3*f.w])
		copy(line[n:], line[n-3:n])
	}
	return f.padded
}

// Close finishes the film and gives it its name.
func (f *FilmWriter) Close() error {
	if f.err != nil {
		return f.err
	}
	if err := f.finish(); err != nil {
		return f.fail(err)
	}
	f.end()
	f.err = fmt.Errorf("film %s: used after Close", f.path)
	return nil
}

func (f *FilmWriter) finish() error {
	if f.n == 0 {
		return errors.New("no frame was written")
	}
	f.in.Close()
	f.ended = true
	if err := f.cmd.Wait(); err != nil {
		return f.becauseOf(err)
	}
	if err := f.addSound(); err != nil {
		return err
	}
	if err := f.ctx.Err(); err != nil {
		return err
	}
	return f.temp.Publish(f.path)
}

// Abort stops the encoder and removes what it wrote.
func (f *FilmWriter) Abort() {
	if f.err == nil {
		f.fail(errors.New("used after Abort"))
	}
}

// fail ends everything; the error is what every later call gets.
func (f *FilmWriter) fail(err error) error {
	f.end()
	f.temp.Remove()
	f.err = fmt.Errorf("film %s: %w", f.path, err)
	return f.err
}

// end stops the encoder, if it still runs, and collects it.
func (f *FilmWriter) end() {
	f.cancel()
	if !f.ended {
		f.ended = true
		f.cmd.Wait() // killed: its exit state says nothing
	}
}

// becauseOf replaces the error of a broken pipe or an exit state by why it came
// to that: a cancelled context or what ffmpeg has to say.
func (f *FilmWriter) becauseOf(err error) error {
	if f.ctx.Err() != nil {
		return f.ctx.Err()
	}
	if !f.ended {
		// It has closed its side, so it ends by itself and says why.
		f.ended = true
		if waited := f.cmd.Wait(); waited != nil {
			err = waited
		}
	}
	return f.messages.explain("ffmpeg cannot write it", err)
}

var rateForm = regexp.MustCompile(`^[0-9]{1,9}(\.[0-9]{1,9}|/[0-9]{1,9})?$`)

// maxRate bounds frames a second.
const maxRate = 1000

// ParseRate reads frames a second: "25", "29.97" or "30000/1001".
func ParseRate(text string) (float64, error) {
	num, den, isRatio := strings.Cut(text, "/")
	a, _ := strconv.ParseFloat(num, 64)
	b := 1.0
	if isRatio {
		b, _ = strconv.ParseFloat(den, 64)
	}
	if rate := a / b; rateForm.MatchString(text) && rate > 0 && rate <= maxRate && !math.IsNaN(rate) {
		return rate, nil
	}
	return 0, fmt.Errorf("%q is no rate: frames a second are a number or a fraction, at most %d", text, maxRate)
}
