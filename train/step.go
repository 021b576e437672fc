package train

import (
	"fmt"
	"slices"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
)

// StepOptions are what a training step is built from.
type StepOptions struct {
	// Batch, Height and Width of the pictures.
	Batch, Height, Width int
	// Family of the networks, as they are configured.
	Family model.Family
	// Frozen names players whose weights stay as they are; their running averages
	// move on, as with a learning rate of 0 in the reference.
	Frozen []string
	// Device of the session that will run the step: kernels of our own serve the
	// CPU alone.
	Device string
	// Replicas share a batch, processes or devices of one session; the zero value is one by
	// itself.
	Replicas graph.Replicas
	// Accumulate is the number of micro-batches that a batch is taken in; 0 or 1
	// takes it at once.
	Accumulate int
	// Mixed is the precision that the session will lower the step to. With float16
	// the losses are scaled; with bfloat16 no kernel of our own serves.
	Mixed tf.MixedPrecision
	// Plain leaves everything to TensorFlow's kernels, as a GPU does.
	Plain bool
}

// Inputs are what a step is fed: N pairs, this replica's part of the batch or, of a
// step that accumulates, of a micro-batch. Feed
// either the bytes or, in the graph's dtype and in [0, 1], the pictures made of
// them.
type Inputs struct {
	// SourceBytes and DrivingBytes [N, H, W, 3] are uint8.
	SourceBytes, DrivingBytes tensorflow.Output
	// Source and Driving [N, H, W, 3] are the same in [0, 1].
	Source, Driving tensorflow.Output
	// Draws are the random inputs of the family by name.
	Draws model.Tensors
	// Rates are the learning rates by player.
	Rates model.Tensors
	// Warmup in [0, 1] scales the terms that are warmed.
	Warmup tensorflow.Output
	// Signals [numSignals] are what a replica tells the others by the way.
	Signals tensorflow.Output
	// Part is the number of the micro-batch, from 0, in the graph's dtype; only a
	// step that accumulates has it.
	Part tensorflow.Output
}

// Step is the graph of one optimisation step of all players.
type Step struct {
	Inputs
	// Training owns the variables of the networks.
	Training model.Training
	// LossNames name the elements of Losses: each term as it enters the sum,
	// weighted (warmed terms without their warm-up).
	LossNames []string
	Losses    tensorflow.Output
	// Warmed says that one of them is warmed.
	Warmed bool
	// StatNames name the elements of Stats: measurements without a gradient.
	StatNames []string
	Stats     tensorflow.Output
	// GradientNames name the elements of GradientNorms: half the squared norm
	// of each variable's gradient, in the order of Gradients.
	GradientNames []string
	GradientNorms tensorflow.Output
	// PlayerNames are those whose weights move, in the family's order.
	PlayerNames []string
	// Gradients of each trained variable.
	Gradients []tensorflow.Output
	// Counter counts the steps taken.
	Counter *graph.Variable
	// Train moves everything: weights, slots, averages, spectral vectors and
	// the counter, all of them or, when a loss or gradient is not finite, none.
	// It then fails, with the error of a refusal, unless there are replicas: an
	// operation that fails in one of them would leave the others waiting.
	Train *tensorflow.Operation
	// Verdict [numSignals+1] are, with replicas, the sums of all their Signals and
	// the number of those that refuse the step: all or none.
	Verdict tensorflow.Output
	// Shown are what pictures of the step are made of. Tensors that a variant
	// lacks are not there.
	Shown model.Tensors
	// Micro are the parts of a step that accumulates; nil where a step is one run.
	// Losses, Stats and Gradients are then those of the whole batch, to be fetched
	// when Train runs.
	Micro *Micro
	// Scale is that of the losses in float16; nil without.
	Scale *LossScale
	// Mirrors are the other replicas of a step on several devices of one session, by
	// rank; BuildMirrors makes them.
	Mirrors []Mirror
}

// refusedMark begins the message of the assertion that refuses a step.
const refusedMark = "step refused: a loss or a gradient is not finite"

// BuildStep adds the networks and one training step to the graph of s. It is
// the same function for float32 and for the float64 of comparisons.
func BuildStep(s *graph.Scope, o StepOptions) (*Step, error) {
	if err := o.checkShares(); err != nil {
		return nil, err
	}
	s.SetReplicas(o.Replicas)
	if o.Mixed != tf.MixedBFloat16 && !o.Plain {
		s.UseKernels(o.Device)
	}
	step := &Step{Training: o.Family.NewTraining(s)}
	step.Counter = s.VariableOf(tensorflow.Int64, "step", graph.Slot, graph.Zeros)
	if o.Mixed == tf.MixedFloat16 {
		step.Scale = newLossScale(s)
	}
	players := playersOf(s, o)
	step.Inputs = newInputs(s.At("input"), o)

	training := s.WithTraining(true)
	objective := step.Training.Objective(training, model.Inputs{Source: step.Source, Driving: step.Driving, Draws: step.Draws})
	step.Shown = objective.Shown
	step.Warmed = slices.ContainsFunc(objective.Terms, func(t model.Term) bool { return t.Warmed })
	losses := weigh(training.At("losses"), objective.Terms, step.Warmup)
	update := training.At("update")
	step.differentiate(update, players, losses, o.parts())
	if o.Height*o.Width > aloneAbove {
		inTurn(update, players, objective.Stages)
	}
	step.report(update, losses, objective.Stats)
	if o.parts() > 1 {
		step.accumulate(s.Sub(accumulateScope), update, o, players)
	}
	reduce(update, players)
	step.Losses, step.Stats = update.AllMean(step.Losses), allMean(update, step.Stats)
	step.gradients(update, players)
	step.move(training, update, players)
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("training step: %w", err)
	}
	return step, nil
}

// newInputs makes what a step is fed.
func newInputs(s *graph.Scope, o StepOptions) Inputs {
	n, h, w := int64(o.own()), int64(o.Height), int64(o.Width)
	dtype := s.DType()
	picture := func(name string) (bytes, scaled tensorflow.Output) {
		bytes = s.Placeholder(name+"_bytes", tensorflow.Uint8, n, h, w, 3)
		return bytes, s.Identity(name, s.Div(s.Cast(bytes, dtype), s.Scalar(255)))
	}
	in := Inputs{Draws: model.Tensors{}, Rates: model.Tensors{}}
	in.SourceBytes, in.Source = picture("source")
	in.DrivingBytes, in.Driving = picture("driving")
	for _, d := range o.Family.Draws(o.own(), o.Height, o.Width) {
		kind := d.DType
		if kind == 0 {
			kind = dtype
		}
		in.Draws[d.Name] = s.Placeholder(d.Name, kind, d.Dims...)
	}
	for _, p := range o.Family.Players() {
		in.Rates[p.Name] = s.Placeholder("lr_"+p.Name, dtype)
	}
	in.Warmup = s.Placeholder("cons_warmup", dtype)
	if o.Replicas.Size > 1 {
		in.Signals = s.Placeholder("signals", dtype, numSignals)
	}
	return in
}

// player is one whose weights move.
type player struct {
	model.Player
	vars  []*graph.Variable
	grads []tensorflow.Output
}

// playersOf finds the weights of the players that are trained.
func playersOf(s *graph.Scope, o StepOptions) []*player {
	var players []*player
	for _, p := range o.Family.Players() {
		if slices.Contains(o.Frozen, p.Name) {
			continue
		}
		one := &player{Player: p}
		for _, v := range s.Variables(graph.Trainable) {
			if p.Owns(v.Name) {
				one.vars = append(one.vars, v)
			}
		}
		players = append(players, one)
	}
	return players
}

// loss is a term as it enters its player's sum.
type loss struct {
	name, player string
	// weighted is what is reported, summed what is minimised.
	weighted, summed tensorflow.Output
}

func weigh(s *graph.Scope, terms []model.Term, warmup tensorflow.Output) []loss {
	losses := make([]loss, len(terms))
	for i, t := range terms {
		l := loss{name: t.Name, player: t.Player, weighted: s.Scale(t.Value, t.Weight)}
		l.summed = l.weighted
		if t.Warmed {
			l.summed = s.Mul(l.weighted, warmup)
		}
		losses[i] = l
	}
	return losses
}

// differentiate fills in the gradients: one backward pass for all players of the
// same terms. Of a batch in parts each adds its share of the mean.
func (step *Step) differentiate(s *graph.Scope, players []*player, losses []loss, parts int) {
	for i, first := range players {
		if slices.ContainsFunc(players[:i], first.shares) {
			continue
		}
		var terms []tensorflow.Output
		for _, l := range losses {
			if l.player == first.Minimises() {
				terms = append(terms, l.summed)
			}
		}
		var together []*player
		var vars []*graph.Variable
		for _, p := range players[i:] {
			if first.shares(p) {
				together, vars = append(together, p), append(vars, p.vars...)
			}
		}
		share := s.Scale(s.MeanShare(s.AddN(terms...)), 1/float64(parts))
		grads := s.Gradients(step.Scale.scale(s, share), vars)
		step.Scale.unscale(s, grads)
		for _, p := range together {
			if len(grads) >= len(p.vars) {
				p.grads, grads = grads[:len(p.vars)], grads[len(p.vars):]
			}
		}
	}
}

// aloneAbove is the number of pixels of a picture above which stages take turns: of
// small pictures they keep little, and their operations are too small to employ all
// cores one at a time (a step of shapes-64 takes a tenth longer).
const aloneAbove = 128 * 128

// inTurn lets the stages of the forward pass begin one after the other. Without it all
// would be kept until the last of them is done.
func inTurn(s *graph.Scope, players []*player, stages []*graph.Stage) {
	var all []tensorflow.Output
	for _, p := range players {
		all = append(all, p.grads...)
	}
	s.InTurn(all, stages...)
}

// shares reports whether two players minimise the same terms.
func (p *player) shares(other *player) bool { return p.Minimises() == other.Minimises() }

// report stacks the numbers that every step returns.
func (step *Step) report(s *graph.Scope, losses []loss, stats []model.Stat) {
	var weighted, measured []tensorflow.Output
	for _, l := range losses {
		step.LossNames, weighted = append(step.LossNames, l.name), append(weighted, l.weighted)
	}
	step.Losses = s.Stack(0, weighted...)
	for _, m := range stats {
		step.StatNames, measured = append(step.StatNames, m.Name), append(measured, s.Cast(m.Value, s.DType()))
	}
	if len(measured) > 0 {
		step.Stats = s.Stack(0, measured...)
	}
}

// allMean is the mean over all replicas of what a step may lack.
func allMean(s *graph.Scope, x tensorflow.Output) tensorflow.Output {
	if x.Op == nil {
		return x
	}
	return s.AllMean(x)
}

// gradients lists those of all players and measures them.
func (step *Step) gradients(s *graph.Scope, players []*player) {
	for _, p := range players {
		step.PlayerNames = append(step.PlayerNames, p.Name)
		for i, g := range p.grads {
			step.GradientNames = append(step.GradientNames, p.vars[i].Name)
			step.Gradients = append(step.Gradients, g)
		}
	}
	step.GradientNorms = normsOf(s, players)
}

// normsOf are half the squared norms of all gradients.
func normsOf(s *graph.Scope, players []*player) tensorflow.Output {
	var norms []tensorflow.Output
	for _, p := range players {
		for _, g := range p.grads {
			norms = append(norms, s.Op("L2Loss", nil, g))
		}
	}
	return s.Stack(0, norms...)
}

// move moves all state behind one barrier.
func (step *Step) move(s, update *graph.Scope, players []*player) {
	update.Update(step.Counter, update.Add(step.Counter.Value, update.ScalarOf(tensorflow.Int64, 1)))
	step.Scale.grow(update)
	finite := step.finite(update)
	ready := []tensorflow.Output{finite}
	slots := s.Sub(slotScope)
	movers := make([]graph.Optimiser, len(players))
	for i, p := range players {
		movers[i] = p.NewOptimiser(slots, p.vars, step.Rates[p.Name])
		ready = append(ready, movers[i].Reads()...)
	}
	ready = append(ready, update.PendingUpdates()...)
	barrier := step.barrier(update, finite, ready)
	done := update.Commit(barrier)
	for i, p := range players {
		done = append(done, movers[i].Apply(update.At(p.Name), p.grads, barrier)...)
	}
	step.Train = update.AddOp("NoOp", nil, done)
}

// finite tells whether all losses and gradients are. The squared norms also catch
// gradients so large that their squares are no longer numbers. Of a process by
// itself the whole step fails otherwise, before anything moves; replicas agree.
func (step *Step) finite(s *graph.Scope) tensorflow.Output {
	all := s.Concat(0, step.Losses, step.GradientNorms)
	finite := s.Op("All", nil, s.Op("IsFinite", nil, all), s.ScalarOf(tensorflow.Int32, 0))
	if s.Replicas().Size > 1 {
		return step.agree(s, finite)
	}
	message := s.Const(refusedMark)
	check := s.AddOp("Assert", graph.Attrs{"summarize": int64(1)}, nil, finite, tensorflow.OutputList{message})
	return s.After(check, finite)
}

// barrier is what all assignments of the step wait for.
func (step *Step) barrier(s *graph.Scope, finite tensorflow.Output, ready []tensorflow.Output) *tensorflow.Operation {
	if s.Replicas().Size > 1 {
		return s.BarrierIf(finite, ready...)
	}
	return s.Barrier(ready...)
}
