package prepare

import (
	"context"
	"fmt"
	"math"
	"path/filepath"

	"github.com/prioritycut/prioritycut/internal/usage"
	"github.com/prioritycut/prioritycut/prepare/cutlist"
	"github.com/prioritycut/prioritycut/prepare/look"
	"github.com/prioritycut/prioritycut/video"
)

// fromCuts takes what the lines of a file say.
func (pl *planner) fromCuts(ctx context.Context) error {
	lines, mistakes, err := cutlist.Read(pl.o.Cuts, pl.o.Times)
	if err != nil {
		return usage.Wrap(err)
	}
	if len(lines)+len(mistakes) == 0 {
		return usage.Wrap(fmt.Errorf("%s names no video below its first line", pl.o.Cuts))
	}
	for _, m := range mistakes {
		pl.drop(dropped{video: m.Video, line: m.Line, reason: m.Reason, fault: true})
	}
	root := pl.o.In
	if !isDir(root) {
		root = filepath.Dir(root)
	}
	rows := map[string][]cutlist.Cut{} // by the name in the file
	byInput := map[*input][]cutlist.Cut{}
	for _, c := range lines {
		rows[c.Video] = append(rows[c.Video], c)
	}
	known := map[string]*input{}
	seen := map[string]bool{}
	for _, c := range lines {
		if seen[c.Video] {
			continue
		}
		seen[c.Video] = true
		in := findInput(root, filepath.ToSlash(c.Video))
		if in == nil {
			pl.p.missing[c.Video] = true
			for _, c := range rows[c.Video] {
				pl.drop(dropped{video: c.Video, identity: c.Identity, partition: c.Partition, line: c.Line, fault: true, reason: "the video is not below `in`"})
			}
			continue
		}
		if known[in.name] == nil {
			if err := in.setStamp(); err != nil {
				return usage.Wrap(err)
			}
			known[in.name] = in
			pl.p.inputs = append(pl.p.inputs, in)
		}
		byInput[known[in.name]] = append(byInput[known[in.name]], rows[c.Video]...)
	}
	looking := pl.expectsTime(lines)
	pl.p.compare = !looking
	return pl.each(ctx, "looking at videos", pl.p.inputs, func(ctx context.Context, in *input) error {
		return pl.fromLines(ctx, in, byInput[in], looking)
	})
}

// expectsTime tells whether clips will be divided in time, which takes a look
// at all frames.
func (pl *planner) expectsTime(lines []cutlist.Cut) bool {
	identities := map[string]bool{}
	for _, c := range lines {
		if c.Partition != "" {
			return false
		}
		id := c.Identity
		if id == "" {
			id = "/" + c.Video
		}
		identities[id] = true
	}
	return pl.o.Split == SplitTime || pl.o.Split == SplitAuto && len(identities) < 2
}

// fromLines adds the cuts of one video.
func (pl *planner) fromLines(ctx context.Context, in *input, lines []cutlist.Cut, looking bool) error {
	clock, err := pl.clockOf(ctx, in, lines)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		for _, c := range lines {
			pl.drop(dropped{video: in.name, identity: c.Identity, partition: c.Partition, line: c.Line, reason: err.Error(), fault: true})
		}
		return nil
	}
	clips := pl.resolveAll(in, lines, clock)
	if looking || pl.o.Crop != CropNone {
		if clips, err = pl.measure(ctx, in, clips); err != nil {
			return err
		}
	}
	pl.add(clips...)
	return nil
}

// clockOf finds out what lines need to know about their video.
func (pl *planner) clockOf(ctx context.Context, in *input, lines []cutlist.Cut) (*clock, error) {
	if err := in.probe(ctx, pl.o); err != nil {
		return nil, err
	}
	if in.kind == pictures {
		if err := in.measurePictures(pl.o); err != nil {
			return nil, err
		}
	}
	return newClock(ctx, in, lines, pl.o)
}

// resolveAll turns lines into clips and drops those that are none.
func (pl *planner) resolveAll(in *input, lines []cutlist.Cut, clock *clock) (clips []*clip) {
	type same struct {
		look.Span
		box rect
	}
	seen := map[same]int{}
	for _, one := range lines {
		c, why := pl.resolve(in, one, clock)
		if why == nil {
			key := same{c.Span, c.box}
			if line, twice := seen[key]; twice {
				d := c.drop(fmt.Sprintf("repeats line %d", line), true)
				why = &d
			}
			seen[key] = one.Line
		}
		if why != nil {
			pl.drop(*why)
			continue
		}
		clips = append(clips, c)
	}
	return clips
}

// measure looks at the stretches of a video that lines ask for: for the boxes
// of those that have none, and for signatures.
func (pl *planner) measure(ctx context.Context, in *input, clips []*clip) ([]*clip, error) {
	wanted := make([]look.Span, len(clips))
	for i, c := range clips {
		wanted[i] = c.Span
	}
	found, known, err := pl.scans.of(ctx, in, wanted)
	switch {
	case err == nil:
	case ctx.Err() != nil || stopsAll(err):
		return nil, err
	default:
		for _, c := range clips {
			pl.drop(c.drop(err.Error(), true))
		}
		return nil, nil
	}
	in.remarks = found.Remarks
	var out []*clip
	for i, c := range clips {
		p := found.Parts[i]
		if p.Len() < c.Len() {
			c.note = shortNote(found.Frames, found.Damage)
			c.Span = p.Span
		}
		c.known, c.motion, c.measured = known, p.Motion, true
		if c.box.whole() {
			c.box = p.Box
		}
		if c.Len() < pl.o.MinFrames {
			pl.drop(c.drop(tooShort(c.Len(), pl.o, c.note), c.note != ""))
			continue
		}
		out = append(out, c)
	}
	return out, nil
}

func tooShort(n int, o *Options, note string) string {
	text := fmt.Sprintf("%d frames: shorter than `min_frames`=%d", n, o.MinFrames)
	if note != "" {
		text += "; " + note
	}
	return text
}

// shortNote says why a clip has fewer frames than it should.
func shortNote(frames int, damage string) string {
	if damage == "" {
		return fmt.Sprintf("the video ends after %d frames", frames)
	}
	return fmt.Sprintf("the video ends after %d frames: %s", frames, damage)
}

// resolve turns a line into a clip, or says why not.
func (pl *planner) resolve(in *input, one cutlist.Cut, k *clock) (*clip, *dropped) {
	c := &clip{in: in, identity: one.Identity, partition: one.Partition, line: one.Line, record: -1, given: one.Name}
	if c.identity == "" {
		c.identity = in.identity
	}
	no := func(fault bool, format string, args ...any) (*clip, *dropped) {
		d := dropped{video: in.name, identity: c.identity, partition: c.partition, line: one.Line, reason: fmt.Sprintf(format, args...), fault: fault}
		return nil, &d
	}
	length := in.length()
	c.First, c.End = 0, length
	var err error
	if !one.Start.Open {
		if c.First, err = k.frame(one.Start, one.Ref.FPS); err != nil {
			return no(true, "start: %v", err)
		}
	}
	if !one.End.Open {
		if c.End, err = k.frame(one.End, one.Ref.FPS); err != nil {
			return no(true, "end: %v", err)
		}
	}
	switch {
	case one.End.Open && length == 0:
		return no(true, "gives no end, and the video does not tell its length")
	case c.First >= c.End && length > 0 && c.First >= length:
		return no(true, "begins after the end of the video, which has %d frames", length)
	case c.First >= c.End:
		return no(true, "ends before it begins")
	case c.Len() < pl.o.MinFrames:
		return no(false, "shorter than `min_frames`=%d", pl.o.MinFrames)
	}
	if one.Box == nil {
		return c, nil
	}
	box, inside := boxIn(*one.Box, one.Ref, in.info)
	switch {
	case !inside:
		return no(true, "its box lies outside of the picture of %dx%d pixels", in.info.W, in.info.H)
	case min(box[2], box[3]) < pl.o.Size:
		return no(false, "its box is smaller than `size`=%d", pl.o.Size)
	}
	c.box = box
	return c, nil
}

// boxIn scales a box from its reference picture and cuts off what is outside.
// Edges of the published lists are rounded down, as where the lists come from.
func boxIn(box [4]float64, ref cutlist.Reference, info video.Info) (rect, bool) {
	x, y, round := 1.0, 1.0, math.Round
	if ref.W > 0 {
		x, y, round = ref.W/float64(info.W), ref.H/float64(info.H), math.Floor
	}
	edge := func(v float64, most int) int { return int(round(min(max(v, 0), float64(most)))) }
	left, top := edge(box[0]/x, info.W), edge(box[1]/y, info.H)
	right, bottom := edge((box[0]+box[2])/x, info.W), edge((box[1]+box[3])/y, info.H)
	return rect{left, top, right - left, bottom - top}, right > left && bottom > top
}
