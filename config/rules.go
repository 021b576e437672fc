package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/video"
)

// This file holds what follows from the layers once they are laid over each
// other: keys that replace others, defaults that depend on other keys, paths,
// and advice.

// supersede clears a key of ours when a later layer sets the reference's key
// for the same thing: who asks for 10 epochs does not mean the preset's steps.
func (r *resolver) supersede() {
	t := &r.config.Train // a negative time to plan for stays, to be refused
	if r.newer("train_params.num_epochs", "train_params.steps") {
		t.Steps = 0
	}
	for _, path := range []string{"steps", "step_milestones", "num_epochs", "epoch_milestones"} {
		if r.origins["train_params."+path].rank > r.origins["train_params.plan_seconds"].rank {
			t.PlanSeconds = min(t.PlanSeconds, 0) // who says how long does not ask
		}
	}
	if r.config.Run.Deterministic {
		t.PlanSeconds = min(t.PlanSeconds, 0) // no two runs measure the same speed
	}
	if r.newer("train_params.cons_warmup_epochs", "train_params.cons_warmup_steps") {
		t.ConsWarmupSteps = 0
	}
	if r.newer("train_params.epoch_milestones", "train_params.step_milestones") {
		t.StepMilestones = nil
	}
}

// newer reports whether a was set by a user's layer above the one that set b.
func (r *resolver) newer(a, b string) bool {
	return r.origins.since(a, fromFile) && r.origins[a].rank > r.origins[b].rank
}

// applyData sets what follows from the kind of data.
func (r *resolver) applyData() {
	d := &r.config.Dataset
	if !strings.HasPrefix(d.RootDir, SamplePrefix) {
		return
	}
	if !r.origins.since("dataset_params.fit", fromFile) {
		d.Fit = video.Crop // the samples are no squares
	}
	if !r.origins.since("train_params.num_repeats", fromFile) {
		// One video: an epoch as long as that of the drawn data set.
		r.config.Train.NumRepeats = max(r.config.Train.NumRepeats, sampleRepeats)
	}
}

const sampleRepeats = 200

// applyVGG19 sets what follows from the source of the perceptual features.
func (r *resolver) applyVGG19() {
	if r.config.FamilyName() != model.FOMMFamily {
		r.config.VGG19 = VGG19Params{WidthDivisor: 1} // no perceptual loss
		return
	}
	v := &r.config.VGG19
	named := v.File != "" && v.File != RandomVGG19
	if named && !r.origins.since("vgg19.width_divisor", min(r.origins["vgg19.file"].rank, fromSet)) {
		v.WidthDivisor = 1 // who names a file means a whole VGG-19
	}
	if !named {
		v.SHA256 = ""
	}
	if v.File == RandomVGG19 && r.config.Dataset.FrameShape[0] >= 128 {
		r.warn("vgg19.file", "random features: results cannot be compared with those of the paper")
	}
}

// derive fills in lists that were left to the sizes.
func (r *resolver) derive() {
	t := &r.config.Train
	if len(t.Scales) == 0 {
		shape := r.config.Dataset.FrameShape
		for _, inverse := range []int{1, 2, 4, 8} {
			if perceptualScaleError(shape[0], shape[1], inverse) == "" {
				t.Scales = append(t.Scales, 1/float64(inverse))
			}
		}
	}
	if len(t.LossWeights.FeatureMatching) == 0 {
		for i := 0; i < min(r.config.Model.Discriminator.NumBlocks, maxBlocks); i++ {
			t.LossWeights.FeatureMatching = append(t.LossWeights.FeatureMatching, 10)
		}
	}
}

// absolute makes paths independent of where the program runs later.
func (r *resolver) absolute() error {
	c := r.config
	targets := []*string{&c.InitFrom, &c.Dataset.PairsList, &c.Dataset.CacheDir}
	if root := c.Dataset.RootDir; !Drawn(root) && !strings.HasPrefix(root, SamplePrefix) {
		targets = append(targets, &c.Dataset.RootDir)
	}
	if c.VGG19.File != RandomVGG19 {
		targets = append(targets, &c.VGG19.File)
	}
	for _, p := range targets {
		if *p == "" {
			continue
		}
		if !filepath.IsAbs(*p) && r.options.BaseDir != "" {
			*p = filepath.Join(r.options.BaseDir, *p)
		}
		abs, err := filepath.Abs(*p)
		if err != nil {
			return fmt.Errorf("configuration: %s: %w", *p, err)
		}
		*p = abs
	}
	return nil
}

// adviseSchedule warns about schedules that a user hardly meant.
func (r *resolver) adviseSchedule() {
	c := r.config
	t := c.Train
	if n := len(t.StepMilestones); n > 0 && t.Steps > 2*t.StepMilestones[n-1].Step {
		lastOne := t.StepMilestones[n-1]
		r.warn("train_params.step_milestones", "the learning rates stay at %v of their start from step %d to %d: "+
			"a new run of that length may want %s", lastOne.Factor, lastOne.Step, t.Steps, t.laterFalls())
	}
	const path = "train_params.num_epochs"
	if c.InitFrom != "" && t.Steps == 0 && t.NumEpochs > 50 && r.origins.since(path, fromFile) {
		r.warn(path, "%s asks for %d epochs, counted from the start of this run and not of the one in init_from "+
			"(the recipe is 50)", r.origins[path].where, t.NumEpochs)
	}
}

// checkFiles demands that what the configuration names is there.
func (r *resolver) checkFiles() error {
	c := r.config
	missing := func(key, format string, args ...any) error {
		if r.options.AllowMissing {
			r.warn(key, format, args...)
			return nil
		}
		return fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...))
	}
	if c.Dataset.RootDir == "" {
		if err := missing("dataset_params.root_dir",
			"no data named: give `data`=DIR (a folder of videos), `data`=%sNAME or `data`=%s", SamplePrefix, People); err != nil {
			return err
		}
	}
	if c.VGG19.File == "" && c.FamilyName() == model.FOMMFamily {
		if err := missing("vgg19.file", "the perceptual loss of preset %s needs VGG-19's weights: give `vgg19`=FILE "+
			"(.npz, .safetensors or torchvision's .pth), or `vgg19`=random to train on random features", c.Preset); err != nil {
			return err
		}
	}
	if f := c.VGG19.File; f != "" && f != RandomVGG19 {
		if err := localfile.Check(f); err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("vgg19.file: %w: name a file or random", err)
			}
			if err := missing("vgg19.file", "%v: name a file or random", err); err != nil {
				return err
			}
		}
	}
	if c.InitFrom != "" {
		info, err := os.Stat(c.InitFrom)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is no folder", c.InitFrom)
		}
		if err != nil {
			return fmt.Errorf("init_from: %w: name the folder of a run or of a converted checkpoint", err)
		}
	}
	return nil
}
