package config

import (
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/model/fomm"
	"github.com/prioritycut/prioritycut/model/monkeynet"
	"github.com/prioritycut/prioritycut/model/x2face"
)

// Family is the family of networks that the variant belongs to, as it is
// configured. This is the place that knows all families.
func (c *Config) Family() model.Family {
	t := &c.Train
	switch c.FamilyName() {
	case model.MonkeyNetFamily:
		p := c.MonkeyNet.Params
		p.AlignCorners = c.Model.AlignCorners
		return &monkeynet.Family{
			Params: p, Weights: c.MonkeyNet.LossWeights,
			Relation:  monkeynet.Relation{AdaptVariance: c.MonkeyNet.AdaptVariance, ClipMean: c.MonkeyNet.ClipMean},
			MuonScale: t.MuonScale,
		}
	case model.X2FaceFamily:
		p := c.X2Face.Params
		p.AlignCorners = c.Model.AlignCorners
		return &x2face.Family{Params: p, Momentum: c.X2Face.Momentum}
	}
	return &fomm.Family{
		Params: c.Model, Traits: c.traits(),
		Train: fomm.TrainParams{
			Cut: c.PriorityCut, Transform: t.Transform, Weights: t.LossWeights, Adversary: t.Adversary, Scales: t.Scales,
			MuonScale:  t.MuonScale,
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
