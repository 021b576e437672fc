// Package named opens the data set that a name means.
package named

import (
	"context"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/dataset/shapes"
)

// OpenOfModel opens what a model's configuration names, for a program that only
// reads the model: see dataset.Params.OfModel.
func OpenOfModel(ctx context.Context, p dataset.Params) (*dataset.Dataset, error) {
	p, unused := p.OfModel()
	if _, drawn := dataset.DrawnFigures(p.RootDir); unused != "" && !drawn {
		glog.Warning(unused)
	}
	return Open(ctx, p)
}

// Open opens the data set that root_dir names: a drawn one, a sample or files.
// The drawn figures are the same whatever a run's seed; the name may have one.
func Open(ctx context.Context, p dataset.Params) (*dataset.Dataset, error) {
	figures, drawn := dataset.DrawnFigures(p.RootDir)
	if !drawn {
		return dataset.Open(ctx, p)
	}
	seed, err := dataset.DrawnSeed(p.RootDir)
	if err != nil {
		return nil, err
	}
	o := shapes.DefaultOptions()
	o.Seed = seed
	o.Figures = shapes.Figures(figures)
	o.Height, o.Width = p.FrameShape[0], p.FrameShape[1]
	set, err := shapes.New(o)
	if err != nil {
		return nil, err
	}
	return dataset.FromSource(set, p)
}
