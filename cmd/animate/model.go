package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
	"github.com/prioritycut/prioritycut/video"
)

func defaultRunOf(preset, variant string) string { return rundir.Default(preset, variant) }

// animator is a model that is ready to animate.
type animator struct {
	*animate.Animator
	// path is what was opened.
	path string
	// config is that of a checkpoint; nil of an exported model.
	config *config.Config
	// identity tells it from other models: the digest of its weights, or the
	// folder of an exported model, which is never overwritten.
	identity func() string
}

// open opens the model that the flags name.
func (p *program) open() (*animator, error) {
	o := infer.Options{Batch: p.batch, Session: tf.SessionConfig{Device: p.shared.Device, MemoryGrowth: true, TrustSavedModel: p.trust}}
	if p.cpu {
		o.Session.Device = "cpu"
	}
	if p.savedModel != "" {
		e, err := infer.OpenSavedModel(p.savedModel, o)
		if err != nil {
			return nil, cli.Usage(err)
		}
		folder, err := filepath.Abs(e.Name)
		if err != nil {
			return nil, errors.Join(err, e.Close())
		}
		return newAnimator(e, animator{path: p.savedModel, identity: func() string { return folder }})
	}
	path := p.checkpoint
	if path == "" {
		path = defaultRun()
	}
	if _, err := savedmodel.Dir(path); err == nil {
		return nil, cli.Usage(fmt.Errorf("%s is an exported model: name it by --saved_model", path))
	}
	folder, err := p.published(path)
	if err != nil {
		return nil, cli.Usage(err)
	}
	m, err := infer.Load(folder)
	if err != nil {
		if p.checkpoint == "" && infer.IsMissing(err) {
			err = fmt.Errorf("there is no trained model in %s yet: make one with bazel run //cmd:train (minutes), or name one by --checkpoint", path)
		}
		return nil, cli.Usage(err)
	}
	if err := p.applyConfig(m); err != nil {
		return nil, cli.Usage(err)
	}
	e, err := infer.New(m, o)
	if err != nil {
		return nil, err
	}
	return newAnimator(e, animator{path: path, config: m.Config, identity: m.Digest})
}

// newAnimator completes a with the model's engine.
func newAnimator(e *infer.Engine, a animator) (*animator, error) {
	var err error
	if a.Animator, err = animate.New(e); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return &a, nil
}

// applyConfig lays --config over what the checkpoint says about animation. The
// networks are the checkpoint's: a file that describes others is a mistake.
func (p *program) applyConfig(m *infer.Model) error {
	if p.config == "" {
		return nil
	}
	c, _, err := config.Resolve(config.Options{
		Preset: m.Config.Preset, Variant: string(m.Config.Variant), ConfigFile: p.config, AllowMissing: true,
	})
	if err != nil {
		return err
	}
	if diff := cmp.Diff(m.Config.Animated(), c.Animated()); diff != "" {
		return fmt.Errorf("--config=%s describes other networks than those of checkpoint %s, which carries its own configuration (leave --config out):\n%s", p.config, m.Dir, diff)
	}
	if m.Config.Dataset.FrameShape != c.Dataset.FrameShape {
		return fmt.Errorf("--config=%s is for pictures of %v, checkpoint %s for %v", p.config, c.Dataset.FrameShape, m.Dir, m.Config.Dataset.FrameShape)
	}
	m.Config.Animate = c.Animate
	if own, other := m.Config.MonkeyNet, c.MonkeyNet; own != nil && other != nil {
		own.AdaptVariance, own.ClipMean = other.AdaptVariance, other.ClipMean
	}
	if m.Config.Dataset.PairsList == "" {
		m.Config.Dataset.PairsList = c.Dataset.PairsList
	}
	return nil
}

// motion is what flags say, and the model's configuration where they do not.
func (p *program) motion(a *animator) (animate.Motion, error) {
	m := a.Motion()
	m.BestFrame, m.FindBestFrame = p.bestFrame, p.findBest
	if p.Changed("relative") {
		if p.relative && !a.Engine().HasKeypoints() {
			return m, cli.Usage(errors.New("--relative: the model has no keypoints that motion could be relative to"))
		}
		m.Absolute, m.AdaptScale = !p.relative, p.relative && a.Engine().Normalization.AdaptMovementScale
	}
	if p.Changed("adapt_scale") {
		m.AdaptScale = p.adaptScale
	}
	if m.Absolute && (m.AdaptScale || m.FindBestFrame || m.BestFrame > 0) {
		if !a.Engine().HasKeypoints() {
			return m, cli.Usage(errors.New("the model has no keypoints: --adapt_scale, --best_frame and --find_best_frame say nothing to it"))
		}
		return m, cli.Usage(errors.New("the model's configuration has use_relative_movement off: --adapt_scale, --best_frame and --find_best_frame need --relative"))
	}
	return m, nil
}

func (p *program) fitOf(a *animator) video.Fit {
	if p.fit != "" {
		return video.Fit(p.fit)
	}
	return a.Engine().Fit
}
