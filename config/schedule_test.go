package config

import (
	"math"
	"testing"

	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/model/fomm"
)

func TestLearningRatesFallAtEpochs(t *testing.T) {
	c := Config{Variant: model.FOMMAdv, Train: TrainParams{LRGenerator: 2e-4, LRDiscriminator: 3e-4, LRKPDetector: 0, EpochMilestones: []int{60, 90}}}
	for epoch, factor := range map[int64]float64{0: 1, 59: 1, 60: 0.1, 89: 0.1, 90: 0.01, 99: 0.01, 1000: 0.01} {
		got := c.LearningRates(12345, epoch)
		if len(got) != 3 || math.Abs(got["generator"]/(2e-4*factor)-1) > 1e-12 || math.Abs(got["discriminator"]/(3e-4*factor)-1) > 1e-12 || got["kp_detector"] != 0 {
			t.Errorf("epoch %d: %+v, want a factor of %v", epoch, got, factor)
		}
	}
}

// Factors of step milestones are of the initial rate, not of the last one.
func TestLearningRatesFallAtSteps(t *testing.T) {
	c := Config{Variant: model.FOMM, Train: TrainParams{LRGenerator: 1, StepMilestones: []StepMilestone{{480, 0.1}, {720, 0.03}}}}
	for step, want := range map[int64]float64{0: 1, 479: 1, 480: 0.1, 719: 0.1, 720: 0.03, 1e9: 0.03} {
		if got := c.LearningRates(step, 3)["generator"]; got != want {
			t.Errorf("step %d: %v, want %v", step, got, want)
		}
	}
	c.Train.EpochMilestones = []int{2}
	if got := c.LearningRates(500, 2)["generator"]; math.Abs(got-0.01) > 1e-15 {
		t.Errorf("both milestones together: %v", got)
	}
}

func TestConsistencyWeightRisesLinearly(t *testing.T) {
	p := TrainParams{ConsWarmupEpochs: 1.5, LossWeights: fomm.LossWeights{Consistency: 2}}
	for step, want := range map[int64]float64{0: 0, 1: 2.0 / 75, 30: 0.8, 74: 2 * 74.0 / 75, 75: 2, 1e12: 2} {
		if got := p.ConsistencyWeight(step, 50); math.Abs(got-want) > 1e-12 {
			t.Errorf("step %d: %v, want %v", step, got, want)
		}
	}
	p.ConsWarmupSteps = 10
	if got := p.ConsistencyWeight(5, 50); got != 1 {
		t.Errorf("half of ten steps: %v", got)
	}
	p.ConsWarmupSteps, p.ConsWarmupEpochs = 0, 0
	if got := p.ConsistencyWeight(0, 50); got != 2 {
		t.Errorf("no warm-up: %v", got)
	}
}

func TestLengthOfTheRun(t *testing.T) {
	p := TrainParams{NumEpochs: 3, NumRepeats: 2, BatchSize: 4}
	if got, err := p.StepsPerEpoch(11); err != nil || got != 5 { // 22 pairs, 2 left over
		t.Errorf("steps per epoch %d, %v", got, err)
	}
	if got := p.TotalSteps(5); got != 15 {
		t.Errorf("total %d", got)
	}
	p.Steps = 7
	if got := p.TotalSteps(5); got != 7 {
		t.Errorf("steps override epochs: %d", got)
	}
	for _, items := range []int{-1, 0, 1} {
		if got, err := p.StepsPerEpoch(items); err == nil {
			t.Errorf("%d videos make %d steps", items, got)
		}
	}
}
