// Command evaluate measures how well models animate videos that they have not
// seen, compares what was measured, and draws the paper's figures.
package main

import (
	"context"
	goflag "flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/logging"
)

const summary = "Reconstructs the videos of a test set from their first frames, as the paper does, and measures L1, PSNR, SSIM, " +
	"and, with detectors of your choice, keypoints (AKD, MKR) and identity (AED). It writes tables (frames.csv, videos.csv, " +
	"summary.csv) with 95 % intervals; an interrupted run goes on with the same command."

func main() {
	_ = goflag.Set("stderrthreshold", "WARNING") // the flag and the level exist
	os.Exit(command().Main())
}

// mode is one of the things that the program does.
type mode interface {
	// asked reports whether the flags ask for it.
	asked() bool
	// run does it. args are the arguments that are no flags; it refuses those
	// that it has no use for.
	run(ctx context.Context, out io.Writer, args []string) error
}

// program is the command line of evaluate.
type program struct {
	*cli.Command
	measure *measureFlags
	modes   []mode
}

func command() *program {
	p := &program{Command: cli.New("evaluate", summary)}
	p.MaxArgs = maxArguments
	p.Kept = "videos that are in the tables are kept"
	p.Examples = []string{
		"bazel run //cmd:evaluate  # the last default training run, on its own test videos",
		"bazel run //cmd:evaluate -- --checkpoint=runs/mine --keypoint_model=joints-64  # AKD and MKR too",
		"bazel run //cmd:evaluate -- --predictions=/frames/fomm --data=/data/vox --out=evaluations/fomm  # frames that any program made",
		"bazel run //cmd:evaluate -- --compare runs/fomm runs/mine  # tables like the paper's of what was measured",
		"bazel run //cmd:evaluate -- --figure=3 runs/shapes-64-cutmix runs/shapes-64-prioritycut  # the paper's Figure 3 of two runs",
	}
	p.measure = addMeasureFlags(p.Command)
	p.modes = []mode{addCompareFlags(p.Command, p.measure), addFigureFlags(p.Command, p.measure)}
	return p
}

// maxArguments bounds what may be compared at once.
const maxArguments = 64

// Main runs the program with the process's flags and returns its exit code.
func (p *program) Main() int { return p.Command.Main(p.run) }

// run does what the flags ask for, and measures where they ask for nothing else.
func (p *program) run(args []string) error {
	var chosen mode = p.measure
	for _, m := range p.modes {
		if m.asked() {
			chosen = m
			break
		}
	}
	ctx, stop := cli.UntilSignalled(logging.Stderr(), "stopping; finished videos are kept, a second signal leaves at once")
	defer stop()
	return chosen.run(ctx, p.Out(), args)
}

// refuseArguments is for modes that take flags alone.
func refuseArguments(args []string) error {
	if len(args) == 0 {
		return nil
	}
	if strings.Contains(args[0], "=") {
		return cli.Usage(fmt.Errorf("unexpected argument %q: flags have two dashes", args[0]))
	}
	return cli.Usage(fmt.Errorf("unexpected argument %q; see evaluate --help", args[0]))
}
