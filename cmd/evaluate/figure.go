package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/evaluate/figure"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/patience"
	"github.com/prioritycut/prioritycut/internal/picture"
	"github.com/prioritycut/prioritycut/internal/rundir"
)

// figureFlags are the flags of figures. Data, device, --checkpoint and --out are
// those of measuring.
type figureFlags struct {
	command     *cli.Command
	shared      *measureFlags
	number      int
	checkpoints []string
	labels      []string
	videos      []string
	frames      []int
	percent     []float64
	box         string
}

// figureOnly are the flags that ask for a figure, measureOnly those that mean
// nothing to one.
var (
	figureOnly  = []string{"figure", "checkpoints", "labels", "videos", "frames", "percent", "box"}
	measureOnly = []string{
		"saved_model", "predictions", "name", "data_kind", "num_videos", "size", "fit", "id_sampling", "metric_on", "ssim_window",
		"masks", "mask_model", "paper", "keypoints", "keypoint_model", "embeddings", "embedding_model", "write_frames", "frame_rows", "page",
	}
)

func addFigureFlags(c *cli.Command, shared *measureFlags) *figureFlags {
	f := &figureFlags{command: c, shared: shared}
	c.Group("Figures of the paper", func(s *pflag.FlagSet) {
		s.IntVar(&f.number, "figure", 0, "draw Figure `n` to --out (default figure-<n>.png): 1 (occlusion map, PriorityCut mask and CutMix image of a model), "+
			"2 (the same for several shares of the foreground), 3 (what decoders say of each pixel, side by side), 4 (models compared), 5 (their differences); 4 and 5 take folders of predicted frames beside a model, as --predictions does")
		s.StringSliceVar(&f.checkpoints, "checkpoints", nil, "runs or checkpoints to show, `A,B,...`; arguments are taken too (default: the last default training run)")
		s.StringSliceVar(&f.labels, "labels", nil, "their names in the figure, `A,B,...` (default: their variants)")
		s.StringSliceVar(&f.videos, "videos", nil, "test videos to show, `A,B,...`, or how many, evenly spread (default 4; Figure 2: 1)")
		s.IntSliceVar(&f.frames, "frames", nil, "driving frames `i,j,...` of each video, counted from 0 (default: one of each, evenly spread)")
		s.Float64SliceVar(&f.percent, "percent", nil, "shares `p,q,...` of the foreground to cut (default 30; Figure 2: 10,30,50)")
		s.Lookup("percent").DefValue = "" // the help would say []
		s.StringVar(&f.box, "box", "", "`x,y,w,h` in pixels: the part that Figure 4 enlarges")
	})
	c.Paths(cli.Input, "checkpoints")
	return f
}

// asked reports whether a flag of figures was given.
func (f *figureFlags) asked() bool { return len(f.changed(figureOnly)) > 0 }

// changed lists those of the flags that were given.
func (f *figureFlags) changed(names []string) []string {
	var given []string
	for _, name := range names {
		if f.command.Changed(name) {
			given = append(given, "--"+name)
		}
	}
	return given
}

// run draws the figure into a file, which is replaced when all of it is drawn.
func (f *figureFlags) run(ctx context.Context, stdout io.Writer, args []string) error {
	o, out, err := f.options(args)
	if err != nil {
		return cli.Usage(err)
	}
	grid, err := figure.Draw(ctx, o)
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("stopped before the figure was complete: %s was not written", out)
	}
	if err != nil {
		return err
	}
	drawn, err := grid.Draw()
	if err != nil {
		return err
	}
	encoded, err := picture.PNG(drawn)
	if err != nil {
		return err
	}
	if err := f.shared.writing(out).File(filepath.Base(out), out, encoded); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "wrote %s, %dx%d pixels\n", out, drawn.Rect.Dx(), drawn.Rect.Dy())
	cli.Next(stdout, cli.View(out, "see it"))
	return nil
}

// options turns flags and arguments, which are checkpoints, into what is drawn
// and the file to draw it to.
func (f *figureFlags) options(args []string) (o figure.Options, out string, err error) {
	if !f.command.Changed("figure") {
		return o, "", fmt.Errorf("%s without a figure: say --figure=1 to 5", f.changed(figureOnly)[0])
	}
	if useless := f.changed(measureOnly); len(useless) > 0 {
		return o, "", fmt.Errorf("%s says nothing to a figure", strings.Join(useless, " "))
	}
	o = figure.Options{
		Number: f.number, Labels: f.labels, Data: f.shared.q.Data, Device: f.shared.q.Device,
		Videos: f.videos, Frames: f.frames, Percent: f.percent,
	}
	if o.Checkpoints, err = f.models(args); err != nil {
		return o, "", err
	}
	if err := f.parse(&o); err != nil {
		return o, "", err
	}
	out = f.shared.q.Out
	if out == "" {
		out = fmt.Sprintf("figure-%d.png", o.Number)
	}
	if !strings.EqualFold(filepath.Ext(out), ".png") {
		return o, "", fmt.Errorf("--out=%s: a figure is a .png file", out)
	}
	if err := durable.Replaceable(out); err != nil {
		return o, "", fmt.Errorf("--out: %w", err)
	}
	if err := patience.Validate(f.shared.q.MaxFailedWrites); err != nil {
		return o, "", err
	}
	return o, out, o.Validate()
}

// models lists the checkpoints, all of which are there.
func (f *figureFlags) models(args []string) ([]string, error) {
	var paths []string
	if f.shared.q.Checkpoint != "" {
		paths = append(paths, f.shared.q.Checkpoint)
	}
	paths = append(append(paths, f.checkpoints...), args...)
	if len(paths) == 0 {
		run := rundir.Default(config.DefaultPreset, string(config.DefaultVariant))
		if !rundir.Dir(run).Is() {
			return nil, fmt.Errorf("there is no %s yet: train it in minutes by `bazel run //cmd:train`, or give --checkpoints", run)
		}
		paths = []string{run}
	}
	for _, path := range paths {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("checkpoint: %w", err)
		}
	}
	return paths, nil
}

// parse reads what has a form of its own.
func (f *figureFlags) parse(o *figure.Options) error {
	if len(f.videos) == 1 {
		if n, err := strconv.Atoi(f.videos[0]); err == nil {
			o.Videos, o.NumVideos = nil, n
			if n < 1 {
				return fmt.Errorf("--videos=%d: give names or a number from 1 on", n)
			}
		}
	}
	if f.box == "" {
		return nil
	}
	var v [4]int
	parts := strings.Split(f.box, ",")
	for i := range v {
		var err error
		if len(parts) != len(v) {
			err = strconv.ErrSyntax
		} else {
			v[i], err = strconv.Atoi(parts[i])
		}
		if err != nil || v[i] < 0 || v[i] > 1<<16 {
			return fmt.Errorf("--box=%s: give x,y,w,h in pixels, such as 16,8,24,24", f.box)
		}
	}
	o.Box = image.Rect(v[0], v[1], v[0]+v[2], v[1]+v[3])
	if o.Box.Empty() {
		return fmt.Errorf("--box=%s is empty", f.box)
	}
	return nil
}
