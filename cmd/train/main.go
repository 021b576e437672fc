// Command train trains a model to animate pictures.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/golang/glog"
	"github.com/spf13/pflag"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/internal/userdir"
	"github.com/prioritycut/prioritycut/train"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "train:", err)
		glog.Flush()
		os.Exit(1)
	}
	glog.Flush()
}

func run() error {
	if err := userdir.Enter(); err != nil {
		return err
	}
	fs := pflag.NewFlagSet("train", pflag.ContinueOnError)
	var o config.Options
	fs.StringVar(&o.Preset, "preset", "", "")
	fs.StringVar(&o.Variant, "variant", "", "")
	fs.StringVar(&o.ConfigFile, "config", "", "")
	fs.StringArrayVar(&o.Sets, "set", nil, "")
	fs.StringVar(&o.InitFrom, "init_from", "", "")
	fs.StringVar(&o.Data, "data", "", "")
	fs.StringVar(&o.VGG19, "vgg19", "", "")
	fs.StringVar(&o.Device, "device", "", "")
	out := fs.String("out", "", "")
	steps := fs.Int64("steps", 0, "")
	seed := fs.Int64("seed", 0, "")
	det := fs.Bool("deterministic", false, "")
	fs.AddGoFlagSet(flag.CommandLine)
	if err := fs.Parse(os.Args[1:]); err != nil {
		return err
	}
	_ = flag.CommandLine.Parse(nil)
	if fs.Changed("steps") {
		o.Steps = steps
	}
	if fs.Changed("seed") {
		o.Seed = seed
	}
	if fs.Changed("deterministic") {
		o.Deterministic = det
	}
	c, warnings, err := config.Resolve(o)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		glog.Warning(w)
	}
	if *out == "" {
		*out = rundir.Default(c.Preset, string(c.Variant))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() { <-ctx.Done(); stop() }()
	return train.Run(ctx, train.RunOptions{Config: c, Dir: *out, Out: os.Stdout})
}
