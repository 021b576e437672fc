package config

import "fmt"

// Rates are the learning rates of the players, by name.
type Rates map[string]float64

// LearningRates of the step that is about to run: step and epoch count the
// finished ones, from 0. As in the reference a milestone of 60 lowers the rates
// for the epoch of number 60, the sixty-first.
func (c *Config) LearningRates(step, epoch int64) Rates {
	rates, factor := Rates{}, c.Train.rateFactor(step, epoch)
	for _, p := range c.Family().Players() {
		rates[p.Name] = c.Train.rate(p.Rate) * factor
	}
	return rates
}

// rateFactor is what the milestones leave of the initial rates.
func (t *TrainParams) rateFactor(step, epoch int64) float64 {
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
	return factor * stepFactor
}

// rate is the initial learning rate under a key of train_params.
func (t *TrainParams) rate(key string) float64 {
	return map[string]float64{
		"lr_generator": t.LRGenerator, "lr_discriminator": t.LRDiscriminator, "lr_kp_detector": t.LRKPDetector,
	}[key]
}

// Frozen lists the players whose learning rate is 0: their weights stay, their
// running averages move on.
func (c *Config) Frozen() []string {
	var names []string
	for _, p := range c.Family().Players() {
		if c.Train.rate(p.Rate) == 0 {
			names = append(names, p.Name)
		}
	}
	return names
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
