package video

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/prioritycut/prioritycut/internal/child"
)

// Reader gives the frames of a video in order. It is not safe for concurrent
// use.
type Reader interface {
	// Next returns the next frame, which the caller owns, and io.EOF after the
	// last. A video has at least one frame: a Reader that gives none gives
	// another error.
	Next() (*Frame, error)
	// Close releases everything, in the middle of a video too. It may be
	// called more than once.
	Close() error
}

// Film reads a film through ffmpeg. Memory does not depend on its length.
type Film struct {
	path   string
	limits Limits
	view   view
	times  *frameTimes
	gap    time.Duration // between two frames, where times are missing

	ctx      context.Context
	cancel   context.CancelFunc
	cmd      *child.Command
	messages *excerpt
	hearing  *hearing
	out      *bufio.Reader
	w, h     int  // of every frame
	begun    bool // the header of the next frame has been read
	wide     []byte
	read     int           // frames so far
	at       time.Duration // of the last one, on ffmpeg's clock
	first    time.Duration // of the first one
	err      error
	ended    bool // cmd.Wait has been called
}

// OpenFilm starts reading a film and waits for its first frame, so that a file
// that is none fails here. Cancelling ctx stops ffmpeg; so does Close, which
// has to be called in the end. Use Probe for what is known of a film before.
func OpenFilm(ctx context.Context, path string, limits Limits) (*Film, error) {
	limits = limits.OrDefault()
	info, err := Probe(ctx, path, limits)
	if err != nil {
		return nil, err
	}
	f := &Film{path: path, limits: limits, view: info.view, gap: info.tail}
	err = f.start(ctx)
	if err == nil {
		err = f.begin()
	}
	if err != nil {
		return nil, fmt.Errorf("film %s: %w", f.path, err)
	}
	return f, nil
}

// begin reads the first frame's header; it ends ffmpeg if there is none.
func (f *Film) begin() error {
	w, h, err := f.frameHeader()
	switch {
	case err == io.EOF:
		return f.finish()
	case err != nil:
		return f.becauseOf(err)
	}
	if err := f.limits.size(w, h); err != nil {
		f.end()
		return err
	}
	f.w, f.h, f.begun = w, h, true
	return nil
}

func (f *Film) start(ctx context.Context) error {
	args, err := f.arguments(ctx)
	if err != nil {
		return err
	}
	f.ctx, f.cancel = context.WithCancel(ctx)
	f.cmd, f.messages, err = command(f.ctx, f.limits, "ffmpeg", args...)
	if err != nil {
		f.cancel()
		return err
	}
	f.hearing = &hearing{errors: f.messages}
	f.cmd.Stderr = f.hearing
	var ours, theirs *os.File
	pipe, err := f.cmd.StdoutPipe()
	if err == nil {
		ours, theirs, err = os.Pipe()
	}
	if err != nil {
		f.cancel()
		return err
	}
	defer theirs.Close()
	f.cmd.ExtraFiles = []*os.File{theirs} // ffmpeg's number 3
	if err := f.cmd.Start(); err != nil {
		ours.Close()
		f.cancel()
		return err
	}
	f.times = readTimes(ours)
	f.out = bufio.NewReaderSize(pipe, 1<<16)
	return nil
}

// arguments are ffmpeg's. It writes two files: the times of the frames, of
// which it says nothing where it writes pictures, and the frames, every stored
// one once. The times come first, so that it never waits for us to read a frame
// while we wait for its time.
func (f *Film) arguments(ctx context.Context) ([]string, error) {
	args := append(append([]string{}, listening...), "-nostdin",
		// Damage is an error, not a guess at what the picture may have been.
		"-xerror",
		// More threads gain little on small films and many films are read at once.
		// Frames decoded side by side would now and then hide damage: a frame may
		// be passed on before its error is known.
		"-threads", "2", "-thread_type", "slice",
		// A chain of filters that is built anew when pictures change their size
		// squashes the later ones; turning by the tags of single pictures would
		// turn some and not others.
		"-reinit_filter", "0", "-noautorotate",
	)
	from, err := input(f.path, f.limits)
	if err != nil {
		return nil, err
	}
	args = append(args, from...)
	each := []string{"-map", "0:V:0", "-an", "-sn", "-dn", syncOption(ctx, f.limits), "passthrough"}
	args = append(args, each...)
	args = append(args, tellTimes...)
	args = append(args, "-flush_packets", "1", "pipe:3")
	args = append(args, each...)
	// PPM is raw RGB that says its size before each frame: the pictures cannot
	// shear, whatever the headers of the film said.
	return append(args, "-vf", f.view.filters(), "-f", "image2pipe", "-c:v", "ppm", "-pix_fmt", f.view.format(), "pipe:1"), nil
}

// Size of every frame in pixels, after rotation.
func (f *Film) Size() (w, h int) { return f.w, f.h }

// At is when the frame that Next returned last is shown, counted from the
// first one.
func (f *Film) At() time.Duration { return f.at - f.first }

// Next returns the next frame or io.EOF.
func (f *Film) Next() (*Frame, error) {
	if f.err != nil {
		return nil, f.err
	}
	frame, err := f.next()
	if err != nil {
		f.err = err
		if err != io.EOF {
			f.err = fmt.Errorf("film %s, frame %d: %w", f.path, f.read, err)
		}
		f.end()
		return nil, f.err
	}
	f.read++
	return frame, nil
}

func (f *Film) next() (*Frame, error) {
	if !f.begun {
		w, h, err := f.frameHeader()
		switch {
		case err == io.EOF:
			return nil, f.finish()
		case err != nil:
			return nil, f.becauseOf(err)
		case w != f.w || h != f.h:
			return nil, fmt.Errorf("changes size from %dx%d to %dx%d pixels", f.w, f.h, w, h)
		}
	}
	f.begun = false
	if err := f.limits.frames(f.read + 1); err != nil {
		return nil, err
	}
	frame, err := f.pixels()
	if err != nil {
		return nil, f.becauseOf(err)
	}
	if at, ok := f.times.of(f.read, cmp.Or(f.limits.Patience, child.DefaultPatience)); ok {
		f.at = at
	} else if f.read > 0 {
		f.at += f.gap
	}
	if f.read == 0 {
		f.first = f.at
	}
	return frame, nil
}

// pixels reads a frame behind its header.
func (f *Film) pixels() (*Frame, error) {
	frame := NewFrame(f.w, f.h)
	if f.view.curve == nil {
		_, err := io.ReadFull(f.out, frame.Pix)
		return frame, err
	}
	if f.wide == nil {
		f.wide = make([]byte, 2*len(frame.Pix))
	}
	if _, err := io.ReadFull(f.out, f.wide); err != nil {
		return nil, err
	}
	f.view.toneMap(f.wide, frame.Pix)
	return frame, nil
}

// frameHeader reads "P6\nW H\n255\n" (65535 for 16 bits); io.EOF if there is no further frame.
func (f *Film) frameHeader() (w, h int, err error) {
	if _, err := f.out.Peek(1); err != nil {
		return 0, 0, err
	}
	var fields [][]byte
	for len(fields) < 4 {
		line, err := f.out.ReadSlice('\n') // at most the buffer's size
		if err != nil {
			return 0, 0, fmt.Errorf("the frame's header: %w", noEOF(err))
		}
		fields = append(fields, bytes.Fields(line)...)
		if len(line) > 64 || len(fields) > 4 {
			return 0, 0, errors.New("ffmpeg wrote no PPM header")
		}
		// The slice is overwritten by the next read.
		for i := range fields {
			fields[i] = bytes.Clone(fields[i])
		}
	}
	w, errW := strconv.Atoi(string(fields[1]))
	h, errH := strconv.Atoi(string(fields[2]))
	if string(fields[0]) != "P6" || string(fields[3]) != f.view.brightest() || errW != nil || errH != nil {
		return 0, 0, fmt.Errorf("ffmpeg wrote an unknown PPM header: %q", fields)
	}
	return w, h, nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// finish waits for ffmpeg after its last byte and says how it ended.
func (f *Film) finish() error {
	f.ended = true
	err := f.cmd.Wait()
	defer f.cancel()
	switch {
	case f.ctx.Err() != nil:
		return f.ctx.Err()
	case err != nil && f.read == 0:
		if tooLarge(f.messages) {
			return errTooLarge(f.limits)
		}
		return f.messages.explain("ffmpeg can decode nothing of it", err)
	case err != nil:
		return f.messages.explain("is damaged or cut off", err)
	case f.read == 0:
		return errors.New("holds no frame")
	case endsEarly(f.messages): // ffmpeg takes that for an end
		return f.messages.explain("is damaged or cut off", errors.New("ffmpeg -i FILE -c copy NEW.mkv makes a whole film of what is there"))
	}
	return io.EOF
}

// becauseOf replaces the error of a broken pipe by why it broke: a cancelled
// context or what ffmpeg has to say.
func (f *Film) becauseOf(err error) error {
	if f.ctx.Err() != nil {
		return f.ctx.Err()
	}
	f.end()
	return f.messages.explain("is damaged or cut off", err)
}

// end stops ffmpeg, if it still runs, and collects it.
func (f *Film) end() {
	f.cancel()
	if !f.ended {
		f.ended = true
		f.cmd.Wait() // killed: its exit state says nothing
	}
}

// Close stops ffmpeg.
func (f *Film) Close() error {
	f.end()
	if f.err == nil {
		f.err = fmt.Errorf("film %s: read after Close", f.path)
	}
	return nil
}
