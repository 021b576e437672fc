package convert

import (
	"fmt"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/model/fomm"
)

// The networks of a checkpoint.
const (
	generator     = fomm.GeneratorPlayer
	kpDetector    = fomm.KPDetectorPlayer
	discriminator = fomm.DiscriminatorPlayer
)

// players are the networks that a file may hold.
var players = namesOf(fomm.Players())

func namesOf(players []model.Player) []string {
	names := make([]string, len(players))
	for i, p := range players {
		names[i] = p.Name
	}
	return names
}

// networks are the variables that a training run of a configuration has.
type networks struct {
	scope   *graph.Scope
	players []*player
	// counter counts the steps of the run.
	counter *graph.Variable
	// deep says that kernels in files have three dimensions, the first of them 1:
	// Monkey-Net's do.
	deep bool
}

// player is a network and its optimiser.
type player struct {
	model.Player
	// vars are weights and state, in the order of their creation.
	vars []*graph.Variable
	// step counts the optimiser's steps; nil where it does not.
	step *graph.Variable
	// moments are Adam's first and second ones of every weight, or its buffer of
	// momentum; Muon has either.
	moments map[*graph.Variable][]*graph.Variable
}

// newNetworks makes the variables of a configuration in a graph that nobody
// runs.
func newNetworks(c *config.Config) (*networks, error) {
	s := graph.New(tensorflow.Float)
	family := c.Family()
	family.NewAnimator(s)
	family.NewCritic(s)
	all := s.Variables()
	n := &networks{scope: s, deep: family.Name() == model.MonkeyNetFamily, counter: s.VariableOf(tensorflow.Int64, "step", graph.Slot, graph.Zeros)}
	rate := s.Placeholder("learning_rate", tensorflow.Float)
	slots := s.Sub("optimizer")
	for _, one := range family.Players() {
		p := &player{Player: one, moments: map[*graph.Variable][]*graph.Variable{}}
		for _, v := range all {
			if p.Owns(v.Name) {
				p.vars = append(p.vars, v)
			}
		}
		weights := p.weights()
		switch o := p.NewOptimiser(slots, weights, rate).(type) {
		case *graph.Adam:
			p.step = o.Step
			for i, v := range weights {
				first, second := o.Slots(i)
				p.moments[v] = []*graph.Variable{first, second}
			}
		case *graph.Muon:
			p.step = o.Adam.Step
			for i, v := range weights {
				p.moments[v] = o.Slots(i)
			}
		case *graph.SGD:
			for i, v := range weights {
				p.moments[v] = []*graph.Variable{o.Buffer(i)}
			}
		}
		n.players = append(n.players, p)
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("the networks of the configuration: %w", err)
	}
	return n, nil
}

// weights are the variables that the optimiser moves.
func (p *player) weights() []*graph.Variable {
	var list []*graph.Variable
	for _, v := range p.vars {
		if v.Kind == graph.Trainable {
			list = append(list, v)
		}
	}
	return list
}

// slots are the optimiser's variables.
func (p *player) slots() []*graph.Variable {
	var list []*graph.Variable
	if p.step != nil {
		list = append(list, p.step)
	}
	for _, v := range p.weights() {
		list = append(list, p.moments[v]...)
	}
	return list
}

// player returns the network of that name, nil if the variant has none.
func (n *networks) player(name string) *player {
	for _, p := range n.players {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// ownerOf returns the network that a variable of a file belongs to, or its
// optimiser's slot without its prefix; nil if there is none.
func (n *networks) ownerOf(name string) *player {
	for _, p := range n.players {
		if p.Keeps(name) {
			return p
		}
	}
	return nil
}

// fileName is the name of a variable in files with the reference's names.
func fileName(v *graph.Variable) string {
	if rest, ok := strings.CutPrefix(v.Name, "optimizer."); ok {
		return optimizerPrefix + rest
	}
	return v.Name
}

// optimizerPrefix begins the names of what belongs to a network's optimiser.
const optimizerPrefix = "optimizer_"

// fileShape is the shape of a variable in files with the reference's layouts:
// kernels [height, width, in, out] are [out, in, height, width] there, with a
// depth of 1 before the height where they are deep.
func (n *networks) fileShape(v *graph.Variable) []int64 {
	d := v.Dims
	switch {
	case len(d) == 4 && n.deep:
		return []int64{d[3], d[2], 1, d[0], d[1]}
	case len(d) == 4:
		return []int64{d[3], d[2], d[0], d[1]}
	}
	return append([]int64{}, d...)
}
