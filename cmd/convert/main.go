// Command convert carries weights between first-order-model's PyTorch
// checkpoints and ours.
package main

import (
	"errors"
	goflag "flag"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/convert"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/internal/usage"
)

const summary = "Reads a checkpoint of first-order-model (*.pth.tar, or its tensors in .npz or .safetensors) and writes " +
	"the folder that a training run would have made, for --init_from, evaluation, export and animation. And back: a run of ours " +
	"becomes one .safetensors file with the reference's names (generator.*, kp_detector.*, discriminator.*), kernels " +
	"[out, in, height, width], Adam's moments as optimizer_<network>.<parameter>.exp_avg and .exp_avg_sq with the count " +
	"optimizer_<network>.step, and the configuration in its metadata. No code in a checkpoint is ever run."

func main() {
	_ = goflag.Set("stderrthreshold", "WARNING") // the flag and the level exist
	os.Exit(command().Main())
}

// program is the command line of convert.
type program struct {
	*cli.Command
	options convert.Options
	dryRun  bool
}

func command() *program {
	p := &program{Command: cli.New("convert", summary)}
	p.Kept = "nothing is left half written"
	p.Examples = []string{
		"bazel run //cmd:convert -- --checkpoint=vox-cpk.pth.tar --config=vox-256.yaml --out=runs/vox-fomm  # a published checkpoint",
		"bazel run //cmd:convert -- --checkpoint=mine.pth.tar --config=mine.yaml --set model_params.align_corners=false --out=runs/mine  # trained on torch from 1.3 on",
		"bazel run //cmd:train -- --init_from=runs/vox-fomm --preset=vox-256 --data=/data/vox --vgg19=vgg19.pth  # go on from it with PriorityCut",
		"bazel run //cmd:convert -- --checkpoint=runs/vox-256-prioritycut --out=prioritycut.safetensors  # back, for any other program",
	}
	o := &p.options
	p.Group("What to convert", func(f *pflag.FlagSet) {
		f.StringVar(&o.Checkpoint, "checkpoint", "", "`path` of a .pth.tar, .pth, .npz or .safetensors file, or of a run or checkpoint of ours")
		f.StringVar(&o.Out, cli.Out, "", "`path` to write: a folder, or FILE.safetensors; it must not exist")
		f.BoolVar(&o.WeightsOnly, "weights_only", false, "leave the optimisers' states out")
		f.BoolVar(&o.Parametrizations, "parametrizations", false, "write a file whose spectral normalisation is named as torch.nn.utils.parametrizations names it, "+
			"parametrizations.weight.original; both are read")
		f.BoolVar(&p.dryRun, cli.DryRun, false, "read and check everything, list every tensor, and write nothing")
	})
	p.Group("What the networks are (for files of others)", func(f *pflag.FlagSet) {
		f.StringVar(&o.ConfigFile, cli.Config, "", "YAML `file` that the weights were trained with; the reference's files are understood")
		f.StringVar(&o.Preset, cli.Preset, "", "`name` of a preset of the same sizes instead, or below the file: vox-256, taichi-256, bair-256, shapes-64")
		f.StringArrayVar(&o.Sets, cli.Set, nil, "change one setting by `key=value` (may be repeated; wins over --config): "+
			"model_params.align_corners=false for weights trained on torch from 1.3 on; true is the default, as checkpoints of 2019-20 need")
		f.StringVar(&o.Variant, cli.Variant, "", "`row` of the ablation; left out, it is fomm-adv where the file has a trained discriminator of FOMM's, "+
			"else fomm, which converts without one")
	})
	p.Paths(cli.Input, "checkpoint", cli.Config)
	p.Paths(cli.Output, cli.Out)
	if docs, err := config.Docs(config.DefaultPreset); err == nil {
		for _, d := range docs {
			p.Keys = append(p.Keys, d.Key)
		}
	}
	return p
}

// Main runs the program with the process's flags and returns its exit code.
func (p *program) Main() int {
	return p.Command.Main(func([]string) error { return p.run() })
}

func (p *program) run() (err error) {
	job, err := convert.Read(p.options)
	var mismatch *convert.MismatchError
	if errors.As(err, &mismatch) && p.dryRun {
		err = errors.Join(err, mismatch.List(p.Out()))
	}
	if err != nil {
		return cli.Usage(err)
	}
	defer func() { err = errors.Join(err, job.Close()) }()
	if p.dryRun {
		return job.List(p.Out())
	}
	if err := job.Write(p.Out()); err != nil {
		return err
	}
	p.next(job.Made())
	return nil
}

// next says what may come after a conversion.
func (p *program) next(made convert.Made) {
	out := p.options.Out
	switch {
	case made.VGG19:
		fmt.Fprintf(p.Out(), "train --vgg19=%s uses it\n", usage.Quote(out))
	case made.Variant != "":
		cli.Next(p.Out(),
			cli.Step{Command: cli.Program("animate", "--checkpoint="+out, "--source_image=PICTURE", "--driving_video=FILM"), For: "a picture and a film of yours"},
			cli.Step{Command: cli.Program("train", p.trainFlags(made)...), For: "go on from it"})
	}
}

// trainFlags are those by which training meets the configuration of what was
// made again.
func (p *program) trainFlags(made convert.Made) []string {
	o := p.options
	flags := []string{"--init_from=" + o.Out}
	if o.Preset != "" {
		flags = append(flags, "--preset="+o.Preset)
	}
	switch {
	case o.ConfigFile != "":
		flags = append(flags, "--config="+o.ConfigFile)
	case o.Preset == "":
		flags = append(flags, "--config="+rundir.Dir(o.Out).Config())
	}
	for _, set := range o.Sets {
		flags = append(flags, "--set="+set)
	}
	flags = append(flags, "--variant="+string(made.Variant), "--data=FOLDER")
	if made.Features {
		flags = append(flags, "--vgg19=FILE")
	}
	return flags
}
