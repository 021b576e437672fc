package config

import "fmt"

// Rates are Adam's learning rates of the three players.
type Rates struct {
	Generator, Discriminator, KPDetector float64
}

// LearningRates of the step that is about to run: step and epoch count the
// finished ones, from 0. As in the reference a milestone of 60 lowers the rates
// for the epoch of number 60, the sixty-first.
func (t *TrainParams) LearningRates(step, epoch int64) Rates {
	factor := 1.0
	for _, m := range t.EpochMilestones {
		if epoch >= int64(m) {
			factor *= 0.1
		}
	}
	stepFactor := 1.0
	for _, m := range t.StepMilestones {
		if step >= m.Step {
			stepFactor = m.Factor
		}
	}
	factor *= stepFactor
	return Rates{
		Generator:     t.LRGenerator * factor,
		Discriminator: t.LRDiscriminator * factor,
		KPDetector:    t.LRKPDetector * factor,
	}
}

// ConsistencyWeight of the step that is about to run (step counts the finished
// ones): rises linearly from 0 at step 0 to the full weight at the end of the
// warm-up.
func (t *TrainParams) ConsistencyWeight(step, stepsPerEpoch int64) float64 {
	warmup := float64(t.ConsWarmupSteps)
	if t.ConsWarmupSteps == 0 {
		warmup = t.ConsWarmupEpochs * float64(stepsPerEpoch)
	}
	full := t.LossWeights.Consistency
	if float64(step) >= warmup {
		return full
	}
	return full * (float64(step) / warmup)
}

// StepsPerEpoch is the number of whole batches in items videos (or identities)
// repeated num_repeats times; what is left over is dropped, as in the
// reference. Fewer items than a batch are an error.
func (t *TrainParams) StepsPerEpoch(items int) (int64, error) {
	if items < 1 {
		return 0, fmt.Errorf("the data set has no training video")
	}
	steps := int64(items) * int64(t.NumRepeats) / int64(t.BatchSize)
	if steps == 0 {
		return 0, fmt.Errorf("%d training videos repeated %d times do not fill a batch of %d: "+
			"raise train_params.num_repeats to at least %d or lower train_params.batch_size",
			items, t.NumRepeats, t.BatchSize, ceilDiv(t.BatchSize, items))
	}
	return steps, nil
}

// TotalSteps is the length of the run: steps, or num_epochs without.
func (t *TrainParams) TotalSteps(stepsPerEpoch int64) int64 {
	if t.Steps > 0 {
		return t.Steps
	}
	return int64(t.NumEpochs) * stepsPerEpoch
}
