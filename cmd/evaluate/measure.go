package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/evaluate"
	"github.com/prioritycut/prioritycut/evaluate/metric"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/patience"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/video"
)

// measureFlags are the flags of measuring, which is what the program does when
// nothing else is asked for.
type measureFlags struct {
	command     *cli.Command
	q           evaluate.Request
	window, fit string
	size, paper string
	frameRows   bool
}

func addMeasureFlags(c *cli.Command) *measureFlags {
	f := &measureFlags{command: c, q: evaluate.NewRequest()}
	q := &f.q
	c.Group("What to measure", func(s *pflag.FlagSet) {
		s.StringVar(&q.Checkpoint, "checkpoint", "", "`folder` of a run, or one checkpoint in it (default: the last default training run)")
		s.StringVar(&q.SavedModel, "saved_model", "", "`folder` of an exported model instead")
		s.StringVar(&q.Predictions, "predictions", "", "`folder` of frames that any program made instead: per test video, of its name, a folder of png frames "+
			"(0000000.png first), a png with the frames side by side, or a lossless film")
		s.StringVar(&q.Name, "name", "", "`name` in the tables (default: that of the folder)")
		s.StringVar(&q.Out, cli.Out, "", "`folder` of the tables (default evaluations/<name>)")
	})
	c.Group("On what", func(s *pflag.FlagSet) {
		s.StringVar(&q.Data, cli.Data, "", "`what` to measure on: shapes, shapes:people, shapes@7 (drawn by seed 7), sample:talking-head, or a path; its test part is taken (default: what the model was trained on)")
		s.StringVar(&q.DataKind, "data_kind", "", "`kind` of the data, for the columns of tables: faces, bodies or other (default: by data and preset)")
		s.IntVar(&q.NumVideos, "num_videos", 0, "measure the first `n` videos of the test set (default: num_videos of the model's configuration, 1000 as the reference)")
		s.StringVar(&f.size, "size", "", "WIDTHxHEIGHT in `pixels` of predictions, and of exported models that leave it open (default: as the first prediction)")
		s.StringVar(&f.fit, "fit", "", "`how` frames of another size come to it: stretch, crop or pad (default: as the model was trained; for predictions stretch, as the reference, or crop of a sample)")
		s.BoolVar(&q.IDSampling, "id_sampling", false, "split a folder without train and test by identity; for predictions, and exported models that do not say")
	})
	c.Group("How", func(s *pflag.FlagSet) {
		s.StringVar(&f.paper, "paper", "", "fill all columns of the paper's tables for `what` is shown: faces (landmarks, identity, foreground) or bodies (joints, foreground). "+
			"Published networks are fetched once, by npm (see the program detectors); they are not the paper's, so compare own rows only. "+
			"Masks, keypoints and embeddings that are named win")
		s.StringVar(&q.MetricOn, "metric_on", q.MetricOn, "compare predictions as `what`: float, as the network gives them, or png, in 8 bits as they would be written")
		s.StringVar(&f.window, "ssim_window", string(q.SSIMWindow), "`window` of SSIM: uniform (7x7, scikit-image's default) or gaussian (11x11, 1.5)")
		s.StringVar(&q.Masks, "masks", "", "`where` salient pixels are: a folder of masks (as --predictions; white is salient), truth (drawn data), "+
			"model (not its background mask) or none (default: truth if there is one)")
		s.StringVar(&q.MaskModel, "mask_model", "", "SavedModel `folder` that finds salient pixels in the real frames, in place of --masks: "+
			"image float32 [N,H,W,3] in [0,1] -> mask [N,H,W], salient from 0.5 on")
		s.StringVar(&q.Keypoints, "keypoints", "", "`path` of keypoints found by others, for AKD and MKR: a folder with real.csv and generated.csv "+
			"(video,frame,x0,y0,x1,y1,... in pixels, -1 missing), the table of the real frames alone, or truth (drawn data)")
		s.StringVar(&q.KeypointModel, "keypoint_model", "", "SavedModel `folder` that finds keypoints: image float32 [N,H,W,3] in [0,1] -> keypoints [N,J,2] in pixels, "+
			"or [N,J,3] with a confidence (below 0.5: missing)")
		s.StringVar(&q.Embeddings, "embeddings", "", "`path` of identity embeddings found by others, for AED: a folder with real.csv and generated.csv (video,frame,e0,e1,...)")
		s.StringVar(&q.EmbeddingModel, "embedding_model", "", "SavedModel `folder` that finds them: image float32 [N,H,W,3] in [0,1] -> embedding [N,D]")
	})
	c.Group("Models of others", func(s *pflag.FlagSet) {
		s.BoolVar(&q.TrustSavedModel, cli.TrustSavedModel, false, cli.TrustUsage)
	})
	c.Group("Output", func(s *pflag.FlagSet) {
		s.StringVar(&q.WriteFrames, "write_frames", "", "`folder` for the predicted frames, a folder of png per video, without loss")
		s.BoolVar(&f.frameRows, "frame_rows", true, "keep a row per frame in frames.csv; without them comparisons pair videos, not frames")
		s.BoolVar(&q.Page, "page", true, "write "+evaluate.PageFile+" beside the tables, with films of the worst and the best videos, which are predicted once more for it")
		s.IntVar(&q.MaxFailedWrites, patience.Setting, q.MaxFailedWrites, "give up after `n` failures in a row to write one kind of file; until then each is tried again")
		s.StringVar(&q.Device, cli.Device, "", "`where` to compute: auto, cpu, gpu or gpu:N (default: as the model was trained)")
	})
	c.Paths(cli.Input, "checkpoint", "saved_model", "predictions", cli.Data, "masks", "mask_model", "keypoints", "keypoint_model", "embeddings", "embedding_model")
	c.Paths(cli.Output, cli.Out) // the file of a figure, the folder of tables
	c.Paths(cli.OutputFolder, "write_frames")
	return f
}

// asked is always true: this is what the program is for.
func (f *measureFlags) asked() bool { return true }

// run measures and prints what came out.
func (f *measureFlags) run(ctx context.Context, out io.Writer, args []string) error {
	if err := refuseArguments(args); err != nil {
		return err
	}
	if err := f.complete(); err != nil {
		return cli.Usage(err)
	}
	if f.paper != "" {
		if err := takeDetectors(ctx, f.paper, &f.q); err != nil {
			return cli.Usage(err)
		}
	}
	f.q.Progress, f.q.MaskHome = out, maskHome()
	o, err := evaluate.Run(ctx, f.q)
	if errors.Is(err, context.Canceled) {
		fmt.Fprintf(out, "stopped; the same command goes on with %s\n", f.q.Out)
		return nil
	}
	if o != nil {
		if err := evaluate.WriteReport(out, o); err != nil {
			return err
		}
		var steps []cli.Step
		if o.Page != "" {
			steps = append(steps, cli.View(o.Page, "the numbers, the worst and the best videos on a page"))
		}
		cli.Next(out, append(steps, cli.Step{Command: cli.Program("evaluate", "--compare", f.q.Out, "OTHER_EVALUATION"), For: "compare it with another"})...)
	}
	var request *evaluate.RequestError
	if errors.As(err, &request) {
		return cli.Usage(err)
	}
	return err
}

// writing is how comparisons and figures are written.
func (f *measureFlags) writing(out string) result.Writing {
	return result.NewWriting(f.q.MaxFailedWrites, patience.Setting, out, "")
}

// complete fills in what was left out.
func (f *measureFlags) complete() error {
	q := &f.q
	q.SSIMWindow, q.Fit, q.NoFrames = metric.Window(f.window), video.Fit(f.fit), !f.frameRows
	if f.command.Changed("num_videos") && q.NumVideos < 1 {
		return fmt.Errorf("--num_videos=%d: at least 1", q.NumVideos)
	}
	if f.size != "" {
		var err error
		if q.Width, q.Height, err = parseSize(f.size); err != nil {
			return err
		}
	}
	if q.Checkpoint == "" && q.SavedModel == "" && q.Predictions == "" {
		run := rundir.Default(config.DefaultPreset, string(config.DefaultVariant))
		if !rundir.Dir(run).Is() {
			return fmt.Errorf("there is no %s yet: train it in minutes by `bazel run //cmd:train`, or give --checkpoint, --saved_model or --predictions", run)
		}
		q.Checkpoint = run
	}
	if q.Out == "" {
		name := q.Name
		if name == "" {
			name = evaluate.NameOf(q.Checkpoint + q.SavedModel + q.Predictions)
		}
		q.Out = filepath.Join("evaluations", name)
	}
	if info, err := os.Stat(q.Out); err == nil && !info.IsDir() {
		return fmt.Errorf("--out=%s is no folder", q.Out)
	}
	return nil
}

// parseSize reads WIDTHxHEIGHT, or one number for squares.
func parseSize(text string) (w, h int, err error) {
	first, second, both := strings.Cut(text, "x")
	if !both {
		second = first
	}
	w, err = strconv.Atoi(first)
	if err == nil {
		h, err = strconv.Atoi(second)
	}
	if err != nil || w < 1 || h < 1 || w > 1<<13 || h > 1<<13 {
		return 0, 0, fmt.Errorf("--size=%s: WIDTHxHEIGHT in pixels, such as 256x256", text)
	}
	return w, h, nil
}
