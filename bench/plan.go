package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/internal/cli"
)

// What can be measured.
const (
	measureStep           = "step"
	measureFrame          = "frame"
	measureReconstruction = "reconstruction"
	measureMask           = "mask"
	measureConv           = "conv"
	measureStart          = "start"
	measureFidelity       = "fidelity"
	// What prepares: writeModel makes the model that frames are measured with and,
	// of the peer, its own; exportModel and writeONNX make those of engines, which
	// prepareEngine turns into files of their own.
	writeModel    = "write_model"
	exportModel   = "export_model"
	writeONNX     = "write_onnx"
	prepareEngine = "prepare"
)

var measures = []string{measureStep, measureFrame, measureReconstruction, measureMask, measureConv, measureStart, measureFidelity}

// Pictures of a repeat, where the batch of a step does not say so.
const (
	filmFrames     = 16
	maskMaps       = 64
	fidelityFrames = 4
	// smallPicture is the largest number of pixels at which a step has the
	// preset's own batch: those of 256x256 pixels are made for GPUs.
	smallPicture = 128 * 128
)

// Ways of PyTorch to compute.
const (
	wayEager = "eager"
	// partChannelsLast lays pictures out as NHWC, partJIT traces and freezes the
	// networks, partCompile has torch.compile compile them, partLean does not
	// record the discriminator's gradients in the generator's half of a step.
	partChannelsLast = "channels_last"
	partJIT          = "jit"
	partCompile      = "compile"
	partLean         = "lean"
)

// wayParts are the parts of a way and what they apply to.
var wayParts = map[string][]string{
	partChannelsLast: {measureStep, measureFrame, measureReconstruction},
	partJIT:          {measureFrame, measureReconstruction},
	partCompile:      {measureStep, measureFrame, measureReconstruction},
	partLean:         {measureStep},
}

// stage is what one case is made of.
type stage struct {
	measure, preset, variant, isa string
	// batch of a step and side of the pictures; 0 is the preset's own.
	batch, size int
	// peers take part, of those that are asked for; nil of a planned case is all.
	peers, ways     []string
	warmup, repeats int
}

// benchCase is what every side measures, in turn.
type benchCase struct {
	stage
	job           Job
	height, width int
	discriminates bool
	gpu           bool
}

// unit says what a time is for.
func (c benchCase) unit() string {
	switch c.job.Measure {
	case measureStep:
		return "a step"
	case measureMask:
		return fmt.Sprintf("for %d masks", c.job.Pictures)
	case measureConv:
		return "for all shapes"
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
	if c.size > 0 {
		text += fmt.Sprintf(", %dx%d", c.width, c.height)
	}
	if c.isa != "" {
		text += ", " + isaNames[c.isa]
	}
	return text
}

// turns are the processes of a round: ours, then those of the asked peers and
// ways that apply.
func (c benchCase) turns() []turn {
	list := []turn{{side: ours}}
	for _, name := range c.peers {
		r, _ := rivalNamed(name)
		if _, obeys := environment(name, c.isa); !obeys || !slices.Contains(r.measures, c.job.Measure) {
			continue
		}
		ways := r.ways
		if r.group == groupPyTorch {
			ways = c.waysOf(name)
		}
		for _, way := range ways {
			if t := (turn{name, way}); !slices.Contains(list, t) {
				list = append(list, t)
			}
		}
	}
	return list
}

// waysOf are those of the case's ways that apply to it and to a peer. A way may
// end in @ and the one peer that it is for.
func (c benchCase) waysOf(name string) []string {
	var list []string
	for _, way := range c.ways {
		way, only, limited := strings.Cut(way, "@")
		if limited && only != name {
			continue
		}
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
	way, only, limited := strings.Cut(way, "@")
	if r, _ := rivalNamed(only); limited && r.group != groupPyTorch {
		return fmt.Errorf("--peer_ways: %q behind @ is no PyTorch; there are pytorch-2.5, pytorch-2.15", only)
	}
	if way == wayEager {
		return nil
	}
	parts := strings.Split(way, "+")
	for _, part := range parts {
		if wayParts[part] == nil {
			return fmt.Errorf("--peer_ways: %q is no way to compute; there is %s, or %s, joined by + where several are wanted at once",
				part, wayEager, strings.Join(sortedKeys(wayParts), ", "))
		}
	}
	if slices.Contains(parts, partJIT) && slices.Contains(parts, partCompile) {
		return fmt.Errorf("--peer_ways=%s: a network is either traced or compiled", way)
	}
	return nil
}

// options are what the command line asks for.
type options struct {
	measures, presets, variants, sets, ways, peers, isas []string
	batches, sizes, workers                              []int
	threads, rounds, warmup, repeats                     int
	slower                                               float64
	full, quick, resume, prepareOnly, reportOnly         bool
	// chosen are the flags that choose among the cases of full and quick.
	chosen                                     map[string]bool
	reference, cache, out, report, plot, build string
	// device computes steps; empty is cpu.
	device string
}

// stages lists what the flags ask for, presets first.
func (o options) stages() []stage {
	var list []stage
	for _, preset := range o.presets {
		for _, m := range o.measures {
			one := stage{measure: m, preset: preset, peers: o.peers, ways: o.ways, warmup: o.warmup, repeats: o.repeats}
			for _, one.isa = range o.isas {
				for _, one.size = range o.sizes {
					list = append(list, o.steps(one)...)
				}
			}
		}
	}
	return list
}

// steps are one stage for each variant and batch of a step; nothing else
// differs in them.
func (o options) steps(one stage) []stage {
	if one.measure != measureStep {
		one.variant = o.variants[0]
		return []stage{one}
	}
	var list []stage
	for _, one.variant = range o.variants {
		for _, one.batch = range o.batches {
			list = append(list, one)
		}
	}
	return list
}

// plan makes the cases, in groups of which one is measured to its end before
// the next begins.
func (o options) plan() ([][]benchCase, error) {
	for _, m := range o.measures {
		if !slices.Contains(measures, m) {
			return nil, fmt.Errorf("--measure=%s: there is %s", m, strings.Join(measures, ", "))
		}
	}
	groups := [][]stage{o.stages()}
	switch {
	case o.full:
		groups = fullStages(o.isas)
	case o.quick:
		groups = quickStages(o.isas)
	}
	var all [][]benchCase
	for _, stages := range groups {
		var cases []benchCase
		for _, s := range stages {
			if o.full || o.quick {
				if !o.chooses(s) {
					continue
				}
				s = o.leave(s)
			}
			c, err := o.newCase(s)
			if err != nil {
				return nil, err
			}
			cases = append(cases, c)
		}
		if len(cases) > 0 {
			all = append(all, cases)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("nothing is left to measure of what --full or --quick has")
	}
	return all, nil
}

// chooses reports whether a case of full or quick is among those asked for. A
// step at the preset's own batch is one of 1 above 128x128 pixels.
func (o options) chooses(s stage) bool {
	if o.chosen["measure"] && !slices.Contains(o.measures, s.measure) || o.chosen[cli.Preset] && !slices.Contains(o.presets, s.preset) ||
		o.chosen["size"] && !slices.Contains(o.sizes, s.size) {
		return false
	}
	if s.measure != measureStep {
		return true
	}
	batch := s.batch
	if batch == 0 && s.preset == vox {
		batch = 1
	}
	return !(o.chosen[cli.Variant] && !slices.Contains(o.variants, s.variant) || o.chosen["batch"] && !slices.Contains(o.batches, batch))
}

// leave leaves a case of full or quick those of its peers and ways that are
// asked for.
func (o options) leave(s stage) stage {
	asked := o.peers
	if s.peers != nil {
		asked = slices.DeleteFunc(slices.Clone(o.peers), func(name string) bool { return !slices.Contains(s.peers, name) })
	}
	s.peers = asked
	if !o.chosen["peer_ways"] {
		return s
	}
	var ways []string
	for _, planned := range s.ways {
		way, only, _ := strings.Cut(planned, "@")
		for _, wanted := range o.ways {
			if name, by, _ := strings.Cut(wanted, "@"); name == way && (only == "" || by == "" || by == only) {
				ways = append(ways, strings.TrimSuffix(way+"@"+cmp.Or(only, by), "@"))
			}
		}
	}
	s.ways = ways
	return s
}

func (o options) newCase(s stage) (benchCase, error) {
	resolve := func(sets []string) (*config.Config, error) {
		c, _, err := config.Resolve(config.Options{
			Preset: s.preset, Variant: s.variant, VGG19: config.RandomVGG19, Device: cmp.Or(o.device, "cpu"), Sets: sets, AllowMissing: true,
		})
		return c, err
	}
	sets := slices.Clone(o.sets)
	if s.size > 0 {
		sets = append(sets, fmt.Sprintf("frame_shape=[%d,%d,3]", s.size, s.size))
	}
	c, err := resolve(sets)
	if err != nil {
		return benchCase{}, err
	}
	h, w := c.Dataset.FrameShape[0], c.Dataset.FrameShape[1]
	const batchIs = "train_params.batch_size="
	if h*w > smallPicture {
		sets = append([]string{batchIs + "1"}, sets...) // what is set wins
	}
	if c.Train.MuonScale > 0 {
		sets = append([]string{"train_params.muon_scale=0"}, sets...) // PyTorch's side has Adam
	}
	if s.batch > 0 {
		sets = append(sets, batchIs+strconv.Itoa(s.batch))
	}
	if c, err = resolve(sets); err != nil {
		return benchCase{}, err
	}
	job := Job{
		Measure: s.measure, Threads: o.threads, Warmup: s.warmup, Repeats: s.repeats, Sets: sets, Pictures: 1,
	}
	if n, ok := map[string]int{measureStep: c.Train.BatchSize, measureReconstruction: filmFrames, measureMask: maskMaps, measureFidelity: fidelityFrames}[s.measure]; ok {
		job.Pictures = n
	}
	if s.measure == measureStart || s.measure == measureFidelity {
		job.Repeats = 1
	}
	if err := job.setConfig(c); err != nil {
		return benchCase{}, err
	}
	s.preset, s.variant = c.Preset, string(c.Variant)
	return benchCase{stage: s, job: job, height: h, width: w, discriminates: c.HasDiscriminator(), gpu: o.device == "gpu"}, nil
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
