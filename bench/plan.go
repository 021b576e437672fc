package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/prioritycut/prioritycut/config"
)

// What can be measured.
const (
	measureStep           = "step"
	measureFrame          = "frame"
	measureReconstruction = "reconstruction"
	measureMask           = "mask"
	// writeModel makes the model that frames are measured with.
	writeModel = "write_model"
)

var measures = []string{measureStep, measureFrame, measureReconstruction, measureMask}

// Pictures of a repeat, where the batch of a step does not say so.
const (
	filmFrames = 16
	maskMaps   = 64
	// smallPicture is the largest number of pixels at which a step has the
	// preset's own batch: those of 256x256 pixels are made for GPUs.
	smallPicture = 128 * 128
)

// How the peer can compute.
const (
	wayEager = "eager"
	// partChannelsLast lays pictures out as NHWC, partJIT traces and freezes the
	// networks, partLean does not record the discriminator's gradients in the
	// generator's half of a step.
	partChannelsLast = "channels_last"
	partJIT          = "jit"
	partLean         = "lean"
)

// wayParts are the parts of a way and what they apply to.
var wayParts = map[string][]string{
	partChannelsLast: {measureStep, measureFrame, measureReconstruction},
	partJIT:          {measureFrame, measureReconstruction},
	partLean:         {measureStep},
}

// benchCase is a row of the table, or one row for each way of the peer.
type benchCase struct {
	job             Job
	preset, variant string
	height, width   int
	discriminates   bool
}

// unit says what a time is for.
func (c benchCase) unit() string {
	switch c.job.Measure {
	case measureStep:
		return "a step"
	case measureMask:
		return fmt.Sprintf("for %d masks", c.job.Pictures)
	}
	return "a frame"
}

// name tells the case from the others.
func (c benchCase) name() string {
	text := c.job.Measure + " " + c.preset
	switch c.job.Measure {
	case measureStep:
		text += fmt.Sprintf(" %s, batch %d", c.variant, c.job.Pictures)
	case measureMask:
		text += fmt.Sprintf(", %d maps", c.job.Pictures)
	}
	return text
}

// ways are those of the asked ones that apply to the case.
func (c benchCase) ways(asked []string) []string {
	var list []string
	for _, way := range asked {
		if way == wayEager || !slices.ContainsFunc(strings.Split(way, "+"), func(part string) bool {
			return !slices.Contains(wayParts[part], c.job.Measure) || part == partLean && !c.discriminates
		}) {
			list = append(list, way)
		}
	}
	return list
}

// checkWay reports a way that there is not.
func checkWay(way string) error {
	if way == wayEager {
		return nil
	}
	for _, part := range strings.Split(way, "+") {
		if wayParts[part] == nil {
			return fmt.Errorf("--peer_ways: %q is no way to compute; there is %s, or %s, joined by + where several are wanted at once",
				part, wayEager, strings.Join(sortedKeys(wayParts), ", "))
		}
	}
	return nil
}

// options are what the command line asks for.
type options struct {
	measures, presets, variants, sets, ways []string
	batch, threads                          int
	rounds, warmup, repeats                 int
	python, reference, out                  string
}

// plan lists the cases, presets first.
func (o options) plan() ([]benchCase, error) {
	for _, m := range o.measures {
		if !slices.Contains(measures, m) {
			return nil, fmt.Errorf("--measure=%s: there is %s", m, strings.Join(measures, ", "))
		}
	}
	var cases []benchCase
	for _, preset := range o.presets {
		for _, m := range o.measures {
			for i, variant := range o.variants {
				if m != measureStep && i > 0 {
					break // the variants differ in nothing else
				}
				c, err := o.newCase(m, preset, variant)
				if err != nil {
					return nil, err
				}
				cases = append(cases, c)
			}
		}
	}
	return cases, nil
}

func (o options) newCase(measure, preset, variant string) (benchCase, error) {
	resolve := func(sets []string) (*config.Config, error) {
		c, _, err := config.Resolve(config.Options{
			Preset: preset, Variant: variant, VGG19: config.RandomVGG19, Device: "cpu", Sets: sets, AllowMissing: true,
		})
		return c, err
	}
	sets := o.sets
	c, err := resolve(sets)
	if err != nil {
		return benchCase{}, err
	}
	h, w := c.Dataset.FrameShape[0], c.Dataset.FrameShape[1]
	const batchIs = "train_params.batch_size="
	if h*w > smallPicture {
		sets = append([]string{batchIs + "1"}, sets...) // what is set wins
	}
	if o.batch > 0 {
		sets = append(slices.Clone(sets), batchIs+strconv.Itoa(o.batch))
	}
	if c, err = resolve(sets); err != nil {
		return benchCase{}, err
	}
	job := Job{
		Measure: measure, Threads: o.threads, Warmup: o.warmup, Repeats: o.repeats, Sets: sets,
		Pictures: map[string]int{measureStep: c.Train.BatchSize, measureFrame: 1, measureReconstruction: filmFrames, measureMask: maskMaps}[measure],
	}
	if err := job.setConfig(c); err != nil {
		return benchCase{}, err
	}
	return benchCase{
		job: job, preset: c.Preset, variant: string(c.Variant), height: h, width: w,
		discriminates: c.HasDiscriminator(),
	}, nil
}

// setConfig writes the configuration for both sides.
func (j *Job) setConfig(c *config.Config) error {
	text, err := c.Marshal()
	if err != nil {
		return err
	}
	var tree map[string]any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return err
	}
	j.Resolved = string(text)
	j.Config, err = json.Marshal(tree)
	return err
}
