// Command ablation trains the rows of the paper's ablation and compares them.
package main

import (
	"errors"
	goflag "flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/golang/glog"
	"github.com/spf13/pflag"

	"github.com/prioritycut/prioritycut/ablation"
	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/logging"
	"github.com/prioritycut/prioritycut/internal/usage"
)

const summary = "Trains the five rows of the paper's ablation (Table 4), or the eight of all its tables, with equal numbers of steps and several seeds, " +
	"and compares them. Without flags it takes the drawn figures and about an hour on two cores; the same command again goes on where it stopped."

func main() {
	if code, is := ablation.Child(os.Args[1:]); is {
		os.Exit(code)
	}
	_ = goflag.Set("stderrthreshold", "WARNING") // the flag and the level exist
	p := command()
	os.Exit(p.Main(func([]string) error { return p.run() }))
}

// program is the command line of ablation.
type program struct {
	*cli.Command
	shared   *cli.Shared
	variants []string
	rows     string
	seeds    int
	quick    bool
	dryRun   bool
	out      string
	detect   ablation.Detectors
}

func command() *program {
	p := &program{Command: cli.New("ablation", summary)}
	p.Kept = "runs and evaluations that are done are kept, and the run that was at work goes on from its newest checkpoint"
	p.Examples = []string{
		"bazel run //cmd:ablation  # five variants, three seeds, drawn figures",
		"bazel run //cmd:ablation -- --rows=paper  # the eight rows of all of the paper's tables",
		"bazel run //cmd:ablation -- --dry_run  # the plan, how far it is and how long it may take",
		"bazel run //cmd:ablation -- --steps=3000 --seeds=5 --out=runs/longer  # a longer one",
		"bazel run //cmd:ablation -- --preset=vox-256 --data=/data/vox --vgg19=vgg19.pth --out=runs/ablation-vox  # as in the paper",
	}
	p.Group("What to compare", func(f *pflag.FlagSet) {
		f.StringVar(&p.rows, "rows", string(ablation.AblationTable), "the `table`: ablation (the five variants of Table 4) or paper (X2Face and Monkey-Net beside them, and vanilla CutMix with either pair)")
		f.StringSliceVar(&p.variants, "variants", nil, "rows to train, `names` separated by commas: x2face, monkeynet, fomm, fomm-adv, unet, cutmix, cutmix-other, prioritycut (default: all of the table)")
		f.IntVar(&p.seeds, "seeds", 0, fmt.Sprintf("train each of them `n` times, from the seeds 0, 1, ... (default %d)", ablation.DefaultSeeds))
		f.BoolVar(&p.quick, "quick", false, "a few steps only, to see whether everything goes well; the numbers mean nothing")
	})
	p.Group("The run", func(f *pflag.FlagSet) {
		f.StringVar(&p.out, cli.Out, "", fmt.Sprintf("`folder` of the ablation; one that holds it already lets it go on (default %s, of a quick one %[1]s%s)",
			ablation.DefaultOut, ablation.QuickSuffix))
		f.BoolVar(&p.dryRun, cli.DryRun, false, "check the settings, print the plan with an estimate of its time, and train nothing")
	})
	p.Group("How to measure", func(f *pflag.FlagSet) {
		f.StringVar(&p.detect.KeypointModel, "keypoint_model", "", "SavedModel `folder` that finds keypoints, for AKD and MKR, or none "+
			"(default: of drawn figures a joint detector that is trained first)")
		f.StringVar(&p.detect.EmbeddingModel, "embedding_model", "", "SavedModel `folder` that finds identity embeddings, for AED")
		f.BoolVar(&p.detect.TrustSavedModel, cli.TrustSavedModel, false, cli.TrustUsage)
		f.StringVar(&p.detect.Masks, "masks", "", "`where` salient pixels are: a folder of masks, truth (drawn data) or none (default: truth if there is one)")
	})
	p.Paths(cli.Input, "keypoint_model", "embedding_model", "masks")
	p.Paths(cli.OutputFolder, cli.Out)
	p.shared = p.AddShared(cli.Preset, cli.Data, cli.Config, cli.Set, cli.Steps, cli.InitFrom, cli.VGG19, cli.Device)
	if docs, err := config.Docs(config.DefaultPreset); err == nil {
		for _, d := range docs {
			p.Keys = append(p.Keys, d.Key)
		}
	}
	return p
}

// options are what was typed.
func (p *program) options() (ablation.Options, error) {
	f := p.shared
	rows, err := ablation.ParseRows(ablation.Table(p.rows), p.variants)
	if err != nil {
		return ablation.Options{}, err
	}
	if p.Changed("seeds") && p.seeds < 1 {
		return ablation.Options{}, fmt.Errorf("--seeds=%d: there must be at least 1", p.seeds)
	}
	return ablation.Options{
		Config: config.Options{
			Preset: f.Preset, ConfigFile: f.Config, Sets: f.Set, InitFrom: f.InitFrom, Data: f.Data,
			VGG19: f.VGG19, Device: f.Device, AllowMissing: p.dryRun,
		},
		Rows: rows, Seeds: p.seeds, Steps: f.Steps, Out: p.out, Quick: p.quick, Detectors: p.detect,
	}, nil
}

func (p *program) run() error {
	o, err := p.options()
	if err != nil {
		return cli.Usage(err)
	}
	plan, err := ablation.NewPlan(o)
	if err != nil {
		return cli.Usage(err)
	}
	for _, w := range plan.Warnings {
		glog.Warning(w)
	}
	states, err := plan.States()
	if err != nil {
		return cli.Usage(err)
	}
	ctx, stop := cli.UntilSignalled(logging.Stderr(), "saving and stopping; a second signal leaves at once")
	defer stop()
	if p.dryRun {
		if err := plan.Check(ctx); err != nil {
			return usage.WrapUnless(ctx, err)
		}
	}
	// Where nobody reads, a plan is of no use; a training is.
	if err := plan.Describe(p.Out(), states); p.dryRun {
		return err
	}
	err = plan.Train(ctx, p.Out())
	if errors.Is(err, ablation.ErrStopped) {
		fmt.Fprintln(p.Out(), err)
		return nil
	}
	if err == nil {
		out := plan.Out
		cli.Next(p.Out(),
			cli.View(filepath.Join(out, ablation.HTMLFile), "the table, the claims and their plots on a page"),
			cli.Step{Command: cli.Program("ablation", "--seeds=5", "--out="+out), For: "more seeds, where the claims are undecided; what is done counts"})
	}
	return err
}
