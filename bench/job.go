package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Job is what one process measures, ours and the peer's alike: it comes as JSON
// on standard input, and the last line of standard output is a Result.
type Job struct {
	// Measure is one of measures, or what prepares for them.
	Measure string `json:"measure"`
	// Config is the resolved configuration: networks, losses, sizes, batch.
	Config json.RawMessage `json:"config"`
	// Resolved is the same as the YAML text that package config reads.
	Resolved string `json:"resolved"`
	// Pictures of a repeat: pairs of a step, 1 of a frame, frames of a
	// reconstructed video, maps of a mask.
	Pictures int `json:"pictures"`
	// Threads is the number of cores that the process is bound to.
	Threads int `json:"threads"`
	// FirstCore of the program's own is where they begin.
	FirstCore int `json:"first_core,omitempty"`
	// Joined says that the process is one of those that TF_CONFIG names.
	Joined bool `json:"joined,omitempty"`
	// Warmup repeats are not measured, Repeats are.
	Warmup  int `json:"warmup"`
	Repeats int `json:"repeats"`
	// Model is the file or folder of the side's own model, Sets are the settings
	// that ours is made with. SavedModel is the folder of an exported one.
	Model      string   `json:"model,omitempty"`
	Sets       []string `json:"sets,omitempty"`
	SavedModel string   `json:"saved_model,omitempty"`
	// Started is when the process was started, by the machine's monotonic clock in
	// seconds.
	Started float64 `json:"started,omitempty"`
	// Reference is the checkout that the peer imports, Way how it computes.
	Reference string `json:"reference,omitempty"`
	Way       string `json:"way,omitempty"`
}

// Result is what one process measured.
type Result struct {
	// Engine names what computed, with its version.
	Engine string `json:"engine"`
	// Seconds of each repeat, on the clock, for one unit: a step, a frame, a
	// mask of all maps.
	Seconds []float64 `json:"seconds"`
	// CPUSeconds is the processor time of a unit, on all cores, on average.
	CPUSeconds float64 `json:"cpu_seconds"`
	// SetupSeconds passed from the start of the process to the end of the
	// warm-up.
	SetupSeconds float64 `json:"setup_seconds"`
	// PeakBytes is the most memory that was resident, by then.
	PeakBytes int64 `json:"peak_bytes"`
	// Counts are the networks' numbers of parameters, Losses the last values by
	// name. Both tell whether two sides did the same work.
	Counts map[string]int64   `json:"counts,omitempty"`
	Losses map[string]float64 `json:"losses,omitempty"`
	// Parts are what the seconds of a repeat are made of, where that is told.
	Parts []Part `json:"parts,omitempty"`
	// Exchange is what workers tell each other in a step; nil for a process by
	// itself.
	Exchange *Exchange `json:"exchange,omitempty"`
	// PSNR of our frames to those of the plain graph, in decibels; 0 is not
	// measured.
	PSNR float64 `json:"psnr,omitempty"`
}

// Part is a part of a repeat: one shape of a convolution.
type Part struct {
	Name string `json:"name"`
	// Seconds are the median of the repeats, Times how often a step has it.
	Seconds float64 `json:"seconds"`
	Times   int     `json:"times"`
}

// configSum tells the job's configuration from others.
func (j Job) configSum() string {
	sum := sha256.Sum256([]byte(j.Resolved))
	return hex.EncodeToString(sum[:4])
}

// parseResult reads the last line of what a process printed and checks it.
func parseResult(out []byte, job Job) (*Result, error) {
	out = bytes.TrimSpace(out)
	line := out[bytes.LastIndexByte(out, '\n')+1:]
	if len(line) == 0 {
		return nil, errors.New("it printed no result")
	}
	var r Result
	if err := json.Unmarshal(line, &r); err != nil {
		return nil, fmt.Errorf("its last line is no result: %w: %.200s", err, line)
	}
	if err := r.check(job); err != nil {
		return nil, fmt.Errorf("its result cannot be: %w", err)
	}
	return &r, nil
}

func (r *Result) check(job Job) error {
	if len(r.Seconds) != job.Repeats {
		return fmt.Errorf("%d times, asked for %d repeats", len(r.Seconds), job.Repeats)
	}
	for _, v := range append(slices.Clone(r.Seconds), r.CPUSeconds, r.SetupSeconds) {
		if !(v > 0) || math.IsInf(v, 0) {
			return fmt.Errorf("%v seconds", v)
		}
	}
	if r.PeakBytes <= 0 {
		return fmt.Errorf("%d bytes of memory", r.PeakBytes)
	}
	for name, v := range r.Losses {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("the loss %s is %v: not every step was taken", name, v)
		}
	}
	return nil
}

// work is what a row keeps of it: "generator=45, kp_detector=14, loss gen_gan".
func (r *Result) work() string {
	var list []string
	for _, network := range sortedKeys(r.Counts) {
		list = append(list, fmt.Sprintf("%s=%d", network, r.Counts[network]))
	}
	for _, name := range sortedKeys(r.Losses) {
		list = append(list, lossOf+name)
	}
	return strings.Join(list, ", ")
}

// lossOf is in front of the losses' names in work.
const lossOf = "loss "

// setWork sets what work keeps; the losses have no values.
func (r *Result) setWork(text string) {
	for _, part := range strings.Split(text, ", ") {
		if name, ok := strings.CutPrefix(part, lossOf); ok {
			if r.Losses == nil {
				r.Losses = map[string]float64{}
			}
			r.Losses[name] = 0
		} else if network, count, ok := strings.Cut(part, "="); ok {
			if r.Counts == nil {
				r.Counts = map[string]int64{}
			}
			r.Counts[network], _ = strconv.ParseInt(count, 10, 64) // 0 is no network's
		}
	}
}

// sameWork reports where two sides computed different things: networks of other
// sizes, other losses.
func sameWork(ours, peer *Result) error {
	if peer.Counts == nil && peer.Losses == nil {
		return nil // an engine compares its picture itself
	}
	if ours.Counts == nil && ours.Losses == nil {
		return nil // from a table without it: of an earlier version
	}
	for _, network := range sortedKeys(ours.Counts) {
		if a, b := ours.Counts[network], peer.Counts[network]; a != b {
			return fmt.Errorf("not the same work: the %s has %d parameters here and %d in the peer", network, a, b)
		}
	}
	if a, b := sortedKeys(ours.Losses), sortedKeys(peer.Losses); !slices.Equal(a, b) {
		return fmt.Errorf("not the same work: the losses here are %v, the peer's %v", a, b)
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// median of at least one value.
func median(values []float64) float64 {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
