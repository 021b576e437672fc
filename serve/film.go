package serve

import (
	"context"
	"strings"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/video"
)

// NewAnimator makes films with a model. The animator stays the caller's.
func NewAnimator(a *animate.Animator) Animator { return &filmAnimator{a} }

type filmAnimator struct{ animator *animate.Animator }

// Defaults are those of the model's configuration, as mp4 with the driving film's sound.
func (f *filmAnimator) Defaults() Choices {
	m := f.animator.Motion()
	return Choices{Relative: !m.Absolute, AdaptScale: m.AdaptScale, Audio: true, Format: "mp4"}
}

// Abilities are those of the model's family.
func (f *filmAnimator) Abilities() Abilities {
	e := f.animator.Engine()
	return Abilities{Relative: e.HasKeypoints(), SeveralSources: e.TakesSeveral()}
}

// Animate writes a film of the driving film's rate; pictures that follow each
// other unevenly keep their times.
func (f *filmAnimator) Animate(ctx context.Context, a Animation, report Report) error {
	h, w := f.animator.Size()
	if a.Fit == "" {
		a.Fit = f.animator.Engine().Fit
	}
	sources, err := fittedSources(a, w, h)
	if err != nil {
		return err
	}
	info, err := video.Probe(ctx, a.Driving, a.Limits)
	if err != nil {
		return err
	}
	for _, remark := range info.Remarks() {
		report.Warn("driving film: " + remark)
	}
	o := video.FilmOptions{Rate: info.SteadyRate, Limits: a.Limits}
	if a.Audio && info.Audio != "" && a.Format != "gif" { // which holds none
		o.Audio = a.Driving
	}
	shownW, shownH := w, h
	if a.Keypoints { // drawn at a size at which they can be told apart
		shownW, shownH = w*animate.Enlargement(w), h*animate.Enlargement(w)
	}
	film, err := video.CreateFilm(ctx, a.Result, shownW, shownH, o)
	if err != nil {
		return err
	}
	defer film.Abort()
	seen := newViews(ctx, a, sources[0], shownW, shownH, o.Rate)
	defer seen.abort()
	job := f.job(a, sources, info, report)
	job.Compose = seen.compose
	if _, err = f.animator.Video(ctx, job, film); err != nil {
		return err
	}
	seen.close()
	if err := film.Close(); err != nil {
		return err
	}
	if sound := film.Sound(); strings.HasPrefix(sound, "without") {
		report.Warn(sound)
	}
	return nil
}

// fittedSources reads the pictures one by one, so that only one is in memory at
// the size that it came in.
func fittedSources(a Animation, w, h int) ([]*video.Frame, error) {
	var fitted []*video.Frame
	for _, path := range append([]string{a.Source}, a.Further...) {
		picture, err := video.ReadPicture(path, a.Limits)
		if err == nil {
			picture, err = a.Fit.Apply(picture, w, h)
		}
		if err != nil {
			return nil, err
		}
		fitted = append(fitted, picture)
	}
	return fitted, nil
}

func (f *filmAnimator) job(a Animation, sources []*video.Frame, info video.Info, report Report) animate.Job {
	return animate.Job{
		Source: sources[0], Further: sources[1:],
		// Not by its name, which says nothing.
		Driving: func(ctx context.Context) (video.Reader, error) {
			if info.SteadyRate == "" {
				return video.OpenFilm(ctx, a.Driving, a.Limits)
			}
			return video.OpenFilmAt(ctx, a.Driving, info.SteadyRate, a.Limits)
		},
		Fit:    a.Fit,
		Motion: f.motion(a.Choices),
		Frames: info.SteadyFrames(), Progress: report.Progress,
		Warn: report.Warn,
	}
}

// motion is what the client chose, and the model's configuration where a client
// has no choice.
func (f *filmAnimator) motion(c Choices) animate.Motion {
	m := f.animator.Motion()
	m.Absolute, m.AdaptScale, m.BestFrame, m.FindBestFrame = !c.Relative, c.AdaptScale, c.BestFrame, c.FindBestFrame
	return m
}
