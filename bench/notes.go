package main

import (
	"fmt"
	"slices"
	"strings"
)

// differences say, for each measure, where the sides do not do the same: what a
// ratio is made of besides speed.
var differences = map[string]string{
	measureStep: "A step is both players' losses, gradients and Adam (where a preset has Muon, too) on the same networks and losses (parameters and names of the losses are compared at " +
		"run time). Ours judges the real and the generated picture once for both players; PyTorch's does it twice, as the reference's " +
		"training does. Ours also converts bytes to floats and returns the norms of all gradients. For PriorityCut no public code exists: of " +
		"unet, cutmix and prioritycut the peer's discriminator and its losses are this project's, in PyTorch.",
	measureFrame: "A frame is animated at batch 1, from bytes to bytes, with relative motion. Ours encodes the source once; PyTorch encodes it for " +
		"every frame, as the reference does, and so do engines on the `whole` model. `split` gives engines the source's features. LiteRT has our " +
		"exported model, the others PyTorch's as ONNX; LiteRT's `whole` finds the source's keypoints too.",
	measureReconstruction: "A reconstructed frame is predicted from its video's first one and compared (L1). Ours encodes the first frame once and takes several " +
		"frames at a time; PyTorch goes frame by frame and encodes the source each time, as the reference does.",
	measureMask: "PyTorch's mask is this project's: it sorts all pixels.",
	measureConv: "Convolutions are those that multiply most in a training step, forward with both gradients and the bias's, beside the same graph with " +
		"TensorFlow's operations.",
	measureStart: "A start is from a new process to its first frame, weights read from a file, with all files in the page cache.",
}

// wayNotes say what the words for PyTorch's ways mean.
var wayNotes = map[string]string{
	wayEager:         "as the public code is",
	partChannelsLast: "networks and pictures laid out as NHWC",
	partJIT:          "traced, frozen and optimised for inference",
	partCompile:      "by torch.compile; compiled in the warm-up, or by an earlier run",
	partLean:         "the discriminator is frozen in the generator's half of a step, so that gradients nobody uses are not computed",
}

// busyAdvice says what a busy machine does to a comparison.
const busyAdvice = "PyTorch's threads wait for each other by spinning, so that other work slows it down many times over; measure on an idle machine."

// busy reports whether others computed when the first process was started.
func (b *bench) busy() bool { return b.load > float64(b.options.threads)/4 }

// conditions say when, where and how was measured.
func (b *bench) conditions(all []*outcome) []string {
	o := b.options
	var engines []string
	for _, c := range all {
		for _, t := range c.turns {
			for _, r := range c.results[t] {
				if !slices.Contains(engines, r.Engine) {
					engines = append(engines, r.Engine)
				}
			}
		}
	}
	list := []string{fmt.Sprintf("%s: %s, cores used: %d; %s; medians; rounds: %d; every process on its own; float32.",
		days(b.rows), processorName(), o.threads, strings.Join(engines, ", "), o.rounds)}
	if b.busy() {
		list = append(list, "", fmt.Sprintf("**The machine was busy** (load average %.1f at the start): these times say little. %s", b.load, busyAdvice))
	}
	if len(o.peers) == 0 {
		list = append(list, "", "For the ratio to others give --peers="+strings.Join(rivalNames(), ",")+" and --reference=DIR (a checkout of first-order-model).")
	}
	return list
}

// notes say what the numbers mean and what could not run.
func (b *bench) notes(all []*outcome) []string {
	list := []string{"A ratio below 1 says that ours is quicker, or takes less; in brackets the least and the most of the rounds. " +
		"Targets compare with the quickest, or leanest, of those that do the same.", ""}
	measured, used := map[string]bool{}, map[string]bool{}
	for _, o := range all {
		measured[o.job.Measure] = measured[o.job.Measure] || len(o.ours()) > 0
		for _, t := range o.turns {
			if r, _ := rivalNamed(t.side); r.group == groupPyTorch && len(o.results[t]) > 0 {
				for _, part := range strings.Split(t.way, "+") {
					used[part] = true
				}
			}
		}
	}
	for _, name := range measures {
		if measured[name] && differences[name] != "" {
			list = append(list, "* "+differences[name])
		}
	}
	for _, part := range sortedKeys(used) {
		list = append(list, fmt.Sprintf("* `%s`: %s.", part, wayNotes[part]))
	}
	if b.options.slower > 0 {
		list = append(list, fmt.Sprintf("* Of sides that do the same, those that took more than %g times the quickest's time are not asked again.", b.options.slower))
	}
	return append(list, b.missing(all)...)
}

// stale are the processes of another build of ours.
func (b *bench) stale() int {
	n := 0
	for _, r := range b.rows {
		if rival, ok := rivalNamed(r.Side); r.Part == "" && r.Build != b.options.build && (!ok || rival.group == groupTensorFlow) {
			n++
		}
	}
	return n
}

// missing says which cells are empty, and why.
func (b *bench) missing(all []*outcome) []string {
	var list []string
	if stale := b.stale(); stale > 0 {
		list = append(list, fmt.Sprintf("* Processes in `--out` that were another build of this program, and are left out: %d.", stale))
	}
	for _, isa := range b.options.isas {
		var deaf []string
		for _, name := range b.options.peers {
			if _, obeys := environment(name, isa); !obeys {
				deaf = append(deaf, name)
			}
		}
		if len(deaf) > 0 {
			list = append(list, fmt.Sprintf("* %s: every side that obeys a switch is limited to it; %s obey none and are left out.", isaNames[isa], strings.Join(deaf, ", ")))
		}
	}
	for _, o := range all {
		for _, t := range o.turns {
			if why := o.failed[t]; why != "" {
				list = append(list, fmt.Sprintf("* %s, %s: could not run: %s", o.name(), t, why))
			}
		}
	}
	return list
}
