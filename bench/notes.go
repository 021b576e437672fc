package main

import (
	"fmt"
	"slices"
	"strings"
)

// differences say, for each measure, where the two sides do not do the same:
// what a ratio is made of besides speed.
var differences = map[string]string{
	measureStep: "A step is both players' losses, gradients and Adam on the same networks and losses (parameters and names of the losses are compared at " +
		"run time). Ours judges the real and the generated picture once for both players; the peer does it twice, as the reference's " +
		"training does. Ours also converts bytes to floats and returns the norms of all gradients. For PriorityCut no public code exists: of " +
		"unet, cutmix and prioritycut the peer's discriminator and its losses are this project's, in PyTorch.",
	measureFrame: "A frame is animated at batch 1, from bytes to bytes, with relative motion. Ours encodes the source once; the peer encodes it for " +
		"every frame, as the reference does.",
	measureReconstruction: "A reconstructed frame is predicted from its video's first one and compared (L1). Ours encodes the first frame once and takes several " +
		"frames at a time; the peer goes frame by frame and encodes the source each time, as the reference does.",
	measureMask: "The peer's mask is this project's, in PyTorch: it sorts all pixels.",
}

// wayNotes say what the words for the peer's ways mean.
var wayNotes = map[string]string{
	wayEager:         "as the public code is",
	partChannelsLast: "networks and pictures laid out as NHWC",
	partJIT:          "traced, frozen and optimised for inference",
	partLean:         "the discriminator is frozen in the generator's half of a step, so that gradients nobody uses are not computed",
}

// busyAdvice says what a busy machine does to a comparison.
const busyAdvice = "PyTorch's threads wait for each other by spinning, so that other work slows it down many times over; measure on an idle machine."

// busy reports whether others computed when the first process was started.
func (m *bench) busy() bool { return m.load > float64(m.options.threads)/4 }

// notes say how was measured and what the numbers mean.
func (m *bench) notes(all []*outcome) []string {
	o := m.options
	var engines []string
	add := func(results []*Result) {
		for _, r := range results {
			if !slices.Contains(engines, r.Engine) {
				engines = append(engines, r.Engine)
			}
		}
	}
	measured := map[string]bool{}
	for _, c := range all {
		add(c.ours)
		for _, way := range c.ways {
			add(c.peer[way])
		}
		measured[c.job.Measure] = measured[c.job.Measure] || len(c.ours) > 0
	}
	list := []string{fmt.Sprintf("%s; %s, cores used: %d; medians; rounds: %d, each with repeats: %d, warm-up: %d; every process on its own; float32.",
		strings.Join(engines, " and "), processorName(), o.threads, o.rounds, o.repeats, o.warmup)}
	if m.busy() {
		list = append(list, "", fmt.Sprintf("**The machine was busy** (load average %.1f at the start): these times say little. %s", m.load, busyAdvice))
	}
	if m.peer == nil {
		return append(list, "", "For the ratio to PyTorch give --peer_python=PYTHON (with internal/pyenv/requirements/pytorch-2.5.txt installed) and --reference=DIR "+
			"(a checkout of first-order-model).")
	}
	list = append(list, "", "A ratio below 1 says that ours is quicker, or takes less; in brackets the least and the most of the rounds.", "")
	for _, name := range measures {
		if measured[name] {
			list = append(list, "* "+differences[name])
		}
	}
	var used []string
	for _, way := range o.ways {
		for _, part := range strings.Split(way, "+") {
			if !slices.Contains(used, part) {
				used = append(used, part)
			}
		}
	}
	for _, part := range used {
		list = append(list, fmt.Sprintf("* `%s`: %s.", part, wayNotes[part]))
	}
	return list
}
