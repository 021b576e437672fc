package dataset

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/prioritycut/prioritycut/video"
)

// frames are the frames of one video, fitted, in any order. Implementations
// may be used by several goroutines at once.
type frames interface {
	length() int
	// at returns the frames of the given indices, each in 0..length()-1. Asking
	// for two at once may cost half of asking twice.
	at(ctx context.Context, indices ...int) ([]*video.Frame, error)
}

// openEntry reads what is needed to know a video's length.
func (d *Dataset) openEntry(ctx context.Context, c *clip, e entry) (frames, error) {
	limits := d.params.limits()
	switch e.kind {
	case video.Folder:
		names, err := video.ListFrames(e.path, limits)
		if err != nil {
			return nil, err
		}
		return &folderFrames{set: d, clip: c, dir: e.path, names: names}, nil
	case video.Strip:
		n, err := video.StripLen(e.path, d.W(), d.H(), limits)
		if err != nil {
			return nil, err
		}
		return &stripFrames{set: d, clip: c, path: e.path, n: n}, nil
	}
	return d.cache.film(ctx, e.path, limits)
}

// folderFrames decodes the picture that is asked for.
type folderFrames struct {
	set   *Dataset
	clip  *clip
	dir   string
	names []string
}

func (f *folderFrames) length() int { return len(f.names) }

func (f *folderFrames) at(ctx context.Context, indices ...int) ([]*video.Frame, error) {
	return f.set.each(ctx, f.clip, indices, func(i int) (*video.Frame, error) {
		return video.ReadPicture(filepath.Join(f.dir, f.names[i]), f.set.params.limits())
	})
}

// stripFrames decodes the whole strip: there is no cheaper way to a part of it.
type stripFrames struct {
	set  *Dataset
	clip *clip
	path string
	n    int
}

func (s *stripFrames) length() int { return s.n }

func (s *stripFrames) at(ctx context.Context, indices ...int) ([]*video.Frame, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	all, err := s.set.memory.get(memoryKey{s.clip, -1}, func() ([]*video.Frame, error) {
		return video.ReadStrip(s.path, s.set.W(), s.set.H(), s.set.params.limits())
	})
	if err != nil {
		return nil, err
	}
	out := make([]*video.Frame, len(indices))
	for k, i := range indices {
		if i >= len(all) {
			return nil, fmt.Errorf("strip %s changed while it was in use", s.path)
		}
		out[k] = all[i]
	}
	return out, nil
}

// streamedFrames decodes a film up to the last frame that is asked for.
type streamedFrames struct {
	path   string
	n      int
	fit    video.Fit
	w, h   int
	limits video.Limits
}

func (s *streamedFrames) length() int { return s.n }

func (s *streamedFrames) at(ctx context.Context, indices ...int) ([]*video.Frame, error) {
	film, err := video.OpenFilm(ctx, s.path, s.limits)
	if err != nil {
		return nil, err
	}
	defer film.Close()
	out := make([]*video.Frame, len(indices))
	for i, left := 0, len(indices); left > 0; i++ {
		f, err := film.Next()
		if err == io.EOF {
			return nil, fmt.Errorf("film %s has %d frames, and had %d before", s.path, i, s.n)
		}
		if err != nil {
			return nil, err
		}
		var fitted *video.Frame
		for k, index := range indices {
			if index != i {
				continue
			}
			if fitted == nil {
				if fitted, err = s.fit.Apply(f, s.w, s.h); err != nil {
					return nil, err
				}
			}
			out[k] = fitted
			left--
		}
	}
	return out, nil
}

// sourceFrames are drawn on demand and kept, since drawing takes longer than
// looking up.
type sourceFrames struct {
	set   *Dataset
	clip  *clip
	video Video
}

func (s *sourceFrames) length() int { return s.video.Len() }

func (s *sourceFrames) at(ctx context.Context, indices ...int) ([]*video.Frame, error) {
	return s.set.each(ctx, s.clip, indices, s.video.Frame)
}

// each reads frames that can be reached singly, through the memory.
func (d *Dataset) each(ctx context.Context, c *clip, indices []int, read func(i int) (*video.Frame, error)) ([]*video.Frame, error) {
	out := make([]*video.Frame, len(indices))
	for k, i := range indices {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		one, err := d.memory.get(memoryKey{c, i}, func() ([]*video.Frame, error) {
			frame, err := read(i)
			if err != nil {
				return nil, err
			}
			frame, err = d.fitted(frame)
			return []*video.Frame{frame}, err
		})
		if err != nil {
			return nil, err
		}
		out[k] = one[0]
	}
	return out, nil
}

// cutFrames is a stretch of another video's frames.
type cutFrames struct {
	whole frames
	from  int
	n     int
}

func (c *cutFrames) length() int { return c.n }

func (c *cutFrames) at(ctx context.Context, indices ...int) ([]*video.Frame, error) {
	moved := make([]int, len(indices))
	for k, i := range indices {
		moved[k] = c.from + i
	}
	return c.whole.at(ctx, moved...)
}

// streamer is what frames implement that are cheaper to read in order.
type streamer interface {
	stream(ctx context.Context) (video.Reader, error)
}

func (s *streamedFrames) stream(ctx context.Context) (video.Reader, error) {
	film, err := video.OpenFilm(ctx, s.path, s.limits)
	if err != nil {
		return nil, err
	}
	return &fittedReader{film, s.fit, s.w, s.h}, nil
}

// fittedReader fits what another reader reads.
type fittedReader struct {
	video.Reader
	fit  video.Fit
	w, h int
}

func (r *fittedReader) Next() (*video.Frame, error) {
	f, err := r.Reader.Next()
	if err != nil {
		return nil, err
	}
	return r.fit.Apply(f, r.w, r.h)
}

// Remarks implements video.Remarker.
func (r *fittedReader) Remarks() []string {
	if told, ok := r.Reader.(video.Remarker); ok {
		return told.Remarks()
	}
	return nil
}

func (c *cutFrames) stream(ctx context.Context) (video.Reader, error) {
	s, ok := c.whole.(streamer)
	if !ok {
		return sequence(ctx, c), nil
	}
	r, err := s.stream(ctx)
	if err != nil {
		return nil, err
	}
	for i := 0; i < c.from; i++ {
		if _, err := r.Next(); err != nil {
			r.Close()
			return nil, fmt.Errorf("skipping to frame %d: %w", c.from, err)
		}
	}
	return &firstFrames{r, c.n}, nil
}

// firstFrames ends another reader early.
type firstFrames struct {
	video.Reader
	left int
}

func (r *firstFrames) Next() (*video.Frame, error) {
	if r.left == 0 {
		return nil, io.EOF
	}
	r.left--
	return r.Reader.Next()
}

// sequence reads frames in order, one at a time.
func sequence(ctx context.Context, all frames) video.Reader {
	return video.Sequence(ctx, all.length(), func(i int) (*video.Frame, error) {
		one, err := all.at(ctx, i)
		if err != nil {
			return nil, err
		}
		return one[0], nil
	})
}

// inRange reports an index that a video does not have.
func inRange(indices []int, n int, name string) error {
	for _, i := range indices {
		if i < 0 || i >= n {
			return fmt.Errorf("video %s has no frame %d: its frames are 0..%d", name, i, n-1)
		}
	}
	return nil
}
