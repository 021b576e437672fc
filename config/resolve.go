package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/prioritycut/prioritycut/video"
	"go.yaml.in/yaml/v3"
)

// Options are what a command line says. Empty and nil values say nothing.
type Options struct {
	Preset     string   // --preset
	Variant    string   // --variant
	ConfigFile string   // --config: a YAML file
	Sets       []string // --set, in order: key=value
	InitFrom   string   // --init_from: a folder
	Data       string   // --data: shapes, sample:NAME or a path
	VGG19      string   // --vgg19: random or a file
	Device     string   // --device
	Steps      *int64   // --steps
	Seed       *int64   // --seed
	// Deterministic is --deterministic.
	Deterministic *bool
	// BaseDir is where relative paths start, those in the YAML file too: the
	// folder the user typed the command in. Empty is the working directory.
	BaseDir string
	// AllowMissing turns data and VGG-19 weights that are not named yet into
	// warnings: for a dry run, and where nothing is trained.
	AllowMissing bool
}

// Warning tells the user something that he may not have meant.
type Warning struct {
	Key  string // dotted path of the key concerned
	Text string
}

// String returns the warning in one line.
func (w Warning) String() string { return w.Key + ": " + w.Text }

// resolver carries one Resolve.
type resolver struct {
	options  Options
	user     []layer // file, settings, flags: lowest first
	config   *Config
	origins  origins
	warnings []Warning
}

// Resolve builds the configuration that the options describe, checks it and
// returns what deserves a warning. Errors say which key or flag, where it was
// set and what to do; several may be joined.
func Resolve(options Options) (*Config, []Warning, error) {
	r := &resolver{options: options}
	if err := r.readUser(); err != nil {
		return nil, nil, err
	}
	identity, file, err := r.identity()
	if err != nil {
		return nil, nil, err
	}
	if err := r.stack(identity, file); err != nil {
		return nil, nil, err
	}
	r.supersede()
	r.applyVariant()
	r.applyData()
	r.applyVGG19()
	r.derive()
	if err := r.absolute(); err != nil {
		return nil, nil, err
	}
	if err := r.check(); err != nil {
		return nil, nil, err
	}
	r.adviseSchedule()
	return r.config, r.warnings, nil
}

func (r *resolver) warn(key, format string, args ...any) {
	r.warnings = append(r.warnings, Warning{Key: key, Text: fmt.Sprintf(format, args...)})
}

// readUser parses the file, the settings and the flags.
func (r *resolver) readUser() error {
	o := r.options
	if o.ConfigFile != "" {
		path := o.ConfigFile
		if !filepath.IsAbs(path) && o.BaseDir != "" {
			path = filepath.Join(o.BaseDir, path)
		}
		data, err := readFile(path)
		if err != nil {
			return err
		}
		root, err := parse(data, o.ConfigFile)
		if err != nil {
			return err
		}
		r.user = append(r.user, layer{rank: fromFile, label: o.ConfigFile, root: root, lines: true})
	}
	for _, set := range o.Sets {
		l, err := parseSet(set)
		if err != nil {
			return err
		}
		r.user = append(r.user, l)
	}
	r.user = append(r.user, o.flags()...)
	return nil
}

// flags turns the flags that have a key into layers.
func (o Options) flags() []layer {
	var all []layer
	add := func(flag, path, tag, text string) {
		node := &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}
		all = append(all, layer{rank: fromFlag, label: "--" + flag + "=" + clip(text), path: path, root: nest(path, node)})
	}
	for _, f := range []struct{ flag, path, text string }{
		{"preset", "preset", o.Preset},
		{"variant", "variant", o.Variant},
		{"init_from", "init_from", o.InitFrom},
		{"data", "dataset_params.root_dir", o.Data},
		{"vgg19", "vgg19.file", o.VGG19},
		{"device", "run_params.device", o.Device},
	} {
		if f.text != "" {
			add(f.flag, f.path, "!!str", f.text)
		}
	}
	if o.Steps != nil {
		add("steps", "train_params.steps", "!!int", strconv.FormatInt(*o.Steps, 10))
	}
	if o.Seed != nil {
		add("seed", "seed", "!!int", strconv.FormatInt(*o.Seed, 10))
	}
	if o.Deterministic != nil {
		add("deterministic", "run_params.deterministic", "!!bool", strconv.FormatBool(*o.Deterministic))
	}
	return all
}

// identity lays the user's layers over nothing, to learn preset, variant and
// init_from, and reports every key that is unknown or of the wrong type. It
// also returns what the file alone set.
func (r *resolver) identity() (*Config, origins, error) {
	all, from, file := &Config{}, origins{}, origins{}
	for _, l := range r.user {
		before, was := *all, from[l.path]
		if err := l.apply(all, from); err != nil {
			return nil, nil, err
		}
		if l.rank == fromFile {
			if err := l.apply(&Config{}, file); err != nil {
				return nil, nil, err
			}
		}
		r.noteOverruled(l, &before, all, was)
	}
	if all.FormatVersion > FormatVersion || all.FormatVersion < 0 {
		return nil, nil, fmt.Errorf("%s: format_version is %d: this program knows versions up to %d: use a newer one",
			r.options.ConfigFile, all.FormatVersion, FormatVersion)
	}
	if o := r.options; o.Steps != nil && *o.Steps < 1 {
		return nil, nil, fmt.Errorf("--steps=%d: must be at least 1", *o.Steps)
	}
	return all, file, nil
}

// noteOverruled warns when a flag wins over another value of the file or of a
// setting. A file's value that a flag is there to change is no surprise, but
// for preset and variant, which change much else.
func (r *resolver) noteOverruled(l layer, before, after *Config, from origin) {
	if l.rank != fromFlag || from.where == "" {
		return
	}
	if from.rank == fromFile && l.path != "preset" && l.path != "variant" {
		return
	}
	was, _ := value(before, l.path)
	is, _ := value(after, l.path)
	if !was.Equal(is) {
		r.warn(l.path, "%s wins over %v of %s", l.label, was, from.where)
	}
}

// stack lays preset, recipe and the user's layers over each other.
func (r *resolver) stack(identity *Config, file origins) error {
	name := identity.Preset
	if name == "" {
		name = DefaultPreset
		if isComplete(file) {
			name = ReferencePreset
			r.warn("preset", "%s configures the networks itself and names no preset: keys that it leaves out "+
				"have the defaults of the reference, not of %s", r.options.ConfigFile, DefaultPreset)
		}
	}
	c, from, err := base(name, identity.InitFrom != "")
	if err != nil {
		return err
	}
	for _, l := range r.user {
		if err := l.apply(c, from); err != nil {
			return err
		}
	}
	c.FormatVersion, c.Preset = FormatVersion, name
	if err := checkVariant(c.Variant); err != nil {
		return err
	}
	r.config, r.origins = c, from
	return nil
}

// supersede clears a key of ours when a later layer sets the reference's key
// for the same thing: who asks for 10 epochs does not mean the preset's steps.
func (r *resolver) supersede() {
	t := &r.config.Train
	if r.newer("train_params.num_epochs", "train_params.steps") {
		t.Steps = 0
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
	if root := c.Dataset.RootDir; root != Shapes && !strings.HasPrefix(root, SamplePrefix) {
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
			"a longer run may want later milestones (or [] for none)", lastOne.Factor, lastOne.Step, t.Steps)
	}
	const path = "train_params.num_epochs"
	if c.InitFrom != "" && t.Steps == 0 && t.NumEpochs > 50 && r.origins.since(path, fromFile) {
		r.warn(path, "%s asks for %d epochs, counted from the start of this run and not of the one in init_from "+
			"(the recipe is 50)", r.origins[path].where, t.NumEpochs)
	}
}

// rule returns what the variant decides.
func (c *Config) rule() variantRule { return variantRules[c.Variant] }

// HasDiscriminator reports whether the variant trains one.
func (c *Config) HasDiscriminator() bool { return c.rule().discriminator() }

// HasUNet reports whether the variant's discriminator is the U-Net.
func (c *Config) HasUNet() bool { return c.rule().unet }

// HasConsistency reports whether the consistency loss acts.
func (c *Config) HasConsistency() bool {
	return c.rule().consistency && c.Train.LossWeights.Consistency > 0
}

// check validates the configuration and what it names.
func (r *resolver) check() error {
	if err := r.config.Validate(); err != nil {
		return r.explain(err)
	}
	return r.checkFiles()
}

// explain adds to every error who set its key.
func (r *resolver) explain(err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	for _, e := range joined.Unwrap() {
		var key *KeyError
		if errors.As(e, &key) {
			key.Where = r.origins[key.Key].where
		}
	}
	return err
}

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
			"no data named: give --data=DIR (a folder of videos), --data=%sNAME or --data=%s", SamplePrefix, Shapes); err != nil {
			return err
		}
	}
	if c.VGG19.File == "" {
		if err := missing("vgg19.file", "the perceptual loss of preset %s needs VGG-19's weights: give --vgg19=FILE "+
			"(.npz, .safetensors or torchvision's .pth), or --vgg19=random to train on random features", c.Preset); err != nil {
			return err
		}
	}
	if f := c.VGG19.File; f != "" && f != RandomVGG19 {
		info, err := os.Stat(f)
		if err == nil && !info.Mode().IsRegular() {
			err = fmt.Errorf("%s is not a file", f)
		}
		if err != nil {
			if err := missing("vgg19.file", "%v: name a file or random", err); err != nil {
				return err
			}
		}
	}
	if c.InitFrom != "" {
		if _, err := os.Stat(c.InitFrom); err != nil {
			return fmt.Errorf("init_from: %w: name the folder of a run or of a converted checkpoint", err)
		}
	}
	return nil
}

// String names the configuration in a few words: preset and variant.
func (c *Config) String() string { return c.Preset + "-" + string(c.Variant) }
