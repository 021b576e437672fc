// Command animate moves the figure of a picture as the figure of a video moves.
package main

import (
	"context"
	"errors"
	goflag "flag"
	"fmt"
	"os"
	"strings"

	"github.com/golang/glog"
	"github.com/spf13/pflag"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/logging"
	"github.com/prioritycut/prioritycut/video"
)

const summary = "Moves the figure of a picture as the figure of a video moves, by a trained model. " +
	"Without flags it makes a short clip of the last default training run on its own unseen videos."

func main() {
	_ = goflag.Set("stderrthreshold", "WARNING") // the flag and the level exist
	os.Exit(command().Main())
}

// program is the command line of animate.
type program struct {
	*cli.Command
	checkpoint, savedModel, config string
	trust                          bool
	sources                        []string
	sourceFrames                   int
	driving, result                string

	relative, adaptScale, findBest bool
	bestFrame                      int

	fit, fps, keypoints string
	audio, sideBySide   bool
	marked              bool // --keypoints

	pairs, data, out, format string

	cpu              bool
	batch, maxFrames int
	shared           *cli.Shared

	sample func(ctx context.Context, name string) (path string, err error) // fetches one
}

func command() *program {
	p := &program{Command: cli.New("animate", summary), sample: dataset.Sample}
	p.MaxArgs = 1 // a CSV after --pairs and a blank
	p.Kept = "no film is left half written, and films of --pairs that are done are kept"
	p.Examples = []string{
		"bazel run //cmd:animate  # a clip of what the default training run learned",
		"bazel run //cmd:animate -- --source_image=me.png --driving_video=talk.mp4 --result_video=result.mp4 --checkpoint=runs/vox-256-prioritycut  # a picture and a video of yours",
		"bazel run //cmd:animate -- --source_image=me.png --driving_video=talk.mp4 --saved_model=models/vox --find_best_frame --result_video=result.gif  # an exported model; start where the poses agree",
		"bazel run //cmd:animate -- --pairs=vox256.csv --checkpoint=runs/vox-256-prioritycut --out=pairs  # pairs of test videos; goes on where it stopped",
	}
	p.Group("What to animate", func(f *pflag.FlagSet) {
		f.StringArrayVar(&p.sources, "source_image", nil, "`picture` (png, jpg) whose figure is to move; named again for each further picture of the same figure, "+
			"where the model takes several (x2face); "+sampleNames+", of which the first frame is taken")
		f.StringVar(&p.driving, "driving_video", "", "`video` that it moves after: a film (mp4, mov, webm, mkv, avi, gif) or a folder of png or jpg frames; "+sampleNames)
		f.StringVar(&p.result, "result_video", defaultResult, "`file` to write: "+video.FilmNames+"; or a folder of png frames (a name without extension or ending in /). "+
			"It appears when it is complete; a film of that name is replaced then")
	})
	p.Group("The model", func(f *pflag.FlagSet) {
		f.StringVar(&p.checkpoint, "checkpoint", "", "`folder` of a training run or of one of its checkpoints (default "+defaultRun()+"); or a file of weights as first-order-model's demo takes it, with its --config: it is converted, once")
		f.StringVar(&p.savedModel, "saved_model", "", "`folder` of an exported model instead")
		f.BoolVar(&p.trust, cli.TrustSavedModel, false, cli.TrustUsage)
		f.StringVar(&p.config, cli.Config, "", "YAML `file` as the demo of first-order-model needs; a checkpoint of ours carries its configuration: "+
			"given one, this file must describe the same networks, and its animate_params count")
	})
	p.Group("The motion", func(f *pflag.FlagSet) {
		f.BoolVar(&p.relative, "relative", true, "add the motion since the initial driving frame to the source's pose; --relative=false takes the driving "+
			"figure's keypoints themselves, place and shape too. The demo of first-order-model had this off by default; configurations and exported models have it on")
		f.BoolVar(&p.adaptScale, "adapt_scale", false, "scale relative motion by the figures' sizes (convex hulls of their keypoints)")
		f.IntVar(&p.bestFrame, "best_frame", 0, "`number` of the driving frame that relative motion starts from, counted from 0")
		f.BoolVar(&p.findBest, "find_best_frame", false, "start from the frame whose pose is nearest to the source's, by the model's own keypoints "+
			"(the demo uses landmarks of faces); costs a pass over the video")
	})
	p.Group("Pictures and sound", func(f *pflag.FlagSet) {
		f.StringVar(&p.fit, "fit", "", "`how` source and video come to the model's size: crop, pad or stretch (default: as the model was trained)")
		f.BoolVar(&p.audio, "audio", true, "take the sound of the driving video along: copied, or encoded anew where the result's format cannot hold it")
		f.StringVar(&p.fps, "fps", "", "`rate` of a result whose driving video is a folder, such as 25 or 30000/1001 (default "+video.DefaultRate+"); a film's own rate is kept. "+
			"With --pairs every frame of every video is shown at it (default: each film's own)")
		f.BoolVar(&p.sideBySide, "side_by_side", false, "show source, driving video and result beside each other (the clip without flags always does)")
		f.BoolVar(&p.marked, "keypoints", false, "draw the keypoints: --side_by_side with those found in source and driving video, and those that the result was made with")
		f.StringVar(&p.keypoints, "keypoints_csv", "", "`file` to write the keypoints of the source and of every driving frame to")
	})
	p.Group("Many at once", func(f *pflag.FlagSet) {
		f.IntVar(&p.sourceFrames, "source_frames", 1, "take `n` frames of a source among the test videos, from its first on at even distances, with --pairs and for the clip without flags, "+
			"where the model takes several (x2face); a shorter video gives what it has")
		f.StringVar(&p.pairs, "pairs", "", "animate pairs of test videos: a `CSV` with the columns source and driving (distance and frame are ignored) as first-order-model has them; "+
			"own or no value: the first num_pairs of the configuration's pairs_list, or as many random pairs. What is done is not done again")
		f.Lookup("pairs").NoOptDefVal = configuredPairs
		f.StringVar(&p.data, cli.Data, "", "`what` to take test videos from, for --pairs and for the clip without flags: a folder of videos, shapes, shapes@7 (drawn by seed 7), shapes:people or "+
			"sample:talking-head (default: what the model was trained on)")
		f.StringVar(&p.out, cli.Out, "", "`folder` for the results of --pairs (default: animation in the run's folder)")
		f.StringVar(&p.format, "format", "mp4", "`format` of these results: "+video.FilmNames+", or png for folders of frames")
	})
	p.Paths(cli.Input, "source_image", "driving_video", "checkpoint", "saved_model", cli.Config, "pairs", cli.Data)
	p.Paths(cli.Output, "result_video")
	p.Paths(cli.OutputFile, "keypoints_csv")
	p.Paths(cli.OutputFolder, cli.Out)
	p.shared = p.AddShared(cli.Device)
	p.Group("The machine", func(f *pflag.FlagSet) {
		f.BoolVar(&p.cpu, "cpu", false, "the same as --device=cpu")
		f.IntVar(&p.batch, "batch", 0, "compute `n` frames at once (default: what suits the pictures' size)")
		f.IntVar(&p.maxFrames, "max_frames", video.DefaultLimits.MaxFrames, "refuse driving videos of more than `n` frames")
	})
	return p
}

// defaultRun is the folder of a training run without flags.
func defaultRun() string { return defaultRunOf(config.DefaultPreset, string(config.DefaultVariant)) }

// Main runs the program with the process's flags and returns its exit code.
func (p *program) Main() int {
	return p.Command.Main(func(args []string) error {
		if err := p.takePairs(args); err != nil {
			return cli.Usage(err)
		}
		ctx, stop := cli.UntilSignalled(logging.Stderr(), "stopping; a second signal leaves at once")
		defer stop()
		return p.run(ctx)
	})
}

// takePairs takes an argument for the CSV of --pairs: as that flag needs no
// value, one after a blank does not count as its value.
func (p *program) takePairs(args []string) error {
	switch {
	case len(args) == 0:
	case p.pairs == configuredPairs:
		p.pairs = args[0]
	case args[0] == "true" || args[0] == "false":
		return fmt.Errorf("unexpected argument %q: switches take their value without a blank, as --relative=false", args[0])
	default:
		return fmt.Errorf("unexpected argument %.100q: a picture is named by --source_image, a video by --driving_video; see animate --help", args[0])
	}
	return nil
}

func (p *program) run(ctx context.Context) error {
	if err := p.check(); err != nil {
		return cli.Usage(err)
	}
	model, err := p.open()
	if err != nil {
		return err
	}
	defer func() {
		if err := model.Close(); err != nil {
			glog.Warning(err)
		}
	}()
	switch {
	case p.pairs != "":
		return p.runPairs(ctx, model)
	case len(p.sources) > 0:
		return p.runOne(ctx, model)
	}
	return p.runDemo(ctx, model)
}

// check reports flags that do not go together.
func (p *program) check() error {
	switch {
	case p.checkpoint != "" && p.savedModel != "":
		return errors.New("--checkpoint and --saved_model: give one of them")
	case (len(p.sources) == 0) != (p.driving == ""):
		return errors.New("--source_image and --driving_video belong together: give both")
	case p.pairs != "" && len(p.sources) > 0:
		return errors.New("--pairs takes its pictures from the test videos: leave out --source_image and --driving_video")
	case len(p.sources) > 0 && p.data != "":
		return errors.New("--data is about test videos: leave it out with --source_image and --driving_video")
	case p.pairs == "" && (p.out != "" || p.Changed("format")):
		return errors.New("--out and --format are about --pairs; a single result is named by --result_video")
	case p.pairs != "" && (p.Changed("result_video") || p.keypoints != ""):
		return errors.New("--result_video and --keypoints_csv are about a single result; those of --pairs go to --out")
	case p.pairs != "" && p.savedModel != "" && p.data == "":
		return errors.New("--pairs with --saved_model needs --data: an exported model knows no videos")
	case p.savedModel != "" && p.config != "":
		return errors.New("--config is about a checkpoint: leave it out with --saved_model")
	case p.savedModel != "" && len(p.sources) == 0 && p.pairs == "":
		return errors.New("--saved_model needs --source_image and --driving_video")
	case p.Changed("best_frame") && p.findBest:
		return errors.New("--best_frame and --find_best_frame: give one of them")
	case !p.relative && (p.adaptScale || p.findBest || p.bestFrame != 0):
		return errors.New("--adapt_scale, --best_frame and --find_best_frame belong to relative motion: leave out --relative=false")
	case p.sourceFrames < 1 || p.sourceFrames > maxSourceFrames:
		return fmt.Errorf("--source_frames=%d: 1 to %d are possible", p.sourceFrames, maxSourceFrames)
	case p.Changed("source_frames") && len(p.sources) > 0:
		return errors.New("--source_frames is about test videos: name further pictures of the same figure by --source_image")
	case p.bestFrame < 0:
		return errors.New("--best_frame: frames count from 0")
	case p.maxFrames < 1:
		return errors.New("--max_frames must be at least 1")
	case p.cpu && p.shared.Device != "" && p.shared.Device != "cpu":
		return fmt.Errorf("--cpu and --device=%s: give one of them", p.shared.Device)
	}
	if p.fit != "" {
		if err := video.Fit(p.fit).Validate(); err != nil {
			return fmt.Errorf("--fit: %w", err)
		}
	}
	if p.fps != "" {
		if _, err := video.ParseRate(p.fps); err != nil {
			return fmt.Errorf("--fps: %w", err)
		}
	}
	if p.pairs != "" {
		if !strings.Contains(", "+video.FilmNames+", png,", ", "+p.format+",") {
			return fmt.Errorf("--format=%s: it must be one of %s, png", p.format, video.FilmNames)
		}
	}
	return nil
}

func (p *program) limits() video.Limits {
	return video.Limits{MaxFrames: p.maxFrames, FramesBy: "--max_frames"}
}

// warn tells whoever sits in front of the screen.
func (p *program) warn(text string) { fmt.Fprintf(p.Err(), "warning: %s\n", text) }
