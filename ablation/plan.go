package ablation

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset/named"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/weights"
)

// Lengths of an ablation that is told nothing.
const (
	// DefaultSeeds is how often each variant is trained.
	DefaultSeeds = 3
	// DefaultSteps is the length of a run of the default preset: 15 of them end
	// within 90 minutes on two cores. Other presets keep their own.
	DefaultSteps = 600

	quickSeeds, quickSteps = 2, 4
	mostSeeds              = 1000
)

// DefaultOut is the folder of an ablation that names none; that of a quick one
// has QuickSuffix, since its runs cannot go on as whole ones.
var DefaultOut = filepath.Join("runs", "ablation")

// QuickSuffix is added to DefaultOut.
const QuickSuffix = "-quick"

// quickSets shorten what a run does beside its steps.
var quickSets = []string{
	"train_params.validation_steps=0", "train_params.validation_videos=1", "train_params.validation_frames=2",
	"train_params.picture_steps=0", "reconstruction_params.num_videos=2", "train_params.log_steps=1",
}

// Options say what is trained and compared.
type Options struct {
	// Config is what all runs have in common. Variant, Seed and Steps are set
	// for each run.
	Config config.Options
	// Rows are the rows; nil takes those of the ablation.
	Rows []RowName
	// Seeds is how many runs each row has, with the seeds 0, 1, ...; 0 takes the
	// default.
	Seeds int
	// Steps of every run; nil takes the default.
	Steps *int64
	// Out is the folder of the ablation; empty takes DefaultOut.
	Out string
	// Quick shortens everything that is not said otherwise, to see whether all
	// goes well; the numbers mean nothing.
	Quick bool
	// Detectors say how runs are measured.
	Detectors Detectors
}

// Run is one training run of a plan.
type Run struct {
	// Name is <row>-seed<k>, Dir the run's folder.
	Name, Dir string
	Row       RowName
	Seed      int64
	// Config is resolved; options lead to it.
	Config  *config.Config
	options config.Options
}

// Plan is an ablation that has been checked.
type Plan struct {
	// Out is the folder of everything.
	Out string
	// Runs in the order in which they are trained: seed by seed.
	Runs []Run
	// Rows are those that are compared, in the table's order.
	Rows  []RowName
	Seeds int
	// Schedule says how the schedule was fitted to the length; empty when it
	// was left alone.
	Schedule string
	// Warnings of the configurations, each once.
	Warnings []config.Warning

	detectors Detectors
	quick     bool
}

// NewPlan resolves the configuration of every run. It touches no run's folder.
func NewPlan(o Options) (*Plan, error) {
	if o.Rows == nil {
		o.Rows, _ = ParseRows(AblationTable, nil)
	}
	if o.Out == "" {
		o.Out = DefaultOut
		if o.Quick {
			o.Out += QuickSuffix
		}
	}
	if o.Seeds == 0 {
		o.Seeds = DefaultSeeds
		if o.Quick {
			o.Seeds = quickSeeds
		}
	}
	if o.Seeds < 0 || o.Seeds > mostSeeds {
		return nil, fmt.Errorf("%d seeds: there must be 1 to %d", o.Seeds, mostSeeds)
	}
	if err := o.Detectors.check(); err != nil {
		return nil, err
	}
	p := &Plan{Out: o.Out, Rows: o.Rows, Seeds: o.Seeds, detectors: o.Detectors, quick: o.Quick}
	common, err := p.fit(o)
	if err != nil {
		return nil, err
	}
	for seed := int64(0); seed < int64(o.Seeds); seed++ {
		for _, v := range o.Rows {
			if err := p.add(common, v, seed); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

func (p *Plan) add(common config.Options, v RowName, seed int64) error {
	o := rowOf(v).options(common)
	o.Seed = &seed
	c, warnings, err := config.Resolve(o)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		p.warn(w)
	}
	name := fmt.Sprintf("%s-seed%d", v, seed)
	p.Runs = append(p.Runs, Run{
		Name: name, Dir: filepath.Join(p.Out, name), Row: v, Seed: seed, Config: c, options: o,
	})
	return nil
}

// Check opens what the runs would read: the data and the weights of others. Of
// what is missing the configuration has been told.
func (p *Plan) Check(ctx context.Context) error {
	c := p.Runs[0].Config
	if c.InitFrom != "" {
		from, err := infer.OpenCheckpoint(c.InitFrom)
		if err != nil {
			return fmt.Errorf("`init_from`: %w", err)
		}
		from.Close()
	}
	if f := c.VGG19.File; f != "" && f != config.RandomVGG19 && localfile.Check(f) == nil {
		held, err := weights.Open(f)
		if err != nil {
			return fmt.Errorf("`vgg19`: %w", err)
		}
		held.Close()
	}
	if c.Dataset.RootDir == "" {
		return nil
	}
	data, err := named.Open(ctx, c.Dataset)
	if err != nil {
		return err
	}
	return data.CanTrain()
}

func (p *Plan) warn(w config.Warning) {
	for _, known := range p.Warnings {
		if known == w {
			return
		}
	}
	p.Warnings = append(p.Warnings, w)
}
