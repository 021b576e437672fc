// Command prepare makes a data set to train on of videos that the user has.
package main

import (
	"context"
	"errors"
	goflag "flag"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/logging"
	"github.com/prioritycut/prioritycut/internal/patience"
	"github.com/prioritycut/prioritycut/internal/usage"
	"github.com/prioritycut/prioritycut/prepare"
	"github.com/prioritycut/prioritycut/video"
)

const summary = "Makes a data set to train on of videos that you have: cuts, crops, resizes, divides into train and test, and shows " +
	"in a report what came of it. Videos are cut where the scene changes, or as a CSV file says; files of TFRecords of the robot " +
	"pushing set become clips too. What is done is not done again: the same command goes on where it stopped. " +
	"Exit codes: 0 all input was used or dropped by your rules, 3 the data set is complete but some input was wrong or unreadable " +
	"(named in the report), 1 it failed or was stopped, 2 nothing was begun."

// exitPartial says that the data set is complete and some input was not usable.
const exitPartial = 3

func main() {
	_ = goflag.Set("stderrthreshold", "WARNING") // the flag and the level exist
	os.Exit(command().Main())
}

// program is the command line of prepare.
type program struct {
	*cli.Command
	options                         prepare.Options
	format, fit, crop, split, times string
	partial                         bool
}

func command() *program {
	p := &program{Command: cli.New("prepare", summary), options: prepare.DefaultOptions()}
	o := &p.options
	p.Examples = []string{
		"bazel run //cmd:prepare -- --in=footage --out=data/mine --size=256  # own videos, cut at scene changes",
		"bazel run //cmd:prepare -- --in=footage --out=data/mine --crop=motion --format=jpg  # a square around what moves",
		"bazel run //cmd:prepare -- --in=vox/videos --cuts=vox-metadata.csv --fit=stretch --format=mp4 --out=data/vox  # a published list of cuts",
		"bazel run //cmd:prepare -- --in=softmotion30_44k --format=jpg --out=data/bair  # the robot pushing set",
		"bazel run //cmd:train -- --data=data/mine --preset=vox-256 --vgg19=vgg19.pth  # then",
	}
	p.Group("From where, to where", func(f *pflag.FlagSet) {
		f.StringVar(&o.In, "in", "", "`path` of a folder of videos (folders in it name the identities), of one video, or of TFRecords")
		f.StringVar(&o.Out, cli.Out, "", "`folder` to make; one that an earlier run began is gone on with")
		f.StringVar(&p.format, "format", string(o.Format), "`form` of a clip: png or jpg (a folder of pictures), or mp4")
		f.IntVar(&o.Size, "size", o.Size, "`side` of the square pictures in pixels")
		f.BoolVar(&o.DryRun, cli.DryRun, false, "look at everything, say what would be made, and write nothing")
	})
	p.Group("Which frames", func(f *pflag.FlagSet) {
		f.StringVar(&o.Cuts, "cuts", "", "CSV `file` with the columns video,identity,start,end,left,top,width,height,partition (only video must be "+
			"there), or a published list with video_id,start,end,bbox,fps,width,height,partition,person_id; without it scenes are found")
		f.StringVar(&p.times, "times", string(o.Times), "`unit` of plain numbers in start and end: frames or seconds; 120f, 4.8s and 1:02.5 say it themselves")
		f.Float64Var(&o.FPS, "fps", o.FPS, "take at most `n` frames a second, by the film's own times; 0 takes every frame")
		f.IntVar(&o.MinFrames, "min_frames", o.MinFrames, "drop clips of fewer than `n` frames")
		f.IntVar(&o.MaxFrames, "max_frames", o.MaxFrames, "cut scenes of more than `n` frames into equal parts")
		f.Float64Var(&o.MinMotion, "min_motion", o.MinMotion, "drop scenes whose most moving twentieth varies by fewer than `n` of 255 grey levels")
		f.StringVar(&o.Camera, "camera", o.Camera, "`camera` of the robot pushing set: aux1 or main")
	})
	p.Group("Which part of the picture", func(f *pflag.FlagSet) {
		f.StringVar(&p.fit, "fit", string(o.Fit), "how a picture becomes square: `crop` (the middle), pad (black bars) or stretch (as the reference's lists expect)")
		f.StringVar(&p.crop, "crop", string(o.Crop), "`what` to cut out first, one box per clip: none, motion (what moves) or keypoints (of --checkpoint)")
		f.Float64Var(&o.Margin, "margin", o.Margin, "`share` of the box's side added around what moves")
		f.StringVar(&o.Checkpoint, "checkpoint", "", "run or checkpoint in this `folder` whose keypoints guide --crop=keypoints")
	})
	p.Group("Train and test", func(f *pflag.FlagSet) {
		f.StringVar(&p.split, "split", string(o.Split), "`way` to divide: identity (nobody on both sides), time (the end of each video), or auto: by "+
			"identity if there are two or more")
		f.Float64Var(&o.TestShare, "test_share", o.TestShare, "`share` of the frames for the test")
		f.IntVar(&o.Gap, "gap", o.Gap, "leave `n` frames out where a scene is divided")
		f.Int64Var(&o.Seed, cli.Seed, o.Seed, "`number` that the draw of test identities follows from")
	})
	p.Group("The machine", func(f *pflag.FlagSet) {
		f.IntVar(&o.Workers, "workers", o.Workers, "videos, and pictures, at once; 0 is one per core, at most 8")
		f.IntVar(&o.MaxFailedWrites, patience.Setting, o.MaxFailedWrites, "give up after `n` failures in a row to write one kind of file; until then each is tried again")
	})
	p.Paths(cli.Input, "in", "cuts", "checkpoint")
	p.Paths(cli.OutputFolder, cli.Out)
	return p
}

// Main runs the program with the process's flags and returns its exit code.
func (p *program) Main() int {
	return p.code(p.Command.Main(func([]string) error { return p.run() }))
}

// code tells a complete data set of faulty input from one of sound input.
func (p *program) code(code int) int {
	if code == cli.ExitOK && p.partial {
		return exitPartial
	}
	return code
}

func (p *program) run() error {
	o := p.options
	o.Format, o.Crop, o.Split, o.Times = prepare.Format(p.format), prepare.Crop(p.crop), prepare.Split(p.split), prepare.TimeUnit(p.times)
	o.Fit = video.Fit(p.fit)
	shown := newStages(p.Out())
	o.Progress = shown
	ctx, stop := cli.UntilSignalled(logging.Stderr(), "stopping; a second signal leaves at once")
	defer stop()
	report, err := prepare.Run(ctx, o)
	shown.bar.End()
	if report != nil {
		p.partial = report.Partial()
		p.print(report, err == nil)
	}
	var usage *usage.Error
	switch {
	case errors.As(err, &usage):
		return cli.Usage(err)
	case errors.Is(err, context.Canceled):
		return errors.New("stopped; what is done is kept, and the same command goes on")
	}
	return err
}

// print sums up what was done, in lines.
func (p *program) print(r *prepare.Report, complete bool) {
	out := p.Out()
	say := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	for _, side := range []struct {
		name string
		prepare.Side
	}{{"train", r.Train}, {"test", r.Test}} {
		say("%-5s %d clips, %d frames, %d identities", side.name, side.Clips, side.Frames, side.Identities)
	}
	for _, c := range r.Reasons {
		say("left out %d: %s", c.N, c.Reason)
	}
	const few = 5
	shown := 0
	for _, row := range r.Rows {
		if row.Status == prepare.StatusClip && row.Reason == "" || row.Status == prepare.StatusDropped {
			continue
		}
		if shown++; shown > few {
			continue
		}
		where := row.Video
		if row.Line != "" {
			where += " (line " + row.Line + ")"
		}
		say("  %s: %s", strings.TrimSpace(where), row.Reason)
	}
	if shown > few {
		say("  ... and %d more", shown-few)
	}
	if len(r.Left) > 0 {
		say("not videos by their names: %s", some(r.Left))
	}
	if len(r.Strangers) > 0 {
		say("not made by prepare, and trained on as well if it stays: %s", some(r.Strangers))
	}
	for _, w := range r.Warnings {
		say("note: %s", w)
	}
	if p.options.DryRun {
		say("nothing was written (--dry_run)")
	} else {
		say("divided %s; %s; look at %s", r.How, prepare.Size(r.Bytes), r.ReportPath())
		if complete {
			cli.Next(out, cli.View(r.ReportPath(), "every clip: look at it before you train"),
				cli.Step{Command: cli.Program("train", "--data="+r.Out) + settings(r) + " --dry_run", For: "what a training on it would be"})
		}
	}
}

// settings of a training on what was prepared.
func settings(r *prepare.Report) string {
	var text string
	items := r.Train.Clips
	if r.Train.Identities > 1 && items > r.Train.Identities {
		text = " --set id_sampling=true" // draws identities evenly
		items = r.Train.Identities
	}
	// Few items would not fill a batch, or make epochs of a few steps.
	const epoch = 200
	if items < epoch {
		text += fmt.Sprintf(" --set num_repeats=%d", (epoch+items-1)/items)
	}
	return text
}

// some joins the first few names.
func some(names []string) string {
	const most = 5
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}
