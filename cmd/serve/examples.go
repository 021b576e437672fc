package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/dataset/named"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/serve"
	"github.com/prioritycut/prioritycut/video"
)

// Examples are the first test videos, a few seconds of each.
const (
	mostExamples  = 4
	exampleFrames = 48
	exampleRate   = "12"
	noExamples    = "none"
	// exampleTime bounds making them when nobody has asked for them.
	exampleTime = time.Minute
)

// about says what a model was trained on; empty when it does not tell.
func about(c *config.Config) string {
	if c == nil || c.Dataset.RootDir == "" {
		return ""
	}
	what := "the videos " + filepath.Base(c.Dataset.RootDir)
	switch root := c.Dataset.RootDir; {
	case config.Drawn(root):
		what = "drawn figures"
	case strings.HasPrefix(root, config.SamplePrefix):
		what = "the film " + strings.TrimPrefix(root, config.SamplePrefix)
	}
	return fmt.Sprintf("%s, %dx%d pixels", what, c.Dataset.FrameShape[1], c.Dataset.FrameShape[0])
}

// addExamples adds what the page needs besides the model. Data that nobody named
// are shown to this machine only, unless they are drawn or public, and where they
// cannot be read the page does without.
func (p *program) addExamples(ctx context.Context, b *serve.Backend, c *config.Config) error {
	b.About = about(c)
	if p.examples == noExamples || b.Animator == nil {
		return nil
	}
	if c == nil {
		if p.examples != "" {
			return cli.Usage(fmt.Errorf("--examples=%s: the exported model does not tell the size of its pictures", p.examples))
		}
		return nil
	}
	of := *c
	if p.examples == "" {
		public := config.Drawn(of.Dataset.RootDir) || strings.HasPrefix(of.Dataset.RootDir, config.SamplePrefix)
		if of.Dataset.RootDir == "" || !public && !p.options.Loopback {
			return nil
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, exampleTime)
		defer cancel()
	} else {
		of.Dataset.RootDir = p.examples
	}
	examples, err := makeExamples(ctx, &of)
	if err != nil && p.examples != "" {
		return cli.Usage(fmt.Errorf("--examples=%s: %w", p.examples, err))
	}
	if err != nil {
		glog.Infof("the page shows no examples: %v", err)
	}
	b.Examples = examples
	return nil
}

// makeExamples takes pictures and films from the test videos of a data set.
func makeExamples(ctx context.Context, c *config.Config) ([]serve.Example, error) {
	set, err := named.OpenOfModel(ctx, c.Dataset)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "prioritycut-examples-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var examples []serve.Example
	for _, v := range set.Test() {
		if len(examples) == mostExamples {
			break
		}
		e, err := exampleOf(ctx, v, filepath.Join(dir, "film.mp4"))
		if err != nil {
			return nil, fmt.Errorf("test video %s: %w", v.Name(), err)
		}
		examples = append(examples, e)
	}
	return examples, nil
}

// exampleOf is a video's first picture, and its beginning as a film; path is for
// scratch.
func exampleOf(ctx context.Context, v dataset.TestVideo, path string) (e serve.Example, err error) {
	n, err := v.Len(ctx)
	if err != nil {
		return e, err
	}
	indices := make([]int, min(n, exampleFrames))
	for i := range indices {
		indices[i] = i
	}
	frames, err := v.Frames(ctx, indices...)
	if err != nil {
		return e, err
	}
	var picture bytes.Buffer
	if err := video.EncodePNG(&picture, frames[0]); err != nil {
		return e, err
	}
	film, err := video.CreateFilm(ctx, path, frames[0].W, frames[0].H, video.FilmOptions{Rate: exampleRate})
	if err != nil {
		return e, err
	}
	defer film.Abort()
	for _, f := range frames {
		if err := film.Write(f); err != nil {
			return e, err
		}
	}
	if err := film.Close(); err != nil {
		return e, err
	}
	e.Picture = picture.Bytes()
	e.Film, err = os.ReadFile(path)
	return e, err
}
