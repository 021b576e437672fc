package prepare

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/prioritycut/prioritycut/internal/tfrecord"
	"github.com/prioritycut/prioritycut/prepare/robot"
	"github.com/prioritycut/prioritycut/video"
)

// maxOpen clips of one video are written at once where lines of a file of cuts
// overlap: a strip of thumbnails each, and an encoder if they are films. More
// take another pass.
func (o *Options) maxOpen() int {
	if o.Format == MP4 {
		return 8
	}
	return 64
}

// clipFiles names what is written, when it fails.
const clipFiles = "clips"

// forgive takes what making clips of a video came to. Where they could not be
// written, and that need not end the run, those of them that are missing are
// made in another round.
func (w *writer) forgive(ctx context.Context, err error) error {
	var unwritten *writeError
	if ctx.Err() != nil || !errors.As(err, &unwritten) {
		return err
	}
	if gaveUp := w.patience.Wrote(clipFiles, unwritten.err); gaveUp != nil {
		return outputError(gaveUp)
	}
	select {
	case <-time.After(w.o.pause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// missing are the clips that are neither made nor dropped.
func (w *writer) missing(clips []*clip) (left []*clip) {
	for _, c := range clips {
		if _, settled := w.settled.Load(c); !settled {
			left = append(left, c)
		}
	}
	return left
}

// writeAll makes the clips that are not yet done, input by input.
func (w *writer) writeAll(ctx context.Context, clips []*clip) error {
	byInput := map[*input][]*clip{}
	var order []*input
	for _, c := range clips {
		if byInput[c.in] == nil {
			order = append(order, c.in)
		}
		byInput[c.in] = append(byInput[c.in], c)
	}
	w.o.Progress.Stage("writing clips", len(clips))
	pool, ctx := errgroup.WithContext(ctx)
	pool.SetLimit(w.o.workers())
	for _, in := range order {
		pool.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if in.kind == records {
				return w.forgive(ctx, w.writeRecords(ctx, in, byInput[in]))
			}
			return w.forgive(ctx, w.writeVideo(ctx, in, byInput[in]))
		})
	}
	return pool.Wait()
}

// writeVideo makes the clips of one video, in as few passes as overlapping ones
// allow.
func (w *writer) writeVideo(ctx context.Context, in *input, clips []*clip) error {
	sort.SliceStable(clips, func(i, j int) bool { return clips[i].First < clips[j].First })
	for len(clips) > 0 {
		left, err := w.pass(ctx, in, clips)
		if err != nil {
			return err
		}
		clips = left
	}
	return nil
}

// pass reads a video once and makes clips of it; left are those for which there
// was no room.
func (w *writer) pass(ctx context.Context, in *input, clips []*clip) (left []*clip, err error) {
	var open []*clipWriter
	defer func() {
		for _, cw := range open {
			cw.abort()
		}
	}()
	f, err := in.open(ctx, w.o)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, w.dropAll(clips, err.Error())
	}
	defer f.close()
	for i := 0; len(open)+len(clips) > 0; i++ {
		for len(clips) > 0 && clips[0].First == i {
			if len(open) == w.o.maxOpen() {
				left = append(left, clips[0])
			} else {
				cw, err := w.begin(ctx, clips[0], in.rate(w.o))
				if err != nil {
					return nil, interrupted(ctx, err)
				}
				open = append(open, cw)
			}
			clips = clips[1:]
		}
		frame, err := f.next()
		if err != nil {
			why, err := damage(ctx, err)
			if err != nil {
				return nil, err
			}
			return left, w.endEarly(&open, clips, i, why)
		}
		w.o.Progress.Frames(1)
		going := open[:0]
		for at, cw := range open {
			more, err := w.feed(ctx, cw, i, frame)
			if err != nil {
				open = append(going, open[at+1:]...)
				return nil, err
			}
			if more {
				going = append(going, cw)
			}
		}
		open = going
	}
	return left, nil
}

// feed gives frame i to a clip and tells whether it wants another one. On its
// last frame, and where it cannot be made, the clip is settled.
func (w *writer) feed(ctx context.Context, cw *clipWriter, i int, frame *video.Frame) (more bool, err error) {
	err = cw.add(ctx, i, frame)
	switch {
	case err == nil && i+1 < cw.c.End:
		return true, nil
	case err == nil:
		err = interrupted(ctx, cw.finish(cw.c.note, cw.c.note != ""))
	default:
		err = w.giveUp(ctx, cw, err)
	}
	if err == nil {
		w.o.Progress.Done()
	}
	return false, err
}

// giveUp removes a clip that cannot be made. What is wrong with it alone, such
// as a box outside of the picture, is noted; any other error is returned.
func (w *writer) giveUp(ctx context.Context, cw *clipWriter, err error) error {
	cw.abort()
	if ctx.Err() != nil || stopsAll(err) {
		return interrupted(ctx, err)
	}
	return w.drop(cw.c, err.Error(), true)
}

// interrupted prefers that the run was stopped to what broke because of it.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// endEarly finishes what a video that ended after n frames has begun, and drops
// what it never reached.
func (w *writer) endEarly(open *[]*clipWriter, clips []*clip, n int, why string) error {
	for len(*open) > 0 {
		cw := (*open)[0]
		*open = (*open)[1:]
		note := shortNote(n, why)
		// The length of a film is often off by a frame.
		if why == "" && cw.c.End-n <= 2 {
			note = cw.c.note
		}
		if err := cw.finish(note, note != ""); err != nil {
			return err
		}
		w.o.Progress.Done()
	}
	return w.dropAll(clips, "begins too late: "+shortNote(n, why))
}

func (w *writer) dropAll(clips []*clip, why string) error {
	for _, c := range clips {
		if err := w.drop(c, why, true); err != nil {
			return err
		}
		w.o.Progress.Done()
	}
	return nil
}

// maxRate bounds the rates that films are written at; what claims more is
// mistaken.
const maxRate = 240

// rate is that of the film to write, as a fraction.
func (in *input) rate(o *Options) string {
	switch {
	case o.FPS > 0 && (in.info.Rate == 0 || o.FPS < in.info.Rate):
		return strconv.FormatFloat(o.FPS, 'f', -1, 64)
	case in.info.ExactRate != "" && in.info.Rate <= maxRate:
		return in.info.ExactRate
	}
	return "25"
}

// writeRecords makes the clips of a file of records.
func (w *writer) writeRecords(ctx context.Context, in *input, clips []*clip) error {
	wanted := map[int]*clip{}
	for _, c := range clips {
		wanted[c.record] = c
	}
	r, err := tfrecord.Open(in.path)
	if err != nil {
		return w.dropAll(clips, err.Error())
	}
	defer r.Close()
	for n := 0; len(wanted) > 0; n++ {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		c := wanted[n]
		if c == nil {
			if err = r.Skip(); err != nil {
				err = fmt.Errorf("%w: %w", errRecords, err)
			}
		} else {
			delete(wanted, n)
			err = w.writeRecord(ctx, r, c)
		}
		if err != nil {
			break
		}
	}
	if err == nil || !errors.Is(err, errRecords) {
		return err
	}
	for _, c := range clips {
		if wanted[c.record] == c {
			if err := w.dropAll([]*clip{c}, err.Error()); err != nil {
				return err
			}
		}
	}
	return nil
}

// errRecords marks the end of what can be read of a file of records.
var errRecords = errors.New("the file ends or is damaged")

// writeRecord makes one clip of the next record.
func (w *writer) writeRecord(ctx context.Context, r *tfrecord.Reader, c *clip) error {
	defer w.o.Progress.Done()
	data, err := r.Next()
	if err != nil {
		if dropping := w.drop(c, err.Error(), true); dropping != nil {
			return dropping
		}
		if isCorrupt(err) {
			return nil
		}
		return fmt.Errorf("%w: %w", errRecords, err)
	}
	frames, err := robot.Trajectory(data, w.o.Camera, w.o.Limits)
	if err != nil {
		return w.drop(c, fmt.Sprintf("record %d: %v", c.record, err), true)
	}
	cw, err := w.begin(ctx, c, "5")
	if err != nil {
		return interrupted(ctx, err)
	}
	for i, frame := range frames {
		if err := cw.add(ctx, i, frame); err != nil {
			return w.giveUp(ctx, cw, err)
		}
		w.o.Progress.Frames(1)
	}
	if err := cw.finish("", false); err != nil {
		return interrupted(ctx, err)
	}
	return nil
}
