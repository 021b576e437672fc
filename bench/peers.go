package main

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/cpu"

	"github.com/prioritycut/prioritycut/tf"
)

// ours is the name of our side.
const ours = "ours"

// rival is a program to measure beside: what it is installed from, what runs it
// and what it can be asked for.
type rival struct {
	name string
	// list is what package pyenv installs, script the file of peer/ that measures,
	// arg what the script is told.
	list, script, arg string
	measures          []string
	// group are those among which the quickest is what a target compares with.
	group string
	// limit makes it compute as on a processor with AVX2 alone; nothing, where it
	// obeys no such switch.
	limit []string
	// ways that it has, but for those of PyTorch, which the user names.
	ways []string
}

const (
	groupPyTorch    = "PyTorch"
	groupTensorFlow = "TensorFlow"
	groupEngines    = "engines"

	wayWhole = "whole"
	waySplit = "split"
)

// oneDNN's limit is what TensorFlow, PyTorch and OpenVINO obey.
const limitOneDNN = "ONEDNN_MAX_CPU_ISA=AVX2"

var (
	trained     = []string{measureStep, measureFrame, measureReconstruction, measureMask, measureStart}
	limitTorch  = []string{limitOneDNN, "ATEN_CPU_CAPABILITY=avx2", "MKL_ENABLE_INSTRUCTIONS=AVX2"}
	engineWays  = []string{wayWhole, waySplit}
	framesAlone = []string{measureFrame}
)

// rivals are all that can be asked for by name.
var rivals = []rival{
	{name: "tensorflow", measures: []string{measureConv, measureStep, measureFrame, measureReconstruction}, group: groupTensorFlow, limit: []string{limitOneDNN}, ways: []string{""}},
	{name: "pytorch-2.5", list: "pytorch-2.5", script: "peer.py", measures: trained, group: groupPyTorch, limit: limitTorch},
	{name: "pytorch-2.15", list: "pytorch-2.15", script: "peer.py", measures: trained, group: groupPyTorch, limit: limitTorch},
	{name: "mnn", list: "converters", script: "engine.py", arg: "mnn", measures: framesAlone, group: groupEngines, ways: engineWays},
	{name: "openvino", list: "converters", script: "engine.py", arg: "openvino", measures: framesAlone, group: groupEngines, limit: []string{limitOneDNN}, ways: engineWays},
	{name: "onnxruntime", list: "converters", script: "engine.py", arg: "onnxruntime", measures: framesAlone, group: groupEngines, ways: engineWays},
	{name: "litert", list: "converters", script: "engine.py", arg: "litert", measures: framesAlone, group: groupEngines, ways: engineWays},
}

func rivalNames() []string {
	names := make([]string, len(rivals))
	for i, r := range rivals {
		names[i] = r.name
	}
	return names
}

func rivalNamed(name string) (rival, bool) {
	i := slices.IndexFunc(rivals, func(r rival) bool { return r.name == name })
	if i < 0 {
		return rival{}, false
	}
	return rivals[i], true
}

// turn is what one process of a round measures: a side, and the way in which it
// computes.
type turn struct{ side, way string }

func (t turn) String() string { return strings.TrimSpace(t.side + " " + t.way) }

// group is what the turn's time is compared in; engines that are given the
// source's features do less than those that are not.
func (t turn) group() string {
	r, _ := rivalNamed(t.side)
	if r.group == groupEngines {
		return r.group + ", " + t.way
	}
	return r.group
}

// Levels of instructions: what every side is limited to that obeys.
const (
	isaAVX512 = "avx512"
	isaAVX2   = "avx2"
)

// isaNames are how the table calls them; no name is what the processor has where
// that is neither.
var isaNames = map[string]string{isaAVX512: "AVX-512", isaAVX2: "AVX2", "": "-"}

// isaBest is the processor's own level.
func isaBest() string {
	x := cpu.X86
	switch {
	case x.HasAVX512F && x.HasAVX512VL && x.HasAVX512BW && x.HasAVX512DQ:
		return isaAVX512
	case x.HasAVX2 && x.HasFMA:
		return isaAVX2
	}
	return ""
}

// checkISA reports a level that this processor has not.
func checkISA(isa string) error {
	if _, ok := isaNames[isa]; !ok || isa == "" {
		return fmt.Errorf("--isa: %q is no level; there is %s, %s", isa, isaAVX512, isaAVX2)
	}
	if best := isaBest(); best != isa && best != isaAVX512 {
		return fmt.Errorf("--isa=%s: this processor cannot", isa)
	}
	return nil
}

// environment is what a side is started with at a level; ok is false where the
// side does not obey one below the processor's own.
func environment(side, isa string) (env []string, ok bool) {
	limited := isa != isaBest()
	switch side {
	case ours:
		if isa != "" {
			env = append(env, tf.KernelsEnv+"="+isa)
		}
		if limited {
			env = append(env, limitOneDNN)
		}
		return env, true
	case "tensorflow":
		env = append(env, tf.KernelsEnv+"=off")
	}
	if !limited {
		return env, true
	}
	r, _ := rivalNamed(side)
	return append(env, r.limit...), len(r.limit) > 0
}
