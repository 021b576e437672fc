package evaluate

import (
	"context"
	"fmt"
	"os"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// saliency gives the masks [H, W] of frames, not 0 at salient pixels.
type saliency struct {
	from      string // a word or a folder
	threshold float64
	w, h      int

	truth  truthful
	stored *storedVideo
	model  *detector
	common *maskStore // keeps what the model finds; nil keeps nothing
}

// newModelSaliency takes masks from a SavedModel that looks at the real frames:
// all models compared on a data set then share them. They are kept below home,
// unless that is empty.
func newModelSaliency(path, home, data string, w, h int, session tf.SessionConfig) (*saliency, error) {
	d, err := openDetector(maskVectors, path, session)
	if err != nil {
		return nil, &RequestError{err}
	}
	s := &saliency{from: d.String(), w: w, h: h, model: d}
	if home != "" {
		s.common = newMaskStore(home, d.digest, data, w, h)
	}
	return s, nil
}

// newSaliency checks where masks come from; an empty word is the truth where
// the data set is drawn.
func newSaliency(from string, drawn bool, threshold float64, w, h int) (*saliency, error) {
	if from == "" {
		from = FromNowhere
		if drawn {
			from = FromTruth
		}
	}
	switch from {
	case FromNowhere, FromModel:
	case FromTruth:
		if !drawn {
			return nil, refuse("`masks`=truth: only the drawn data set knows what is salient; give a folder of masks, or `masks`=model")
		}
	default:
		info, err := os.Stat(from)
		if err != nil {
			return nil, refuse("`masks`: %w; give a folder, or truth, model or none", err)
		}
		if !info.IsDir() {
			return nil, refuse("`masks`=%s is no folder; give a folder, or truth, model or none", from)
		}
	}
	return &saliency{from: from, threshold: threshold, w: w, h: h}, nil
}

// begin starts a video.
func (s *saliency) begin(ctx context.Context, v dataset.TestVideo) error {
	s.truth, s.stored = nil, nil
	if s.model != nil {
		if s.common != nil {
			s.common.begin(v.Name())
		}
		return nil
	}
	switch s.from {
	case FromNowhere, FromModel:
		return nil
	case FromTruth:
		s.truth = v.Drawn().(truthful) // newSaliency was told so
		return nil
	}
	path, err := findStored(s.from, v.Name())
	if err != nil || path == "" {
		return err
	}
	length, err := v.Len(ctx)
	if err != nil {
		return &readError{fmt.Errorf("video %s: %w", v.Name(), err)}
	}
	s.stored, err = openStored(ctx, path, s.w, s.h, length, video.DefaultLimits)
	return err
}

// mask returns the mask of frame i; nil where there is none.
func (s *saliency) mask(i int, real *video.Frame, g guess) ([]byte, error) {
	switch {
	case s.common != nil:
		return s.common.mask(real, func() ([]byte, error) { return s.seen(real) })
	case s.model != nil:
		return s.seen(real)
	case s.from == FromModel:
		mask := make([]byte, len(g.background))
		for j, a := range g.background {
			if float64(a) <= s.threshold {
				mask[j] = 1
			}
		}
		return mask, nil
	case s.truth != nil:
		known, err := s.truth.Truth(i)
		if err != nil {
			return nil, err
		}
		mask := known.Foreground()
		if len(mask) != s.w*s.h {
			return nil, fmt.Errorf("the drawn mask has %d pixels instead of %dx%d", len(mask), s.w, s.h)
		}
		return mask, nil
	case s.stored != nil:
		f, err := s.stored.frame(i)
		if err != nil || f == nil {
			return nil, err
		}
		mask, most := make([]byte, s.w*s.h), byte(0)
		for j := range mask {
			if most = max(most, f.Pix[3*j]); f.Pix[3*j] >= 128 {
				mask[j] = 1
			}
		}
		if most == 1 {
			return nil, fmt.Errorf("the mask of frame %d in %s has the values 0 and 1, which all count as black: salient pixels are white, 255", i, s.stored.path)
		}
		return mask, nil
	}
	return nil, nil
}

// seen is the mask that the model finds.
func (s *saliency) seen(real *video.Frame) ([]byte, error) {
	found, err := s.model.detect([]*video.Frame{real})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.model.path, err)
	}
	mask := make([]byte, len(found[0]))
	for i, v := range found[0] {
		if v >= leastConfidence {
			mask[i] = 1
		}
	}
	return mask, nil
}

func (s *saliency) end() error {
	if s.common != nil {
		s.common.end()
	}
	err := s.stored.close()
	s.stored = nil
	return err
}

func (s *saliency) close() error {
	if s == nil || s.model == nil {
		return nil
	}
	return s.model.close()
}
