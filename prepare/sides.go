package prepare

import (
	"context"
	"errors"
	"os"

	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/prepare/twins"
)

// makeAll makes the clips that are left to make and, where the plan could not,
// compares the two sides.
func (w *writer) makeAll(ctx context.Context, clips, left []*clip) error {
	for {
		w.settled.Range(func(c, _ any) bool { w.settled.Delete(c); return true })
		for len(left) > 0 {
			if err := w.writeAll(ctx, left); err != nil {
				return err
			}
			left = w.missing(left)
		}
		if err := ctx.Err(); err != nil || !w.compare {
			return err
		}
		var err error
		// What comes back changes nothing in the comparison: this ends.
		if left, err = w.compareSides(clips); err != nil || len(left) == 0 {
			return err
		}
	}
}

// compareSides drops train clips that share nearly equal frames with test clips
// of other videos. It returns clips that an earlier run dropped and that share
// none now, or stand in test themselves: they have to be made again.
func (w *writer) compareSides(clips []*clip) (back []*clip, err error) {
	x := twins.NewIndex()
	var learned []*clip
	for i, c := range clips {
		d, ok := w.manifest.of(c.spec())
		if !ok || d.Dropped != "" && !d.Twin {
			continue
		}
		if c.partition != test {
			learned = append(learned, c)
			continue
		}
		if d.Twin {
			back = append(back, c)
		}
		all, err := w.written(c)
		if err != nil {
			return nil, outputError(err)
		}
		x.AddAll(i, all, signatureStride)
	}
	for _, c := range learned {
		all, err := w.written(c)
		if err != nil {
			return nil, outputError(err)
		}
		d, _ := w.manifest.of(c.spec())
		switch twin := twinOf(x, c, all, clips); {
		case twin != nil:
			err = w.dropTwin(c, d, twinReason+"clip "+twin.name)
		case d.Twin:
			back = append(back, c)
		}
		if err != nil {
			return nil, err
		}
	}
	return back, nil
}

// dropTwin removes a clip, or changes the reason why it was removed.
func (w *writer) dropTwin(c *clip, d done, reason string) error {
	if d.Dropped == reason {
		return nil
	}
	if d.Clip != "" {
		if err := w.removeClip(d.Clip); err != nil {
			return outputError(err)
		}
	}
	return w.manifest.add(done{Spec: c.spec(), Video: c.in.name, Dropped: reason, Twin: true})
}

// written reads the signatures of a clip as it was written.
func (w *writer) written(c *clip) ([]twins.Signature, error) {
	data, err := localfile.Read(w.writtenPath(c), maxScan)
	return twins.Unpack(data), err
}

func (w *writer) hasWritten(c *clip) bool {
	_, err := os.Stat(w.writtenPath(c))
	return !errors.Is(err, os.ErrNotExist)
}

func (w *writer) writtenPath(c *clip) string { return w.path(stateName, "written", c.spec()) }
