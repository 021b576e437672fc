package figure

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset/named"
	"github.com/prioritycut/prioritycut/evaluate"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/usage"
)

// subject is a model and what it makes of all pairs.
type subject struct {
	label string
	step  int64
	cfg   *config.Config
	data  string // digest of the training videos' names
	h, w  int
	shots [][]shot // [pair][percentage]; one per pair without masks
}

// gather runs all models on the same pairs, one model after the other.
func gather(ctx context.Context, o Options, p plan) ([]subject, []pair, error) {
	subjects := make([]subject, len(o.Checkpoints))
	var pairs []pair
	var frames []int // subjects that are folders of predictions
	first := -1      // the first model
	for i, path := range o.Checkpoints {
		m, err := infer.Load(path)
		if err != nil {
			if p.frames && evaluate.HoldsPredictions(ctx, path) {
				frames = append(frames, i)
				continue
			}
			return nil, nil, usage.Wrap(err)
		}
		one := newSubject(m)
		if first < 0 {
			first = i
			pairs, err = o.read(ctx, one)
		} else {
			err = agree(subjects[first], one, o.Checkpoints[first], path, o.Data != "")
		}
		if err == nil {
			one.shots, err = shootAll(ctx, m, o, p, pairs)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		subjects[i] = one
	}
	if first < 0 {
		return nil, nil, usage.Wrap(fmt.Errorf("only folders of predicted frames are named: name a model too, whose test videos and size of pictures count"))
	}
	for _, i := range frames {
		var err error
		if subjects[i], err = predicted(ctx, o.Checkpoints[i], subjects[first], pairs); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", o.Checkpoints[i], err)
		}
	}
	for i := range o.Labels {
		subjects[i].label = o.Labels[i]
	}
	if len(o.Labels) == 0 {
		tellApart(subjects, o.Checkpoints)
	}
	return subjects, pairs, nil
}

// predicted is a folder of frames as a subject of the size and videos of a model.
func predicted(ctx context.Context, root string, like subject, pairs []pair) (subject, error) {
	s := subject{label: filepath.Base(filepath.Clean(root)), cfg: like.cfg, h: like.h, w: like.w}
	for _, p := range pairs {
		f, err := evaluate.PredictedFrame(ctx, root, p.video, p.index, s.w, s.h)
		if err != nil {
			return s, err
		}
		one := shot{prediction: make([]float32, len(f.Pix))}
		for i, v := range f.Pix {
			one.prediction[i] = float32(v) / 255
		}
		s.shots = append(s.shots, []shot{one})
	}
	return s, nil
}

func newSubject(m *infer.Model) subject {
	h, w := m.Size()
	return subject{label: string(m.Config.Variant), step: m.Meta.Step, cfg: m.Config, data: m.Meta.Data, h: h, w: w}
}

// read opens the test videos and takes the pairs from them.
func (o Options) read(ctx context.Context, first subject) ([]pair, error) {
	c := *first.cfg
	if o.Data != "" {
		c.Dataset.RootDir = o.Data
	}
	if c.Dataset.RootDir == "" {
		return nil, fmt.Errorf("its configuration names no data: say `data`")
	}
	data, err := named.OpenOfModel(ctx, c.Dataset)
	if err != nil {
		return nil, usage.WrapUnless(ctx, err)
	}
	return o.pairs(ctx, data.Test())
}

// agree reports why two models cannot be shown the same frames.
func agree(a, b subject, pathA, pathB string, dataGiven bool) error {
	switch {
	case a.h != b.h || a.w != b.w:
		return fmt.Errorf("it takes pictures of %dx%d pixels, %s takes %dx%d: models of one size can be compared", b.w, b.h, pathA, a.w, a.h)
	case a.cfg.Dataset.Fit != b.cfg.Dataset.Fit:
		return fmt.Errorf("it fits pictures by %q, %s by %q (dataset_params.fit): they would see different frames", b.cfg.Dataset.Fit, pathA, a.cfg.Dataset.Fit)
	case dataGiven:
		return nil
	case a.cfg.Dataset.RootDir != b.cfg.Dataset.RootDir:
		return fmt.Errorf("it was trained on %q, %s on %q: say `data` to show both the same videos", b.cfg.Dataset.RootDir, pathA, a.cfg.Dataset.RootDir)
	case a.data != "" && b.data != "" && a.data != b.data:
		return fmt.Errorf("the videos in %q were not the same when it and %s were trained: say `data` to show both the same videos", b.cfg.Dataset.RootDir, pathA)
	}
	return nil
}

// tellApart adds to labels that would be alike the runs' names, or numbers where
// these are alike too.
func tellApart(subjects []subject, paths []string) {
	alike := map[string][]int{}
	for i, s := range subjects {
		alike[s.label] = append(alike[s.label], i)
	}
	for _, list := range alike {
		if len(list) == 1 {
			continue
		}
		names := map[string]bool{}
		for _, i := range list {
			names[runName(paths[i])] = true
		}
		for at, i := range list {
			name := shorten(runName(paths[i]), 16)
			if len(names) < len(list) {
				name = fmt.Sprint(at + 1)
			}
			subjects[i].label += " (" + name + ")"
		}
	}
}

// runName is the folder of a run, of which the checkpoints or one of them may be
// named.
func runName(path string) string {
	const checkpoints = "checkpoints"
	path = filepath.Clean(path)
	if filepath.Base(path) == checkpoints {
		path = filepath.Dir(path)
	}
	if dir := filepath.Dir(path); filepath.Base(dir) == checkpoints {
		return filepath.Base(filepath.Dir(dir)) + "/" + filepath.Base(path)
	}
	return filepath.Base(path)
}

// shootAll makes everything of one model that the figure shows.
func shootAll(ctx context.Context, m *infer.Model, o Options, p plan, pairs []pair) (shots [][]shot, err error) {
	n, err := build(m, p.network, o.Device)
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := n.close(); err == nil {
			err = e
		}
	}()
	shares := o.Percent
	if len(shares) == 0 {
		shares = []float64{0}
	}
	for _, at := range pairs {
		var row []shot
		for _, percent := range shares {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			s, err := n.shoot(at, fraction(percent))
			if err != nil {
				return nil, fmt.Errorf("%s frame %d: %w", at.name, at.index, err)
			}
			row = append(row, s)
		}
		shots = append(shots, row)
	}
	return shots, nil
}
