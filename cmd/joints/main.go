// Command joints trains the joint detector that evaluation uses on drawn
// figures.
package main

import (
	"context"
	"errors"
	goflag "flag"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/dataset/shapes"
	"github.com/prioritycut/prioritycut/evaluate/joints"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/folderlock"
	"github.com/prioritycut/prioritycut/internal/logging"
	"github.com/prioritycut/prioritycut/internal/patience"
	"github.com/prioritycut/prioritycut/internal/progress"
)

const summary = "Trains a small detector of the joints of the drawn figures and writes it as a SavedModel, for AKD and MKR in " +
	"evaluation (--keypoint_model). It learns from frames drawn for it, of training videos alone, in a minute on two cores, " +
	"and tells its own error on frames of unseen videos: the floor of what it can measure."

func main() {
	_ = goflag.Set("stderrthreshold", "WARNING") // the flag and the level exist
	os.Exit(command().Main())
}

// program is the command line of joints.
type program struct {
	*cli.Command
	options joints.Options
	shared  *cli.Shared
	data    string
	size    string
	out     string
}

func command() *program {
	p := &program{Command: cli.New("joints", summary), options: joints.DefaultOptions(shapes.Puppets)}
	p.Kept = "nothing is left half written"
	p.Examples = []string{
		"bazel run //cmd:joints -- --out=joints-64  # for the default data set",
		"bazel run //cmd:joints -- --size=128 --out=joints-128  # for drawn pictures of 128x128 pixels",
		"bazel run //cmd:joints -- --data=shapes:people  # for drawn people",
		"bazel run //cmd:evaluate -- --checkpoint=runs/shapes-64-prioritycut --keypoint_model=joints-64  # use it",
	}
	o := &p.options
	p.Group("The detector", func(f *pflag.FlagSet) {
		f.StringVar(&p.out, cli.Out, "", "`folder` of the SavedModel (default joints-<size>, of people joints-people-<size>); it must not exist, and appears when all is done")
		f.StringVar(&p.data, cli.Data, dataset.Shapes, "`what` drawn figures it learns: shapes (puppets) or shapes:people; it knows no others")
		f.StringVar(&p.size, "size", fmt.Sprint(o.Width), "`size` of the pictures: a side, or WIDTHxHEIGHT, as the data set has them")
		f.IntVar(&o.Steps, cli.Steps, o.Steps, "train `n` steps (people: 900)")
		f.IntVar(&o.Batch, "batch", o.Batch, "frames `n` of a step")
		f.IntVar(&o.HeldOut, "held_out", o.HeldOut, "measure the error on `n` frames of unseen videos")
	})
	p.Paths(cli.Output, cli.Out)
	p.shared = p.AddShared(cli.Seed, cli.Device, cli.Deterministic)
	return p
}

// Main runs the program with the process's flags and returns its exit code.
func (p *program) Main() int {
	return p.Command.Main(func([]string) error {
		ctx, stop := cli.UntilSignalled(logging.Stderr(), "")
		defer stop()
		return p.run(ctx)
	})
}

func (p *program) run(ctx context.Context) (err error) {
	if err := p.resolve(); err != nil {
		return cli.Usage(err)
	}
	lock, err := folderlock.AcquireFor(p.out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Discard()) }()
	bar := progress.New(p.Out(), 0)
	bar.Begin("step", "training", 0, int64(p.options.Steps))
	began := time.Now()
	detector, err := joints.Train(ctx, p.options, func(at joints.Progress) {
		bar.Set(int64(at.Step), fmt.Sprintf("loss %.3f  %s", at.Loss, bar.Pace(int64(at.Step))))
		if at.Step%max(at.Steps/10, 1) == 0 || at.Step == at.Steps {
			bar.Line()
		}
	})
	bar.End()
	if err != nil {
		return stopped(err)
	}
	defer func() { err = errors.Join(err, detector.Close()) }()
	own, err := detector.Measure(ctx)
	if err != nil {
		return stopped(err)
	}
	w := result.NewWriting(patience.Most, "", p.out, "")
	if err := w.Insist("the detector", func() error { return detector.Save(p.out, own) }); err != nil {
		return err
	}
	for _, weak := range own.Weak() {
		fmt.Fprintf(p.Out(), "too weak to judge by, train longer (--steps): %s\n", weak)
	}
	fmt.Fprintf(p.Out(), "on unseen videos: %v\nwrote %s in %s\n", own, p.out, time.Since(began).Round(time.Second))
	cli.Next(p.Out(), cli.Step{Command: cli.Program("evaluate", "--keypoint_model="+p.out), For: "AKD and MKR of the last default run, if it learned from " + p.data + "; what it has measured stays"})
	return nil
}

// resolve completes the options by what was typed.
func (p *program) resolve() error {
	w, h, err := parseSize(p.size)
	if err != nil {
		return err
	}
	o := &p.options
	o.Width, o.Height = w, h
	figures, drawn := dataset.DrawnFigures(p.data)
	if o.Figures = shapes.Figures(figures); !p.Changed(cli.Steps) {
		o.Steps = joints.DefaultOptions(o.Figures).Steps
	}
	if drawn && p.data != dataset.DrawnName(figures) {
		return fmt.Errorf("--data=%s: a detector learns from drawings of any seed: give --data=%s, and --seed for others than the usual ones",
			p.data, dataset.DrawnName(figures))
	}
	if !drawn {
		return fmt.Errorf("--data=%s: the figures of shapes or of shapes:people; for real videos see the program detectors", p.data)
	}
	if p.shared.Seed != nil {
		o.Seed = *p.shared.Seed
	}
	o.Session.Device = p.shared.Device
	o.Session.Deterministic = p.shared.Deterministic != nil && *p.shared.Deterministic
	if err := o.Validate(); err != nil {
		return err
	}
	if p.out == "" {
		p.out = strings.Join(slices.DeleteFunc([]string{"joints", figures, p.size}, func(s string) bool { return s == "" }), "-")
	}
	if _, err := os.Lstat(p.out); err == nil {
		return fmt.Errorf("%s exists: remove it or name another folder by --out", p.out)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// parseSize reads "64" or "96x64".
func parseSize(text string) (w, h int, err error) {
	first, second, two := strings.Cut(text, "x")
	if !two {
		second = first
	}
	w, errW := strconv.Atoi(first)
	h, errH := strconv.Atoi(second)
	if errW != nil || errH != nil {
		return 0, 0, fmt.Errorf("--size=%s: give a side, such as 64, or WIDTHxHEIGHT, such as 96x64", text)
	}
	return w, h, nil
}

// stopped says what a signal left behind; other errors stay.
func stopped(err error) error {
	if errors.Is(err, context.Canceled) {
		return errors.New("stopped before the detector was complete: nothing was written")
	}
	return err
}
