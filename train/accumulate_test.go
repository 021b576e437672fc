package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
)

// smallOf is a small configuration of a variant of any family.
func smallOf(t *testing.T, variant model.Variant, sets ...string) *config.Config {
	t.Helper()
	switch variant {
	case model.MonkeyNet:
		return tinyFamily(t, tinymodel.MonkeyNet(), sets...)
	case model.X2Face:
		return tinyFamily(t, tinymodel.X2Face(), sets...)
	}
	return tiny(t, variant, sets...)
}

// stepper is a step in float64 and a session of its own.
type stepper struct {
	t       *testing.T
	s       *graph.Scope
	o       StepOptions
	step    *Step
	session *tf.Session
}

func newStepper(t *testing.T, o StepOptions) *stepper {
	t.Helper()
	p := &stepper{t: t, s: graph.New(tensorflow.Double), o: o}
	var err error
	if p.step, err = BuildStep(p.s, o); err != nil {
		t.Fatal(err)
	}
	if p.session, err = tf.NewSession(p.s.Graph(), tf.SessionConfig{Device: "cpu", IntraThreads: 1}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.session.Close() })
	if err := graph.Initialize(p.session, p.s.Variables(), 3); err != nil {
		t.Fatal(err)
	}
	return p
}

// take makes a step and returns losses and gradients, by name.
func (p *stepper) take(all []feeds) (losses []float64, gradients map[string][]float64) {
	p.t.Helper()
	fetched, err := p.step.Take(context.Background(), p.session, all, append([]tensorflow.Output{p.step.Losses}, p.step.Gradients...))
	if err != nil {
		p.t.Fatal(err)
	}
	gradients = map[string][]float64{}
	for i, f := range fetched {
		numbers, err := floats(f)
		if err != nil {
			p.t.Fatal(err)
		}
		if i == 0 {
			losses = numbers
		} else {
			gradients[p.step.GradientNames[i-1]] = numbers
		}
	}
	return losses, gradients
}

// microOf are the numbers of one micro-batch as those of a batch by itself.
func microOf(o StepOptions, v StepValues, micro int) StepValues {
	b, row := *v.Batch, o.own()*o.Height*o.Width*3
	b.N = o.own()
	b.Source, b.Driving = b.Source[micro*row:][:row], b.Driving[micro*row:][:row]
	v.Batch, v.Micro = &b, 0
	whole := v.Draws
	v.Draws = Draws{}
	for name, drawn := range whole {
		v.Draws[name] = partOfDrawn(o, micro, drawn)
	}
	return v
}

// TestAccumulatedSteps compares two steps of three micro-batches with plain steps
// of each micro-batch from the same state: losses and gradients are the mean of
// theirs, running averages too, spectral vectors the same to the bit, and weights
// move as an optimiser written here moves them by the mean gradient.
func TestAccumulatedSteps(t *testing.T) {
	const parts = 3
	for _, variant := range model.AllVariants() {
		t.Run(string(variant), func(t *testing.T) {
			c := smallOf(t, variant, "batch_size=6", "accumulate_steps=3")
			o := OptionsOf(c)
			whole := newStepper(t, o)
			alone := o
			alone.Batch, alone.Accumulate = o.Batch/parts, 0
			plain := newStepper(t, alone)
			next := attempts(t, c, o)
			rules := map[string]*rule{}
			for attempt := range int64(2) {
				v := next(0) // other pictures each time
				before := fetchAll(t, whole.session, whole.s)
				wantLosses, want, after := meanOfPlain(plain, o, v, before)
				all, err := whole.step.AllFeeds(o, v)
				if err != nil {
					t.Fatal(err)
				}
				losses, gradients := whole.take(all)
				what := fmt.Sprintf("step %d: ", attempt)
				compare(t, what+"losses", losses, wantLosses, 1e-12, 0)
				largest := 0.0
				for _, g := range want {
					largest = max(largest, largestOf(g))
				}
				now := fetchAll(t, whole.session, whole.s)
				for name, g := range want {
					compare(t, what+"gradient of "+name, gradients[name], g, 1e-11, 1e-3*largest)
					if rules[name] == nil {
						rules[name] = &rule{sgd: variant == model.X2Face, rate: v.Rates[playerNamed(t, o, name)]}
						if variant != model.X2Face && c.Train.MuonScale > 0 && playerNamed(t, o, name) != discriminatorPlayer {
							rules[name].muon, rules[name].columns = c.Train.MuonScale, muonColumns(whole.s.VariableNamed(name))
						}
					}
					compare(t, what+name, now[name], rules[name].move(before[name], gradients[name]), 1e-12, 0)
				}
				compareAverages(t, what, whole.s, now, after)
			}
		})
	}
}

// meanOfPlain takes a plain step of each micro-batch from one state.
func meanOfPlain(plain *stepper, o StepOptions, v StepValues, before map[string][]float64) (losses []float64, gradients, after map[string][]float64) {
	plain.t.Helper()
	gradients, after = map[string][]float64{}, map[string][]float64{}
	add := func(sum, more []float64) []float64 {
		if sum == nil {
			sum = make([]float64, len(more))
		}
		for i, x := range more {
			sum[i] += x / float64(o.parts())
		}
		return sum
	}
	for micro := range o.parts() {
		values := map[string][]float64{}
		for name, numbers := range before {
			if plain.s.VariableNamed(name) != nil {
				values[name] = numbers
			}
		}
		assignAll(plain.t, plain.session, plain.s, values)
		f, err := plain.step.Feeds(plain.o, microOf(o, v, micro))
		if err != nil {
			plain.t.Fatal(err)
		}
		l, g := plain.take([]feeds{f})
		losses = add(losses, l)
		for name, one := range g {
			gradients[name] = add(gradients[name], one)
		}
		for name, one := range fetchAll(plain.t, plain.session, plain.s) {
			if strings.HasSuffix(name, ".weight_u") || strings.HasSuffix(name, ".weight_v") {
				after[name] = one
			} else {
				after[name] = add(after[name], one)
			}
		}
	}
	return losses, gradients, after
}

// compareAverages compares what moves without a gradient.
func compareAverages(t *testing.T, what string, s *graph.Scope, now, after map[string][]float64) {
	t.Helper()
	for _, v := range s.Variables(graph.State) {
		if strings.Contains(v.Name, ".running_") {
			compare(t, what+v.Name, now[v.Name], after[v.Name], 1e-12, 0)
		} else if !slices.Equal(now[v.Name], after[v.Name]) {
			t.Errorf("%s%s is %v, after a plain step %v", what, v.Name, now[v.Name], after[v.Name])
		}
	}
}

func playerNamed(t *testing.T, o StepOptions, variable string) string {
	t.Helper()
	p, ok := model.OwnerOf(o.Family.Players(), variable)
	if !ok {
		t.Fatalf("nobody owns %s", variable)
	}
	return p.Name
}

// rule moves one variable by an optimiser written anew: Adam of betas 0.5 and 0.999,
// stochastic gradient descent with a momentum of 0.9 or, where there are columns, Muon.
type rule struct {
	sgd           bool
	muon          float64
	columns       int
	rate          float64
	steps         float64
	first, second []float64
}

func (r *rule) move(w, g []float64) []float64 {
	if r.first == nil {
		r.first, r.second = make([]float64, len(w)), make([]float64, len(w))
	}
	r.steps++
	moved := slices.Clone(w)
	if r.columns > 0 {
		return r.moveOrthogonally(moved, g)
	}
	for i := range w {
		if r.sgd {
			r.first[i] = 0.9*r.first[i] + g[i]
			moved[i] -= r.rate * r.first[i]
			continue
		}
		r.first[i] = 0.5*r.first[i] + 0.5*g[i]
		r.second[i] = 0.999*r.second[i] + 0.001*g[i]*g[i]
		m, v := r.first[i]/(1-math.Pow(0.5, r.steps)), r.second[i]/(1-math.Pow(0.999, r.steps))
		moved[i] -= r.rate * m / (math.Sqrt(v) + 1e-8)
	}
	return moved
}

// microSpoiler makes one input of one micro-batch no number, or calls stop before it.
type microSpoiler struct {
	graph.Runner
	step  *Step
	micro int
	seen  int // micro-batches since it was armed
	armed bool
	stop  func()
}

func (s *microSpoiler) Run(f map[tensorflow.Output]*tensorflow.Tensor, fetches []tensorflow.Output, targets []*tensorflow.Operation) ([]*tensorflow.Tensor, error) {
	if s.armed && len(targets) == 1 && targets[0] == s.step.Micro.Gather {
		if s.seen++; s.seen == s.micro {
			if s.stop != nil {
				s.stop()
			} else {
				nan, err := graph.NewTensor(tensorflow.Float, []float64{math.NaN()})
				if err != nil {
					return nil, err
				}
				f[s.step.Warmup] = nan
			}
		}
	}
	return s.Runner.Run(f, fetches, targets)
}

// TestMicroBatchesAreAllOrNothing lets a micro-batch be spoilt, and an attempt be
// left between two of them: nothing moves, and the next attempt is what it would
// have been.
func TestMicroBatchesAreAllOrNothing(t *testing.T) {
	c := tiny(t, model.PriorityCut, "batch_size=6", "accumulate_steps=3", "sn=true", "deterministic=true")
	s, err := begin(t, t.TempDir(), c)
	if err != nil {
		t.Fatal(err)
	}
	tr := s.trainer()
	spoil := &microSpoiler{Runner: tr.run, step: s.step, micro: 2}
	tr.run, tr.guard.run = spoil, spoil
	batches := s.loader.Prefetch(context.Background(), 0)
	defer batches.Close()
	tr.batches = batches
	try := func(ctx context.Context) (*Moment, error) { return tr.try(ctx, true) }
	if m, err := try(context.Background()); m == nil || err != nil {
		t.Fatalf("%+v, %v", m, err)
	}
	before := state(t, s)
	same := func(what string) {
		t.Helper()
		for name, now := range state(t, s) {
			if !bytes.Equal(now, before[name]) {
				t.Errorf("%s moves %s", what, name)
			}
		}
	}
	spoil.armed = true
	if m, err := try(context.Background()); m != nil || err != nil || tr.guard.total != 1 {
		t.Fatalf("a spoilt micro-batch: %+v, %v, %d refused", m, err, tr.guard.total)
	}
	same("a spoilt micro-batch")
	ctx, stop := context.WithCancel(context.Background())
	spoil.seen, spoil.stop = 0, stop
	if _, err := try(ctx); !errors.Is(err, context.Canceled) || tr.at != (Position{Step: 1, Attempt: 2}) {
		t.Fatalf("an attempt that is left: %v, at %+v", err, tr.at)
	}
	if spoil.seen != 2 {
		t.Errorf("%d micro-batches were begun", spoil.seen)
	}
	same("an attempt that is left")
	spoil.armed = false
	again := s.loader.Prefetch(context.Background(), tr.at.Attempt)
	defer again.Close()
	tr.batches = again
	m, err := try(context.Background())
	if m == nil || err != nil {
		t.Fatalf("%+v, %v", m, err)
	}
	for name, x := range m.Losses {
		if math.IsNaN(x) {
			t.Errorf("%s is not finite: what was gathered before is not forgotten", name)
		}
	}
}

// TestAccumulatedRunsAreBitEqual stops a run of accumulated steps and goes on.
func TestAccumulatedRunsAreBitEqual(t *testing.T) {
	sets := []string{"steps=6", "deterministic=true", "sn=true", "batch_size=4", "accumulate_steps=2"}
	dirs := []string{t.TempDir(), t.TempDir()}
	complete(t, dirs[0], tiny(t, model.PriorityCut, sets...))
	runUntil(t, dirs[1], tiny(t, model.PriorityCut, sets...), 3)
	complete(t, dirs[1], tiny(t, model.PriorityCut, sets...))
	compareCheckpoints(t, dirs[0], dirs[1], 6)
}

func TestAccumulateIsRefused(t *testing.T) {
	c := tiny(t, model.PriorityCut, "batch_size=4", "accumulate_steps=2")
	o := OptionsOf(c)
	o.Replicas = graph.Replicas{Size: 4}
	if _, err := BuildStep(graph.New(tensorflow.Float), o); err == nil || !strings.Contains(err.Error(), "multiple of 8") {
		t.Errorf("four pairs for four workers in two micro-batches: %v", err)
	}
	dir := t.TempDir()
	complete(t, dir, tiny(t, model.PriorityCut, "batch_size=4", "accumulate_steps=2", "steps=1"))
	err := Run(context.Background(), RunOptions{Config: tiny(t, model.PriorityCut, "batch_size=4", "steps=2"), Dir: dir, Out: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "accumulate_steps") {
		t.Errorf("a run that goes on with the batch at once: %v", err)
	}
}

// TestAccumulateNeedsLessMemory holds that a micro-batch is what counts.
func TestAccumulateNeedsLessMemory(t *testing.T) {
	estimate := func(sets ...string) MemoryEstimate {
		t.Helper()
		return estimateOf(t, OptionsOf(tiny(t, model.PriorityCut, sets...)))
	}
	whole, quarter, parts := estimate("batch_size=8"), estimate("batch_size=2"), estimate("batch_size=8", "accumulate_steps=4")
	if parts.Tensors >= whole.Tensors/2 || parts.Device() >= whole.Device() {
		t.Errorf("four micro-batches need %v, the batch at once %v", parts, whole)
	}
	if parts.Variables <= quarter.Variables || parts.Variables > quarter.Variables+quarter.Gradients+quarter.Gradients/10 {
		t.Errorf("sums take %d bytes, the gradients of a step %d", parts.Variables-quarter.Variables, quarter.Gradients)
	}
	if !strings.Contains(parts.String(), "4 micro-batches of 8 pairs") {
		t.Error(parts)
	}
	err := checkDeviceMemory(whole, OptionsOf(tiny(t, model.PriorityCut, "batch_size=8")), parts.Device())
	if err == nil || !strings.Contains(err.Error(), "accumulate_steps=4, which takes the batch of 8 in micro-batches of 2") {
		t.Errorf("a batch that does not fit: %v", err)
	}
	o := OptionsOf(tiny(t, model.PriorityCut, "batch_size=8", "accumulate_steps=2"))
	if fits, err := largestBatch(o, func(m MemoryEstimate) bool { return m.Batch <= 7 }); err != nil || fits != 6 {
		t.Errorf("two micro-batches of at most 7 pairs are %d, %v", fits, err)
	}
}
