package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/progress"
	"github.com/prioritycut/prioritycut/video"
)

const defaultResult = "result.mp4"

// runOne animates one picture after one video.
func (p *program) runOne(ctx context.Context, a *animator) error {
	var err error
	if p.driving, err = p.file(ctx, p.driving); err != nil {
		return cli.Usage(err)
	}
	job, film, err := p.job(ctx, a)
	if err != nil {
		return err
	}
	if err := p.notOver(); err != nil {
		return cli.Usage(err)
	}
	if err := p.checkMarks(a); err != nil {
		return err
	}
	if p.keypoints != "" && !a.Engine().HasKeypoints() {
		return cli.Usage(withoutKeypoints("keypoints_csv", a))
	}
	for _, path := range []string{p.result, p.keypoints} {
		if err := os.MkdirAll(filepath.Dir(filepath.Clean(path)), 0o777); err != nil {
			return cli.Usage(err)
		}
	}
	table, err := p.keypointTable()
	if err != nil {
		return err
	}
	defer table.abort()
	if table != nil {
		job.Observe = table.row
	}
	w, h, err := p.compare(a, &job)
	if err != nil {
		return err
	}
	sink, err := video.Create(ctx, p.result, w, h, film)
	if err != nil {
		return cli.Usage(err)
	}
	defer sink.Abort()
	report, err := p.animate(ctx, a, job, sink)
	if err == nil {
		err = sink.Close()
	}
	if err == nil {
		err = table.close()
	}
	if err != nil {
		return stopped(err, p.result)
	}
	p.done(p.result, film.Rate, sink, report)
	p.nextAfterOne(a)
	return nil
}

// nextAfterOne says what may come next: the same film with what it is made of
// beside it.
func (p *program) nextAfterOne(a *animator) {
	steps := []cli.Step{cli.View(p.result, "see it")}
	if !p.sideBySide && !p.marked && !p.Changed("config") {
		model := "--checkpoint=" + a.path
		if p.savedModel != "" {
			model = "--saved_model=" + p.savedModel
		}
		extension := filepath.Ext(p.result)
		steps = append(steps, cli.Step{
			Command: cli.Program("animate", model, "--source_image="+p.sources[0], "--driving_video="+p.driving, "--side_by_side",
				"--result_video="+strings.TrimSuffix(p.result, extension)+"-beside"+extension),
			For: "the same with source and driving video beside it",
		})
	}
	cli.Next(p.Out(), steps...)
}

// stopped says what a signal left behind; other errors stay.
func stopped(err error, result string) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("stopped: nothing was written to %s", result)
	}
	return err
}

// job reads the source and looks at the driving video.
func (p *program) job(ctx context.Context, a *animator) (animate.Job, video.FilmOptions, error) {
	job := animate.Job{Fit: p.fitOf(a), Warn: p.warn}
	film := video.FilmOptions{Rate: p.fps, Limits: p.limits()}
	var err error
	if job.Motion, err = p.motion(a); err != nil {
		return job, film, err
	}
	if err := p.takesSources(a, len(p.sources)); err != nil {
		return job, film, err
	}
	for i, path := range p.sources {
		picture, err := p.sourcePicture(ctx, path)
		if err != nil {
			return job, film, cli.Usage(err)
		}
		if i == 0 {
			job.Source = picture
		} else {
			job.Further = append(job.Further, picture)
		}
	}
	kind, err := video.KindAt(p.driving)
	if err != nil {
		return job, film, cli.Usage(err)
	}
	job.Driving = a.Driving(p.driving, p.limits())
	switch kind {
	case video.FilmFile:
		err = p.lookAtFilm(ctx, &job, &film)
	case video.Folder:
		var names []string
		names, err = video.ListFrames(p.driving, p.limits())
		job.Frames = len(names)
		if p.Changed("audio") && p.audio {
			p.warn("a folder of frames has no sound")
		}
	case video.Unknown:
		err = fmt.Errorf("--driving_video: %w", video.NoVideo(p.driving))
	}
	return job, film, cli.Usage(err)
}

// lookAtFilm takes over a film's rate and sound.
func (p *program) lookAtFilm(ctx context.Context, job *animate.Job, film *video.FilmOptions) error {
	if p.fps != "" {
		return errors.New("--fps is for a driving video that is a folder of frames: a film's own rate is kept")
	}
	info, err := video.Probe(ctx, p.driving, p.limits())
	if err != nil {
		return err
	}
	for _, remark := range info.Remarks() {
		p.warn(p.driving + ": " + remark)
	}
	if _, err := video.ParseRate(info.SteadyRate); err != nil {
		p.warn(fmt.Sprintf("%s does not say its rate: %s frames a second are taken", p.driving, video.DefaultRate))
	} else {
		film.Rate = info.SteadyRate
		// Headers do not always tell that pictures follow each other unevenly.
		job.Driving = func(ctx context.Context) (video.Reader, error) {
			return video.OpenFilmAt(ctx, p.driving, info.SteadyRate, p.limits())
		}
	}
	if job.Frames = info.SteadyFrames(); job.Frames > p.maxFrames {
		return fmt.Errorf("%s has about %d frames, more than --max_frames=%d", p.driving, job.Frames, p.maxFrames)
	}
	if p.audio && (info.Audio != "" || p.Changed("audio")) {
		film.Audio = p.driving
	}
	return nil
}

// notOver refuses results that would replace what they are made of, or each
// other.
func (p *program) notOver() error {
	if p.keypoints != "" && filepath.Clean(p.keypoints) == filepath.Clean(p.result) {
		return fmt.Errorf("--result_video and --keypoints_csv are both %s: choose two names", p.result)
	}
	for flag, path := range map[string]string{"result_video": p.result, "keypoints_csv": p.keypoints} {
		result, err := os.Stat(path)
		if err != nil {
			continue // nothing is there to be replaced
		}
		for _, input := range append([]string{p.driving}, p.sources...) {
			if in, err := os.Stat(input); err == nil && os.SameFile(in, result) {
				return fmt.Errorf("--%s=%s would replace %s, which it is made of: choose another name", flag, path, input)
			}
		}
	}
	return nil
}

// linesApart is the time from line to line where there is no terminal.
const linesApart = 10 * time.Second

// animate runs a job with a bar.
func (p *program) animate(ctx context.Context, a *animator, job animate.Job, sink video.Writer) (animate.Report, error) {
	bar := progress.New(p.Out(), linesApart)
	bar.Begin("frame", "preparing", 0, int64(job.Frames))
	warn := job.Warn
	job.Warn = func(text string) { bar.Clear(); warn(text) }
	begun := false
	job.Progress = func(done, _ int) {
		if !begun {
			bar.StartClock(int64(done)) // the first batch is all preparation
			begun = true
		}
		bar.Set(int64(done), bar.Pace(int64(done)))
	}
	report, err := a.Video(ctx, job, sink)
	bar.Clear()
	bar.End()
	glog.V(1).Infof("reading %v, computing %v, writing %v: side by side in %v", report.Reading, report.Computing, report.Writing, report.Total)
	return report, err
}

// shownRate is a rate as people write it: 25 and 12.5, but 30000/1001.
func shownRate(rate string) string {
	if v, err := video.ParseRate(rate); err == nil && v*2 == math.Trunc(v*2) {
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return rate
}

// done says what was made.
func (p *program) done(result, rate string, sink video.Writer, r animate.Report) {
	if rate == "" {
		rate = video.DefaultRate
	}
	noun := "frames"
	if r.Frames == 1 {
		noun = "frame"
	}
	text := fmt.Sprintf("%s: %d %s", result, r.Frames, noun)
	if film, ok := sink.(*video.FilmWriter); ok {
		w, h := film.Size()
		text += fmt.Sprintf(" of %dx%d pixels, %s a second", w, h, shownRate(rate))
		if film.Sound() != "" {
			text += ", " + film.Sound()
		}
	} else {
		text += " (png)"
	}
	if r.BestFrame > 0 {
		text += fmt.Sprintf("; motion is relative to driving frame %d", r.BestFrame)
	}
	fmt.Fprintf(p.Out(), "%s; %.3g frames/s\n", text, float64(r.Frames)/max(r.Total.Seconds(), 1e-9))
}
