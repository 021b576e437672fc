// Command train trains a model to animate pictures.
package main

import (
	goflag "flag"
	"io"
	"os"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/logging"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/internal/usage"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/train"
)

func main() {
	// Warnings concern whoever sits in front of the screen.
	_ = goflag.Set("stderrthreshold", "WARNING") // the flag and the level exist
	c, flags, workers := command()
	os.Exit(c.Main(func([]string) error { return run(c, flags, workers) }))
}

func command() (c *cli.Command, flags *cli.Shared, workers *local) {
	c = cli.New("train", "Trains a model that animates the figure of one picture after the motion of a video. "+
		"Without flags it learns from drawn figures, in minutes; the same command again goes on where it stopped.")
	c.Examples = []string{
		"bazel run //cmd:train  # the default: drawn figures at 64x64 pixels",
		"bazel run //cmd:train -- --data=sample:talking-head --steps=3000  # a small real video",
		"bazel run //cmd:train -- --preset=vox-256 --data=/data/vox --vgg19=vgg19.pth  # as in the paper",
		"bazel run //cmd:train -- --variant=fomm-adv --set batch_size=2 --out=runs/mine  # other rows of the ablation, other settings",
	}
	if docs, err := config.Docs(config.DefaultPreset); err == nil {
		for _, d := range docs {
			c.Keys = append(c.Keys, d.Key)
		}
	}
	flags = c.AddShared()
	workers = &local{}
	workers.add(c)
	c.Topic("help_config", "list every setting with its documentation and its value in --preset", func(w io.Writer) error {
		preset := flags.Preset
		if preset == "" {
			preset = config.DefaultPreset
		}
		return config.WriteHelp(w, "Keys of --config files and --set", preset)
	})
	return c, flags, workers
}

func run(command *cli.Command, f *cli.Shared, workers *local) error {
	c, warnings, err := config.Resolve(config.Options{
		Preset: f.Preset, Variant: f.Variant, ConfigFile: f.Config, Sets: f.Set, InitFrom: f.InitFrom, Data: f.Data,
		VGG19: f.VGG19, Device: f.Device, Steps: f.Steps, Seed: f.Seed, Deterministic: f.Deterministic,
		AllowMissing: f.DryRun,
	})
	if err != nil {
		return cli.Usage(err)
	}
	if err := workers.check(c); err != nil {
		return cli.Usage(err)
	}
	if workers.workers > 1 && !f.DryRun {
		if err := workers.checkMemory(c); err != nil {
			return err
		}
		return workers.run()
	}
	for _, w := range warnings {
		glog.Warning(w)
	}
	cluster, err := tf.ClusterOfEnvironment()
	if err != nil {
		return cli.Usage(err)
	}
	o := train.RunOptions{Config: c, Cluster: cluster, Replicas: workers.replicas, Dir: f.Out, Out: command.Out()}
	o.Finished = func(run rundir.Dir) { next(command.Out(), run) }
	if o.Dir == "" {
		o.Dir = rundir.Default(c.Preset, string(c.Variant))
	}
	ctx, stop := cli.UntilSignalled(logging.Stderr(), stopping)
	defer stop()
	if f.DryRun {
		if workers.workers > 1 {
			o.Cluster = workers.imagined()
		}
		return train.DryRun(ctx, o)
	}
	return train.Run(ctx, o)
}

// next says what may come after a run.
func next(out io.Writer, run rundir.Dir) {
	model := "--checkpoint=" + string(run)
	cli.Next(out,
		cli.Step{Command: cli.Program("animate", model), For: "see it move on videos that it has not seen"},
		cli.Step{Command: cli.Program("evaluate", model), For: "measure it"},
		cli.Step{Command: "tensorboard --logdir=" + usage.Quote(run.Events()), For: "curves and pictures (pip install tensorboard)"})
}
