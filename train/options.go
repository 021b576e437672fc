package train

import (
	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/tf"
)

// OptionsOf are the options of the training step that a configuration
// describes.
func OptionsOf(c *config.Config) StepOptions {
	t := &c.Train
	return StepOptions{
		Batch: t.BatchSize, Height: c.Dataset.FrameShape[0], Width: c.Dataset.FrameShape[1],
		Variant: c.Variant, Model: c.Model, Cut: c.PriorityCut,
		Transform: t.Transform, Weights: t.LossWeights, Scales: t.Scales,
		VGGDivisor:       c.VGG19.WidthDivisor,
		FreezeKPDetector: t.LRKPDetector == 0,
		Refinement:       refinementOf(t.SpectralNorm),
		Device:           c.Run.Device,
	}
}

func refinementOf(when config.SpectralNorm) graph.Refinement {
	if when == config.ReferenceSN {
		return graph.RefineEachCall
	}
	return graph.RefineShared
}

// sessionConfigOf says how the session of a run computes.
func sessionConfigOf(r config.RunParams) tf.SessionConfig {
	return tf.SessionConfig{
		Device: r.Device, Deterministic: r.Deterministic,
		IntraThreads: r.IntraThreads, InterThreads: r.InterThreads,
		MemoryGrowth: true,
	}
}
