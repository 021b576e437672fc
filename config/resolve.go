package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/prioritycut/prioritycut/model"
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

// String returns the warning in one line, which begins with the flag that sets
// the key, if there is one, else with the key.
func (w Warning) String() string {
	for _, f := range (Options{}).texts() {
		if f.path == w.Key {
			return "`" + f.flag + "`: " + w.Text
		}
	}
	return w.Key + ": " + w.Text
}

// resolver carries one Resolve.
type resolver struct {
	options  Options
	user     []layer // file, settings, flags: lowest first
	file     *Config // what the file alone says
	fileKeys origins // and which keys it sets
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
	identity, err := r.identity()
	if err != nil {
		return nil, nil, err
	}
	if err := r.stack(identity); err != nil {
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
		if isMonkeyNetFile(root) {
			left, err := adoptMonkeyNet(root)
			if err != nil {
				return fmt.Errorf("%s: %w", o.ConfigFile, err)
			}
			for _, l := range left {
				r.warn("config", "%s: %s is passed over", o.ConfigFile, l)
			}
		}
		r.user = append(r.user, layer{rank: fromFile, label: o.ConfigFile, root: root, lines: true})
	}
	for _, set := range o.Sets {
		l, err := parseSet(set, familyOf(model.Variant(o.Variant)))
		if err != nil {
			return err
		}
		r.user = append(r.user, l)
	}
	r.user = append(r.user, o.flags()...)
	return nil
}

// texts are the flags that set a key to a text.
func (o Options) texts() []struct{ flag, path, text string } {
	return []struct{ flag, path, text string }{
		{"preset", "preset", o.Preset},
		{"variant", "variant", o.Variant},
		{"init_from", "init_from", o.InitFrom},
		{"data", "dataset_params.root_dir", o.Data},
		{"vgg19", "vgg19.file", o.VGG19},
		{"device", "run_params.device", o.Device},
	}
}

// flags turns the flags that have a key into layers.
func (o Options) flags() []layer {
	var all []layer
	add := func(flag, path, tag, text string) {
		node := &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}
		all = append(all, layer{rank: fromFlag, label: "`" + flag + "`=" + clip(text), path: path, root: nest(path, node)})
	}
	for _, f := range o.texts() {
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
// notes what the file alone sets, too.
func (r *resolver) identity() (*Config, error) {
	all, from := &Config{}, origins{}
	r.file, r.fileKeys = &Config{}, origins{}
	for _, l := range r.user {
		before, was := *all, from[l.path]
		if err := l.apply(all, from); err != nil {
			return nil, err
		}
		if l.rank == fromFile {
			if err := l.apply(r.file, r.fileKeys); err != nil {
				return nil, err
			}
		}
		r.noteOverruled(l, &before, all, was)
	}
	if all.FormatVersion > FormatVersion || all.FormatVersion < 0 {
		return nil, fmt.Errorf("%s: format_version is %d: this program knows versions up to %d: use a newer one",
			r.options.ConfigFile, all.FormatVersion, FormatVersion)
	}
	if o := r.options; o.Steps != nil && *o.Steps < 1 {
		return nil, fmt.Errorf("`steps`=%d: must be at least 1", *o.Steps)
	}
	return all, nil
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
func (r *resolver) stack(identity *Config) error {
	name := identity.Preset
	if name == "" {
		name = DefaultPreset
		if isComplete(r.fileKeys, familyOf(identity.Variant)) {
			name = ReferencePreset
			r.warn("preset", "%s configures the networks itself and names no preset: keys that it leaves out "+
				"have the defaults of the reference, not of %s", r.options.ConfigFile, DefaultPreset)
		}
	}
	c, from, err := base(name, familyOf(identity.Variant), identity.InitFrom != "")
	if err != nil {
		return err
	}
	if epochs := r.file.Train.NumEpochs; name == ReferencePreset && epochs > 0 && identity.InitFrom == "" {
		// A file of the reference says how long a run is, but knows no L_cons.
		c.Train.ConsWarmupEpochs = float64(epochs) / 10
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
	if err := r.refuseForeign(); err != nil {
		return err
	}
	c.dropForeign()
	return nil
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

// String names the configuration in a few words: preset and variant.
func (c *Config) String() string { return c.Preset + "-" + string(c.Variant) }
