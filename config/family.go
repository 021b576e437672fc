package config

import (
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/model/fomm"
)

// Family is the family of networks that the variant belongs to, as it is
// configured. This is the place that knows all families.
func (c *Config) Family() model.Family {
	t := &c.Train
	return &fomm.Family{
		Params: c.Model, Traits: c.traits(),
		Train: fomm.TrainParams{
			Cut: c.PriorityCut, Transform: t.Transform, Weights: t.LossWeights, Scales: t.Scales,
			VGGDivisor: c.VGG19.WidthDivisor, Refinement: t.SpectralNorm.refinement(),
		},
	}
}

func (when SpectralNorm) refinement() graph.Refinement {
	if when == ReferenceSN {
		return graph.RefineEachCall
	}
	return graph.RefineShared
}
