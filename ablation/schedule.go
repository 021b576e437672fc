package ablation

import (
	"fmt"
	"math"
	"strings"

	"github.com/prioritycut/prioritycut/config"
)

// fit decides the length of the runs and fits to it what the configuration
// schedules by steps, so that a shorter run ends as quietly as a long one.
func (p *Plan) fit(o Options) (config.Options, error) {
	common := o.Config
	common.Variant, common.Seed, common.Steps = "", nil, o.Steps
	common.Sets = append(byAdam(common), common.Sets...)
	if o.Quick {
		common.Sets = append(append([]string(nil), quickSets...), common.Sets...)
	}
	own := common
	own.Steps = nil
	base, _, err := config.Resolve(own)
	if err != nil {
		return common, err
	}
	if common.Steps == nil {
		if common.Steps, err = defaultSteps(base, o.Quick); err != nil {
			return common, err
		}
	}
	if common.Steps == nil || base.Train.Steps == 0 || *common.Steps == base.Train.Steps {
		return common, nil
	}
	sets, said := scale(&base.Train, *common.Steps)
	common.Sets = append(append([]string(nil), common.Sets...), sets...)
	p.Schedule = said
	return common, nil
}

// byAdam are settings that have all rows that the paper compares moved by Adam, as in
// the paper, whatever a preset has for a run that stands alone. What the user sets
// wins, and a file of his says all by itself.
func byAdam(o config.Options) []string {
	if o.ConfigFile != "" {
		return nil
	}
	return []string{"train_params.muon_scale=0"}
}

// defaultSteps is the length where none is asked for: nil leaves it to the
// configuration, which is so where the user's file or settings say it.
func defaultSteps(c *config.Config, quick bool) (*int64, error) {
	steps := int64(DefaultSteps)
	if quick {
		steps = quickSteps
		return &steps, nil
	}
	if c.Preset != config.DefaultPreset || c.InitFrom != "" {
		return nil, nil
	}
	preset, _, err := config.Resolve(config.Options{Preset: c.Preset})
	if err != nil {
		return nil, err
	}
	if preset.Train.Steps != c.Train.Steps {
		return nil, nil
	}
	return &steps, nil
}

// scale are settings that move a schedule of t.Steps steps to a length of
// steps, and what was done in words. Milestones that fall together become one.
func scale(t *config.TrainParams, steps int64) (sets []string, said string) {
	ratio := float64(steps) / float64(t.Steps)
	at := func(step int64) int64 { return max(int64(math.Round(float64(step)*ratio)), 1) }
	var milestones, words []string
	for i, m := range t.StepMilestones {
		if i+1 < len(t.StepMilestones) && at(t.StepMilestones[i+1].Step) == at(m.Step) {
			continue // the later one wins
		}
		milestones = append(milestones, fmt.Sprintf("{step: %d, factor: %v}", at(m.Step), m.Factor))
		words = append(words, fmt.Sprintf("%d", at(m.Step)))
	}
	if len(milestones) > 0 {
		sets = append(sets, "train_params.step_milestones=["+strings.Join(milestones, ", ")+"]")
		said = fmt.Sprintf("the learning rates fall at steps %s", strings.Join(words, ", "))
	}
	if t.ConsWarmupSteps > 0 {
		sets = append(sets, fmt.Sprintf("train_params.cons_warmup_steps=%d", at(t.ConsWarmupSteps)))
		if said != "" {
			said += " and "
		}
		said += fmt.Sprintf("the consistency loss is whole from step %d on", at(t.ConsWarmupSteps))
	}
	if said != "" {
		said = fmt.Sprintf("schedule: %s (that of %d steps in proportion to %d)", said, t.Steps, steps)
	}
	return sets, said
}
