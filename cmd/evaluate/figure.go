package main

import (
	"context"
	"fmt"
	"image"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/prioritycut/prioritycut/evaluate/figure"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/picture"
)

// figureFlags are the flags of --figure.
type figureFlags struct {
	number      int
	checkpoints []string
	labels      []string
	videos      []string
	frames      []int
	percent     []float64
	box         string
}

func addFigureFlags(c *cli.Command) *figureFlags {
	f := &figureFlags{}
	c.Group("Figures of the paper", func(flags *pflag.FlagSet) {
		flags.IntVar(&f.number, "figure", 0, "draw Figure `n` to --out (default figure-<n>.png): 1 (one model: occlusion map, PriorityCut mask, CutMix image), "+
			"2 (the same for several shares of the foreground), 3 (the decoders' feedback side by side), 4 (models compared), 5 (differences)")
		flags.StringSliceVar(&f.checkpoints, "checkpoints", nil, "runs or checkpoints to show, `A,B,...`; may be given as arguments too")
		flags.StringSliceVar(&f.labels, "labels", nil, "their names in the figure, `A,B,...` (default: their variants)")
		flags.StringSliceVar(&f.videos, "videos", nil, "test videos to show, `A,B,...`, or how many, evenly spread (default 4; Figure 2: 1)")
		flags.IntSliceVar(&f.frames, "frames", nil, "driving frames `i,j,...` of each video, counted from 0 (default: one of each, evenly spread)")
		flags.Float64SliceVar(&f.percent, "percent", nil, "shares `p,q,...` of the foreground to cut (default 30; Figure 2: 10,30,50)")
		flags.StringVar(&f.box, "box", "", "`x,y,w,h` in pixels: the part that Figure 4 enlarges")
	})
	return f
}

// chosen reports whether a figure is asked for.
func (f *figureFlags) chosen(c *cli.Command) bool { return c.Changed("figure") }

// options completes the flags by those that figures share with other modes and
// by the arguments, which are checkpoints too.
func (f *figureFlags) options(data, device string, checkpoints []string) (figure.Options, error) {
	o := figure.Options{
		Number: f.number, Checkpoints: append(append([]string(nil), f.checkpoints...), checkpoints...), Labels: f.labels,
		Data: data, Videos: f.videos, Frames: f.frames, Percent: f.percent, Device: device,
	}
	if len(f.videos) == 1 {
		if n, err := strconv.Atoi(f.videos[0]); err == nil {
			o.Videos, o.NumVideos = nil, n
			if n < 1 {
				return o, fmt.Errorf("--videos=%d: give names or a number from 1 on", n)
			}
		}
	}
	if f.box != "" {
		var x, y, w, h int
		if n, err := fmt.Sscanf(f.box, "%d,%d,%d,%d", &x, &y, &w, &h); n != 4 || err != nil || w < 1 || h < 1 || f.box != fmt.Sprintf("%d,%d,%d,%d", x, y, w, h) {
			return o, fmt.Errorf("--box=%s: give x,y,w,h in pixels, such as 16,8,24,24", f.box)
		}
		o.Box = image.Rect(x, y, x+w, y+h)
	}
	return o, o.Validate()
}

// run draws the figure into a file, which is replaced when all of it is drawn.
func (f *figureFlags) run(ctx context.Context, o figure.Options, out string, stdout io.Writer) error {
	if out == "" {
		out = fmt.Sprintf("figure-%d.png", o.Number)
	}
	if !strings.EqualFold(filepath.Ext(out), ".png") {
		return cli.Usage(fmt.Errorf("--out=%s: a figure is a .png file", out))
	}
	grid, err := figure.Draw(ctx, o)
	if err != nil {
		return err
	}
	drawn, err := grid.Draw()
	if err != nil {
		return err
	}
	if err := picture.Save(out, drawn); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "wrote %s, %dx%d pixels\n", out, drawn.Rect.Dx(), drawn.Rect.Dy())
	return nil
}
