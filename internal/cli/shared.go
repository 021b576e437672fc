package cli

import (
	"fmt"
	"math"
	"strconv"

	"github.com/spf13/pflag"
)

// Shared are the values of the flags that the programs have in common, as they
// were typed. Empty and nil mean that the flag was not given.
type Shared struct {
	Preset, Config, Variant, Data, Out, InitFrom, VGG19, Device string

	Set           []string // in the order typed
	Steps, Seed   *int64
	Deterministic *bool
	DryRun        bool
}

// The flags that programs share, by name.
const (
	Preset        = "preset"
	Config        = "config"
	Set           = "set"
	Variant       = "variant"
	Data          = "data"
	Steps         = "steps"
	Out           = "out"
	InitFrom      = "init_from"
	VGG19         = "vgg19"
	Seed          = "seed"
	Device        = "device"
	Deterministic = "deterministic"
	DryRun        = "dry_run"
)

// sharedGroups lists the shared flags under the titles of the help.
var sharedGroups = []struct {
	title string
	flags []string
}{
	{"What to train", []string{Preset, Variant, Data, Config, Set}},
	{"The run", []string{Out, Steps, Seed, InitFrom, VGG19, DryRun}},
	{"The machine", []string{Device, Deterministic}},
}

// sharedUsage says what the flags mean; backquotes name their values.
var sharedUsage = map[string]string{
	Preset: "`name` of the sizes, losses and schedule to build on: shapes-64 (default: drawn figures, " +
		"minutes on two cores), vox-256, taichi-256 or bair-256",
	Variant: "`row` of the paper's tables: fomm, fomm-adv, unet, cutmix, prioritycut (default), monkeynet or x2face",
	Data: "`what` to learn from: shapes (drawn puppets), shapes:people (drawn figures who differ), shapes@7 (others, drawn by seed 7), sample:talking-head or another sample (real video, " +
		"fetched on first use), or the path of a folder of videos or of one video",
	Config: "YAML `file` laid over the preset; the reference's files are understood",
	Set: "change one setting by `key=value`, such as train_params.batch_size=2; the end of a key will do when no " +
		"other ends so (may be repeated; wins over --config)",
	Out:   "`folder` of the run; one that holds a run lets it go on (default runs/<preset>-<variant>)",
	Steps: "train `n` steps in all, counted from the start of a run that goes on",
	Seed:  "`number` that all random draws follow from (default 0)",
	InitFrom: "start from the weights of the run or converted checkpoint in this `folder`, by the recipe for " +
		"fine-tuning",
	VGG19: "`file` with VGG-19's weights for the perceptual loss (.npz, .safetensors or .pth), or the word " +
		"random for random features",
	DryRun:        "check everything, print configuration, sizes and memory, and train nothing",
	Device:        "`where` to compute: auto (default: a GPU if there is one), cpu, gpu or gpu:N",
	Deterministic: "make equal runs bit-equal, on several threads too; may cost time",
}

// TrustSavedModel is the flag of programs that open SavedModels, TrustUsage what
// it means.
const (
	TrustSavedModel = "trust_saved_model"
	TrustUsage      = "load exported models of others although they hold operations that do more than compute, such as reading and writing " +
		"files: only for models from where you would take a program"
)

// AddShared adds the shared flags of the given names, all of them without
// names. The returned values are there once the flags are parsed. Parse reports
// a name that there is not.
func (c *Command) AddShared(names ...string) *Shared {
	wanted := map[string]bool{}
	for _, name := range names {
		if sharedUsage[name] == "" {
			c.err = fmt.Errorf("cli: there is no shared flag %q", name)
		}
		wanted[name] = true
	}
	s := &Shared{}
	for _, g := range sharedGroups {
		c.Group(g.title, func(flags *pflag.FlagSet) {
			for _, name := range g.flags {
				if len(names) == 0 || wanted[name] {
					c.addShared(flags, s, name)
				}
			}
		})
	}
	return s
}

func (c *Command) addShared(flags *pflag.FlagSet, s *Shared, name string) {
	switch name {
	case Data, Config, InitFrom, VGG19:
		c.Paths(Input, name)
	case Out:
		c.Paths(OutputFolder, name)
	}
	switch name {
	case Steps:
		c.addNumber(flags, &s.Steps, name)
	case Seed:
		c.addNumber(flags, &s.Seed, name)
	case Set:
		flags.StringArrayVar(&s.Set, name, nil, sharedUsage[name])
	case DryRun:
		flags.BoolVar(&s.DryRun, name, false, sharedUsage[name])
	case Deterministic:
		v := flags.Bool(name, false, sharedUsage[name])
		c.finish = append(c.finish, func() error {
			if c.flags.Changed(name) {
				s.Deterministic = v
			}
			return nil
		})
	default:
		c.addText(flags, map[string]*string{
			Preset: &s.Preset, Variant: &s.Variant, Data: &s.Data, Config: &s.Config, Out: &s.Out,
			InitFrom: &s.InitFrom, VGG19: &s.VGG19, Device: &s.Device,
		}[name], name)
	}
}

// addNumber adds a whole number that stays nil when it is not given.
func (c *Command) addNumber(flags *pflag.FlagSet, to **int64, name string) {
	v := new(int64)
	flags.Var((*wholeNumber)(v), name, sharedUsage[name])
	c.finish = append(c.finish, func() error {
		if c.flags.Changed(name) {
			*to = v
		}
		return nil
	})
}

// addText adds a text that must not be empty when it is given.
func (c *Command) addText(flags *pflag.FlagSet, to *string, name string) {
	flags.StringVar(to, name, "", sharedUsage[name])
	c.finish = append(c.finish, func() error {
		if c.flags.Changed(name) && *to == "" {
			return fmt.Errorf("--%s is empty: give a value or leave the flag out", name)
		}
		return nil
	})
}

// wholeNumber is an int64 flag without a default in the help: decimal, with an
// optional exponent as in 1e6.
type wholeNumber int64

// String returns nothing, so that the help shows no default.
func (n *wholeNumber) String() string { return "" }

// Type names the flag's type for pflag.
func (n *wholeNumber) Type() string { return "int64" }

// Set parses a value.
func (n *wholeNumber) Set(text string) error {
	v, err := strconv.ParseInt(text, 10, 64)
	if err == nil {
		*n = wholeNumber(v)
		return nil
	}
	f, ferr := strconv.ParseFloat(text, 64)
	if ferr != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return err
	}
	*n = wholeNumber(f)
	return nil
}
