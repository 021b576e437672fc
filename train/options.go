package train

import (
	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/tf"
)

// OptionsOf are the options of the training step that a configuration
// describes.
func OptionsOf(c *config.Config) StepOptions {
	return StepOptions{
		Batch: c.Train.BatchSize, Height: c.Dataset.FrameShape[0], Width: c.Dataset.FrameShape[1],
		Family: c.Family(), Frozen: c.Frozen(), Device: c.Run.Device,
		Accumulate: c.Train.AccumulateSteps, Mixed: c.Run.Mixed(),
	}
}

// sessionConfigOf says how the session of a run computes.
func sessionConfigOf(r config.RunParams) tf.SessionConfig {
	return tf.SessionConfig{
		Device: r.Device, Deterministic: r.Deterministic, FullFloat32: r.Deterministic || !r.TF32,
		IntraThreads: r.IntraThreads, InterThreads: r.InterThreads,
		MemoryGrowth: true, MixedPrecision: r.Mixed(),
	}
}

// loaderOf says what is read: of a worker its part of each batch, for devices of one
// session all of it.
func loaderOf(c *config.Config, r graph.Replicas) dataset.LoaderParams {
	if r.InSession {
		r = graph.Replicas{}
	}
	return dataset.LoaderParams{
		Seed: c.Seed, BatchSize: c.Train.BatchSize, NumRepeats: c.Train.NumRepeats, Parts: r.Size, Part: r.Rank, Groups: c.Train.AccumulateSteps,
	}
}
