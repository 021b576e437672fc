package prepare

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"

	"github.com/golang/glog"
	"golang.org/x/sync/errgroup"

	"github.com/prioritycut/prioritycut/internal/tfrecord"
	"github.com/prioritycut/prioritycut/internal/usage"
	"github.com/prioritycut/prioritycut/prepare/look"
	"github.com/prioritycut/prioritycut/prepare/robot"
)

// plan is what is to be made, before anything of it is.
type plan struct {
	inputs  []*input
	clips   []*clip
	left    []string // files that are no videos by their names
	dropped []dropped
	div     *division
	// compare: the two sides are compared once they are written, since not all
	// inputs were looked at.
	compare bool
	// warnings are what looks like a mistake.
	warnings []string
	missing  map[string]bool // videos that a file of cuts names and that are not there
}

// planner makes a plan.
type planner struct {
	o     *Options
	scans *scans

	mu sync.Mutex
	p  *plan
}

func (pl *planner) drop(d dropped) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.p.dropped = append(pl.p.dropped, d)
}

func (pl *planner) add(c ...*clip) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.p.clips = append(pl.p.clips, c...)
}

// make looks at all inputs and decides on clips, sides and names.
func (pl *planner) make(ctx context.Context) (*plan, error) {
	pl.p = &plan{missing: map[string]bool{}}
	var err error
	if pl.o.Cuts != "" {
		err = pl.fromCuts(ctx)
	} else {
		err = pl.fromInputs(ctx)
	}
	if err != nil {
		return nil, err
	}
	p := pl.p
	sortClips(p.clips)
	if p.clips, p.div, err = divide(p.clips, pl.o); err != nil {
		return nil, err
	}
	p.dropped = append(p.dropped, p.div.dropped...)
	nameClips(p.clips)
	return p, nil
}

// each works on inputs side by side. An error of one of them is noted and the
// rest goes on.
func (pl *planner) each(ctx context.Context, what string, inputs []*input, work func(context.Context, *input) error) error {
	pl.o.Progress.Stage(what, len(inputs))
	pool, ctx := errgroup.WithContext(ctx)
	pool.SetLimit(pl.o.workers())
	for _, in := range inputs {
		pool.Go(func() error {
			defer pl.o.Progress.Done()
			if ctx.Err() != nil {
				return ctx.Err()
			}
			err := work(ctx, in)
			switch {
			case err == nil:
				return nil
			case ctx.Err() != nil:
				return ctx.Err()
			case stopsAll(err):
				return err
			}
			pl.drop(dropped{video: in.name, identity: in.identity, partition: in.partition, reason: err.Error(), fault: true})
			return nil
		})
	}
	return pool.Wait()
}

// fromInputs takes scenes of films and records of files.
func (pl *planner) fromInputs(ctx context.Context) error {
	l, err := listInputs(pl.o.In, pl.o.Out)
	if err != nil {
		return usage.Wrap(err)
	}
	pl.p.inputs, pl.p.left, pl.p.dropped = l.found, l.left, l.broken
	if len(pl.p.inputs) == 0 {
		return usage.Wrap(fmt.Errorf("%s holds no video: films (mp4, mov, webm, mkv, avi, gif), folders of png or jpg frames, or files of TFRecords", pl.o.In))
	}
	if text := swallowed(pl.p.inputs, pl.o.In); text != "" {
		glog.Warning(text)
		pl.p.warnings = append(pl.p.warnings, text)
	}
	return pl.each(ctx, "looking at videos", pl.p.inputs, func(ctx context.Context, in *input) error {
		if in.kind == records {
			return pl.fromRecords(in)
		}
		return pl.fromScenes(ctx, in)
	})
}

// swallowed says that all videos lie below one folder, which makes them one
// identity, although folders below it divide them: then the folder of inputs is
// one too high. Empty if it does not look so.
func swallowed(inputs []*input, root string) string {
	below := map[string]bool{}
	for _, in := range inputs {
		parts := strings.Split(in.name, "/")
		if in.kind == records || in.partition != "" || len(parts) < 3 || in.identity != inputs[0].identity {
			return ""
		}
		below[parts[1]] = true
	}
	if len(below) < 2 {
		return ""
	}
	id := inputs[0].identity
	return fmt.Sprintf("all %d videos are of one identity, %s: identities are the folders in `in`. Is one folder too many before them? `in`=%s makes %d of it",
		len(inputs), id, filepath.Join(root, id), len(below))
}

// fromScenes adds the scenes of one video.
func (pl *planner) fromScenes(ctx context.Context, in *input) error {
	if err := in.probe(ctx, pl.o); err != nil {
		return err
	}
	found, known, err := pl.scans.of(ctx, in, nil)
	if err != nil {
		return err
	}
	in.remarks = found.Remarks
	if found.Damage != "" {
		pl.drop(dropped{video: in.name, identity: in.identity, first: in.stored(found.Frames), fault: true,
			reason: fmt.Sprintf("only its first %d frames are used: %s", found.Frames, found.Damage)})
	}
	for _, p := range found.Parts {
		c := &clip{in: in, identity: in.identity, partition: in.partition, Span: p.Span,
			box: p.Box, motion: p.Motion, measured: true, record: -1, known: known}
		switch {
		case p.Len() < pl.o.MinFrames:
			pl.drop(c.drop(fmt.Sprintf("shorter than `min_frames`=%d", pl.o.MinFrames), false))
		case p.Motion < pl.o.MinMotion:
			pl.drop(c.drop(fmt.Sprintf("hardly moves (less than `min_motion`=%v)", pl.o.MinMotion), false))
		default:
			pl.add(c)
		}
	}
	return nil
}

// fromRecords adds the records of one file.
func (pl *planner) fromRecords(in *input) error {
	r, err := tfrecord.Open(in.path)
	if err != nil {
		return err
	}
	defer r.Close()
	frames := 0
	for {
		// The first sound record tells the length of all; the rest is looked at
		// when it is written.
		if frames == 0 {
			data, err := r.Next()
			if err == nil {
				if all, err := robot.Trajectory(data, pl.o.Camera, pl.o.Limits); err == nil {
					frames = len(all)
				}
			} else if !isCorrupt(err) {
				break
			}
		} else if r.Skip() != nil {
			break
		}
	}
	err = r.Skip() // what ended it
	switch {
	case r.Records() == 0 && errors.Is(err, io.EOF):
		return fmt.Errorf("%s holds no record", in.path)
	case r.Records() == 0:
		return err
	case !errors.Is(err, io.EOF):
		pl.drop(dropped{video: in.name, identity: in.identity, first: r.Records(), reason: err.Error(), fault: true})
	}
	for i := 0; i < r.Records(); i++ {
		pl.add(&clip{in: in, identity: in.identity, partition: in.partition,
			Span: look.Span{First: 0, End: max(frames, 2)}, record: i})
	}
	return nil
}
