package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/dataset/named"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/video"
)

// The clip that is made without flags: so many rows of source, driving video
// and result.
const (
	demoRows   = 3
	demoVideos = 12  // looked at for sources
	demoFrames = 150 // at most
	demoName   = "animated.mp4"
	demoRate   = "12" // slow enough to see what moves
)

// runDemo makes a clip of what the model does with videos it has not seen: for
// each row another driving video, of the other figures the one that stands most
// like it, and motion from the frame where both are nearest.
func (p *program) runDemo(ctx context.Context, a *animator) error {
	if p.keypoints != "" {
		return cli.Usage(fmt.Errorf("--keypoints_csv needs --source_image and --driving_video"))
	}
	if err := p.checkMarks(a); err != nil {
		return err
	}
	if p.data != "" {
		a.config.Dataset.RootDir = p.data
	}
	set, err := named.OpenOfModel(ctx, a.config.Dataset)
	if err != nil {
		return fmt.Errorf("the clip without --source_image and --driving_video is made of the run's own test videos: %w", err)
	}
	videos := set.Test()
	if len(videos) < 2 {
		return cli.Usage(fmt.Errorf("too few test videos in %s (%d) for a clip of different figures, which needs two: give --source_image and --driving_video", a.config.Dataset.RootDir, len(videos)))
	}
	result := p.demoResult(a.path)
	if err := os.MkdirAll(filepath.Dir(result), 0o777); err != nil {
		return err
	}
	rows, err := p.demoRows(ctx, a, videos[:min(len(videos), demoVideos)])
	if err != nil {
		return stopped(err, result)
	}
	if err := p.writeDemo(ctx, result, rows); err != nil {
		return stopped(err, result)
	}
	fmt.Fprintf(p.Out(), "%s shows, from left to right: the source picture, the driving video, and the source moved after it by the model in %s. "+
		"None of these figures was seen in training.\n", result, a.path)
	model := "--checkpoint=" + a.path
	cli.Next(p.Out(),
		cli.Step{Command: cli.Program("animate", model, "--source_image=PICTURE", "--driving_video=FILM"), For: "a picture and a film of yours"},
		cli.Step{Command: cli.Program("serve", model), For: "the same on a page in the browser"})
	return nil
}

// demoResult is --result_video, or a file in the run's folder.
func (p *program) demoResult(run string) string {
	if !p.Changed("result_video") && rundir.Dir(run).Is() {
		return filepath.Join(run, demoName)
	}
	return p.result
}

// demoRow is a source and the frames that were made of it.
type demoRow struct {
	source *video.Frame
	made   []animate.Made
}

// nowhere is a video.Writer for frames that Compose has taken.
type nowhere struct{}

func (nowhere) Write(*video.Frame) error { return nil }
func (nowhere) Close() error             { return nil }
func (nowhere) Abort()                   {}

func (p *program) demoRows(ctx context.Context, a *animator, videos []dataset.TestVideo) ([]demoRow, error) {
	motion, err := p.motion(a)
	if err == nil {
		err = p.takesSources(a, p.sourceFrames)
	}
	if err != nil {
		return nil, err
	}
	if !motion.Absolute && !p.Changed("best_frame") {
		motion.FindBestFrame = true
	}
	firsts, err := firstFrames(ctx, videos)
	if err != nil {
		return nil, err
	}
	kp := infer.Keypoints{N: len(firsts)}
	if a.Engine().HasKeypoints() {
		if kp, err = a.Keypoints(p.fitOf(a), firsts...); err != nil {
			return nil, err
		}
	}
	var rows []demoRow
	taken := map[int]bool{}
	for d := 0; d < min(demoRows, len(videos)-1); d++ {
		s := nearest(kp, d, taken)
		taken[s] = true
		sources, err := p.sourcesOf(ctx, videos[s])
		if err != nil {
			return nil, fmt.Errorf("test video %s: %w", videos[s].Name(), err)
		}
		row := demoRow{source: firsts[s]}
		driving, err := someFrames(ctx, videos[d], demoFrames)
		if err != nil {
			return nil, err
		}
		_, err = a.Video(ctx, animate.Job{
			Source: sources[0], Further: sources[1:], Fit: p.fitOf(a), Motion: motion, Warn: p.warn,
			Driving: func(ctx context.Context) (video.Reader, error) {
				next := func(i int) (*video.Frame, error) { return driving[i], nil }
				return video.Sequence(ctx, len(driving), next), nil
			},
			Compose: func(m animate.Made) (*video.Frame, error) {
				row.made = append(row.made, m)
				return m.Result, nil
			},
		}, nowhere{})
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func firstFrames(ctx context.Context, videos []dataset.TestVideo) ([]*video.Frame, error) {
	var firsts []*video.Frame
	for _, v := range videos {
		frames, err := v.Frames(ctx, 0)
		if err != nil {
			return nil, fmt.Errorf("test video %s: %w", v.Name(), err)
		}
		firsts = append(firsts, frames[0])
	}
	return firsts, nil
}

// someFrames reads the frames of a video, at most so many.
func someFrames(ctx context.Context, v dataset.TestVideo, most int) ([]*video.Frame, error) {
	n, err := v.Len(ctx)
	if err != nil {
		return nil, fmt.Errorf("test video %s: %w", v.Name(), err)
	}
	indices := make([]int, min(n, most))
	for i := range indices {
		indices[i] = i
	}
	frames, err := v.Frames(ctx, indices...)
	if err != nil {
		return nil, fmt.Errorf("test video %s: %w", v.Name(), err)
	}
	return frames, nil
}

// nearest is the picture, other than d and those taken, whose pose is most like
// that of picture d.
func nearest(kp infer.Keypoints, d int, taken map[int]bool) int {
	best, least := -1, math.Inf(1)
	for i := 0; i < kp.N; i++ {
		if i == d || taken[i] {
			continue
		}
		distance, ok := animate.PoseDistance(kp.Points(d), kp.Points(i))
		if !ok {
			distance = math.MaxFloat64
		}
		if distance < least {
			best, least = i, distance
		}
	}
	if best < 0 { // all taken: there are few videos
		best = (d + 1) % kp.N
	}
	return best
}

// writeDemo draws the rows below each other, as long as the longest of them.
func (p *program) writeDemo(ctx context.Context, path string, rows []demoRow) error {
	rate := p.fps
	if rate == "" {
		rate = demoRate
	}
	length := 0
	for _, r := range rows {
		length = max(length, len(r.made))
	}
	var sink video.Writer
	for i := 0; i < length; i++ {
		frame, err := demoFrame(p.marked, rows, i)
		if err != nil {
			return err
		}
		if sink == nil {
			if sink, err = video.Create(ctx, path, frame.W, frame.H, video.FilmOptions{Rate: rate}); err != nil {
				return err
			}
			defer sink.Abort()
		}
		if err := sink.Write(frame); err != nil {
			return err
		}
	}
	return sink.Close()
}

// demoFrame draws one moment; rows that have ended keep their last frame.
func demoFrame(marked bool, rows []demoRow, i int) (*video.Frame, error) {
	var moments []moment
	for _, row := range rows {
		moments = append(moments, moment{row.source, row.made[min(i, len(row.made)-1)]})
	}
	return beside(marked, moments...)
}
