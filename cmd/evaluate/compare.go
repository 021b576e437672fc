package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/golang/glog"
	"github.com/spf13/pflag"

	"github.com/prioritycut/prioritycut/evaluate"
	"github.com/prioritycut/prioritycut/evaluate/compare"
	"github.com/prioritycut/prioritycut/evaluate/figure"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/patience"
	"github.com/prioritycut/prioritycut/internal/picture"
)

// compareFlags are the flags of comparisons. --out and --device are those of
// measuring.
type compareFlags struct {
	command   *cli.Command
	shared    *measureFlags
	wanted    bool
	baseline  string
	published string
	mixed     bool
	pictures  bool
}

// compareOnly are the flags that ask for a comparison.
var compareOnly = []string{"compare", "baseline", "published", "mixed", "pictures"}

// Words for --published in place of numbers.
const (
	publishedMatching = "matching"
	publishedNone     = "none"
)

func addCompareFlags(c *cli.Command, shared *measureFlags) *compareFlags {
	f := &compareFlags{command: c, shared: shared}
	c.Group("Comparison", func(s *pflag.FlagSet) {
		s.BoolVar(&f.wanted, "compare", false, "compare evaluations in the paper's layout: arguments are their folders, or runs that were evaluated; "+
			"Markdown, CSV and a page with plots and pictures go to --out (default comparison)")
		s.StringVar(&f.baseline, "baseline", "", "`name` of the evaluation that others are coloured against and paired with (default: the only one of the variant fomm, else the first)")
		s.StringVar(&f.published, "published", publishedMatching, "`tables` of the paper to show beside, as printed: numbers 1,2,3,4, none, or matching the kind of data")
		s.BoolVar(&f.mixed, "mixed", false, "put evaluations that were not measured alike into one table, flagged, without ranks and differences")
		s.BoolVar(&f.pictures, "pictures", true, "draw test videos by the compared checkpoints, where they are still there, into the page")
	})
	return f
}

// asked reports whether a flag of comparisons was given.
func (f *compareFlags) asked() bool { return slices.ContainsFunc(compareOnly, f.command.Changed) }

// run compares and prints the tables.
func (f *compareFlags) run(ctx context.Context, stdout io.Writer, args []string) error {
	o, err := f.options(args)
	if err != nil {
		return cli.Usage(err)
	}
	all, err := compare.Load(located(args))
	if err != nil {
		return cli.Usage(err)
	}
	c, err := compare.Build(all, o)
	if err != nil {
		return cli.Usage(err)
	}
	var pictures [][]compare.Picture
	for i := range c.Groups {
		drawn, err := f.draw(ctx, &c.Groups[i])
		if err != nil {
			return err
		}
		pictures = append(pictures, drawn)
	}
	out := f.shared.q.Out
	if out == "" {
		out = "comparison"
	}
	if err := c.Write(f.shared.writing(out), out, c.Report("Comparison", pictures)); err != nil {
		return err
	}
	return f.tell(stdout, c, out)
}

// options are what was typed.
func (f *compareFlags) options(args []string) (compare.Options, error) {
	o := compare.Options{Baseline: f.baseline, Mixed: f.mixed}
	if !f.wanted {
		return o, errors.New("say --compare and name the evaluations: evaluate --compare A B")
	}
	for _, name := range slices.Concat(measureOnly, figureOnly, []string{"checkpoint", cli.Data}) {
		if f.command.Changed(name) {
			return o, fmt.Errorf("--%s says nothing to a comparison: it shows what was measured", name)
		}
	}
	if err := patience.Validate(f.shared.q.MaxFailedWrites); err != nil {
		return o, err
	}
	if len(args) == 0 {
		return o, errors.New("--compare: name folders of evaluations, or of runs that were evaluated")
	}
	switch f.published {
	case publishedMatching:
		return o, nil
	case publishedNone:
		o.Published = []int{}
		return o, nil
	}
	for _, text := range strings.Split(f.published, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 || n > compare.Published {
			return o, fmt.Errorf("--published=%s: numbers of 1 to %d, %s or %s", f.published, compare.Published, publishedMatching, publishedNone)
		}
		o.Published = append(o.Published, n)
	}
	return o, nil
}

// located replaces runs by the folder where evaluate measures them when it is
// not told another, as far as that holds an evaluation of this very run.
func located(args []string) []string {
	paths := slices.Clone(args)
	for i, path := range paths {
		if _, err := result.ReadRun(path); err == nil {
			continue
		}
		usual := filepath.Join("evaluations", evaluate.NameOf(path))
		if r, err := result.ReadRun(usual); err == nil && sameFolder(r.From, path) {
			paths[i] = usual
		}
	}
	return paths
}

func sameFolder(a, b string) bool {
	absA, errA := filepath.Abs(a)
	absB, errB := filepath.Abs(b)
	return errA == nil && errB == nil && absA == absB
}

// draw shows a group's checkpoints side by side (Figures 4 and 5), those that
// still have the weights that were measured. Without them there are none.
func (f *compareFlags) draw(ctx context.Context, g *compare.Group) ([]compare.Picture, error) {
	if !f.pictures {
		return nil, nil
	}
	o := figure.Options{Data: g.Data, Device: f.shared.q.Device}
	for _, e := range g.Evaluations {
		if err := unchanged(e.Run); err != nil {
			g.Notes = append(g.Notes, fmt.Sprintf("No pictures of %s: %v.", e.Run.Name, err))
			continue
		}
		o.Checkpoints, o.Labels = append(o.Checkpoints, e.Run.From), append(o.Labels, e.Run.Name)
	}
	if len(o.Checkpoints) == 0 {
		return nil, nil
	}
	var pictures []compare.Picture
	for _, kind := range []struct {
		number  int
		caption string
	}{
		{4, "Source and driving frames of test videos, and what each model makes of them"},
		{5, "Real frames, each model's reconstruction and its difference from the real frame, on one scale"},
	} {
		o.Number = kind.number
		data, err := drawn(ctx, o)
		if ctx.Err() != nil {
			return nil, errors.New("stopped before the comparison was complete: nothing was written")
		}
		if err != nil {
			glog.Warningf("the page has no Figure %d: %v", kind.number, err)
			g.Notes = append(g.Notes, fmt.Sprintf("No pictures: %v.", err))
			return pictures, nil
		}
		pictures = append(pictures, compare.Picture{Caption: kind.caption, PNG: data})
	}
	return pictures, nil
}

// unchanged says why an evaluation's model cannot be shown, nil if it can.
func unchanged(r result.Run) error {
	if r.Kind != result.Checkpoint {
		return errors.New("it is no checkpoint")
	}
	m, err := infer.Load(r.From)
	if err != nil {
		return err
	}
	if m.Digest() != r.Weights {
		return fmt.Errorf("%s has other weights now", r.From)
	}
	return nil
}

func drawn(ctx context.Context, o figure.Options) ([]byte, error) {
	grid, err := figure.Draw(ctx, o)
	if err != nil {
		return nil, err
	}
	m, err := grid.Draw()
	if err != nil {
		return nil, err
	}
	return picture.PNG(m)
}

// tell prints the measured tables and where everything is.
func (f *compareFlags) tell(w io.Writer, c *compare.Comparison, out string) error {
	var b strings.Builder
	for _, g := range c.Groups {
		for _, conflict := range g.Conflicts {
			fmt.Fprintf(&b, "not measured alike: %s\n", conflict)
		}
		fmt.Fprintf(&b, "on %s:\n\n%s\n", g.Data, g.Table.Markdown())
	}
	fmt.Fprintf(&b, "differences, plots and pictures: %s; tables: %s, %s, %s\n", filepath.Join(out, compare.HTMLFile),
		filepath.Join(out, compare.MarkdownFile), filepath.Join(out, compare.TableFile), filepath.Join(out, compare.DifferencesFile))
	_, err := io.WriteString(w, b.String())
	cli.Next(w, cli.View(filepath.Join(out, compare.HTMLFile), "all of it on a page"))
	return err
}
