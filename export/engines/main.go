// Command engines loads an exported model in the engines of others, compares
// what they compute with the checkpoint, and prints the table of docs/engines.md.
//
// Engines come from pinned packages into virtual environments of their own,
// below ${XDG_CACHE_HOME:-~/.cache}/prioritycut/engines: some gigabytes, once.
// It is no part of the tests that everybody runs.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/export"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/cli"
)

const summary = "Loads an exported model in the engines of others, which come from pinned packages, calls every signature, compares with the " +
	"checkpoint and prints a table. An engine that fails, or differs by more than --tolerance, is an error at the end."

func main() { os.Exit(command().Main()) }

// program is the command line.
type program struct {
	*cli.Command
	checkpoint string
	preset     string
	engines    []string
	seconds    float64
	tolerance  float64
}

func command() *program {
	p := &program{Command: cli.New("engines", summary)}
	p.Examples = []string{
		"bazel run //export/engines  # small networks with random weights, all engines",
		"bazel run //export/engines -- --checkpoint=runs/vox-256-prioritycut --engines=OpenVINO,LiteRT",
		"bazel run //export/engines -- --preset=vox-256 --seconds=20  # times of a frame of 256x256 pixels",
	}
	p.Group("What to measure", func(f *pflag.FlagSet) {
		f.StringVar(&p.checkpoint, "checkpoint", "", "`folder` of a run or checkpoint (default: small networks with random weights)")
		f.StringVar(&p.preset, "preset", "", "networks of a preset, such as vox-256, with random weights: for times")
		f.StringSliceVar(&p.engines, "engines", names(), "`names` of the engines, with commas")
		f.Float64Var(&p.seconds, "seconds", 3, "`seconds` to measure each signature")
		f.Float64Var(&p.tolerance, "tolerance", 1e-4, "largest `difference` to the checkpoint that is no error, where an engine computes as exactly as it can")
	})
	p.Paths(cli.Input, "checkpoint")
	return p
}

// Main runs the program with the process's flags and returns its exit code.
func (p *program) Main() int {
	return p.Command.Main(func([]string) error {
		ctx, stop := cli.UntilSignalled(os.Stderr, "")
		defer stop()
		return p.run(ctx)
	})
}

func (p *program) run(ctx context.Context) error {
	if p.checkpoint != "" && p.preset != "" {
		return cli.Usage(errors.New("--checkpoint and --preset exclude each other"))
	}
	for _, name := range p.engines {
		if !slices.Contains(names(), name) {
			return cli.Usage(fmt.Errorf("--engines: no engine is called %q; there are %s", name, strings.Join(names(), ", ")))
		}
	}
	dir, err := os.MkdirTemp("", "prioritycut-engines-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	m, err := p.model(dir)
	if err != nil {
		return cli.Usage(err)
	}
	if err := prepare(ctx, m, dir); err != nil {
		return err
	}
	c, err := readCalls(filepath.Join(dir, "calls.npz"))
	if err != nil {
		return err
	}
	atMost := time.Duration(p.seconds * float64(time.Second))
	rows, err := c.ours(ctx, dir, atMost)
	if err != nil {
		return err
	}
	var failed []error
	for _, e := range engines {
		if !slices.Contains(p.engines, e.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s (%s)\n", e.name, e.requirements)
		more, err := e.measure(ctx, dir, p.seconds)
		rows = append(rows, more...)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s (%s): %w", e.name, e.requirements, err))
		}
	}
	more, err := c.again(ctx, filepath.Join(dir, "again"), atMost)
	rows, failed = append(rows, more...), append(failed, err)
	if err := writeTable(p.Out(), rows); err != nil {
		return err
	}
	return errors.Join(append(failed, tooFar(rows, p.tolerance))...)
}

// model opens the checkpoint, or makes a small one.
func (p *program) model(dir string) (*infer.Model, error) {
	if p.checkpoint != "" {
		return infer.Load(p.checkpoint)
	}
	run, networks := filepath.Join(dir, "run"), config.Options{Preset: p.preset}
	if p.preset == "" {
		networks.Sets = tinymodel.Sets()
	}
	if err := tinymodel.WriteSized(run, 1, networks); err != nil {
		return nil, err
	}
	return infer.Load(run)
}

// The models that engines are given, by the folders that they lie in.
var forms = map[string]export.Options{
	"plain":  {Signatures: []string{infer.SigDefault, infer.SigAbsolute, infer.SigKeypoints, infer.SigEncode, infer.SigFrame}},
	"frozen": {Frozen: true},
	"frame":  {Signatures: []string{infer.SigKeypoints, infer.SigEncode, infer.SigFrame}, Default: infer.SigFrame},
}

// prepare writes the models and calls.npz: inputs of all signatures that take
// numbers, and the checkpoint's outputs.
func prepare(ctx context.Context, m *infer.Model, dir string) error {
	for name, o := range forms {
		o.Out, o.Version = filepath.Join(dir, name), 1
		plan, err := export.Prepare(m, o)
		if err != nil {
			return err
		}
		if _, err := plan.Write(ctx); err != nil {
			return err
		}
		if name != "plain" {
			continue
		}
		calls, err := plan.Calls(ctx)
		if err != nil {
			return err
		}
		if err := export.WriteCalls(filepath.Join(dir, "calls.npz"), calls); err != nil {
			return err
		}
	}
	return nil
}
