package model

import (
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
)

// Player is a network of a training, or several, whose weights one optimiser
// moves.
type Player struct {
	// Name of the player: its optimiser's count is optimizer.<name>.step, its
	// columns in metrics.csv are lr_<name> and grad_<name>, its file in the
	// reference's checkpoints is optimizer_<name>.
	Name string
	// Prefixes begin the names of its variables.
	Prefixes []string
	// Critic says that its networks judge: training alone needs them.
	Critic bool
	// Terms names the player whose terms it minimises; empty: its own. Players
	// of the same terms share one backward pass.
	Terms string
	// Rate is the key of its learning rate below train_params.
	Rate string
	// Optimiser moves its weights.
	Optimiser Optimiser
}

// Owns reports whether a variable, named in full, is the player's.
func (p Player) Owns(variable string) bool {
	for _, prefix := range p.Prefixes {
		if strings.HasPrefix(variable, prefix) {
			return true
		}
	}
	return false
}

// Keeps reports whether a variable is the player's or its optimiser's, whose
// names are those of optimizer.* without that word.
func (p Player) Keeps(slot string) bool { return p.Owns(slot) || strings.HasPrefix(slot, p.Name+".") }

// Minimises is the name of the player whose terms it minimises.
func (p Player) Minimises() string {
	if p.Terms != "" {
		return p.Terms
	}
	return p.Name
}

// OwnerOf is the player that owns a variable; ok is false where none does.
func OwnerOf(players []Player, variable string) (p Player, ok bool) {
	for _, p := range players {
		if p.Owns(variable) {
			return p, true
		}
	}
	return Player{}, false
}

// OptimiserKind is the rule by which weights are moved.
type OptimiserKind int

const (
	// Adam keeps two moments of every weight.
	Adam OptimiserKind = iota
	// Momentum is stochastic gradient descent with momentum, in PyTorch's form.
	Momentum
	// Muon makes the momentum of convolutions' kernels orthogonal and moves all else
	// by Adam.
	Muon
)

// Optimiser is a rule with its constants.
type Optimiser struct {
	Kind OptimiserKind
	// Beta1, Beta2 and Epsilon are Adam's, and those of what Muon leaves to it.
	Beta1, Beta2, Epsilon float64
	// Scale is the size of Muon's steps in learning rates.
	Scale float64
	// Momentum is the share of the last buffer that is kept.
	Momentum float64
}

// NewOptimiser makes the slots of the player's optimiser for vars in scope s.
// The rate is a scalar of the graph's dtype.
func (p Player) NewOptimiser(s *graph.Scope, vars []*graph.Variable, rate tensorflow.Output) graph.Optimiser {
	o := p.Optimiser
	adam := func(vars []*graph.Variable) *graph.Adam {
		return graph.NewAdam(s, p.Name, vars, rate, o.Beta1, o.Beta2, o.Epsilon)
	}
	switch o.Kind {
	case Momentum:
		return graph.NewSGD(s, vars, rate, o.Momentum)
	case Muon:
		return graph.NewMuon(s, vars, rate, o.Scale, adam)
	}
	return adam(vars)
}

// ByMuon lets those of players that do not judge be moved by Muon with steps of so
// many learning rates; 0 leaves all as they are.
func ByMuon(players []Player, scale float64) []Player {
	for i := range players {
		if p := &players[i]; scale > 0 && !p.Critic {
			p.Optimiser.Kind, p.Optimiser.Scale = Muon, scale
		}
	}
	return players
}

// Term is a term of a player's loss.
type Term struct {
	// Name of its column in metrics.csv.
	Name string
	// Player that minimises it, and those that share its terms.
	Player string
	// Value is a scalar, unweighted, and Weight its weight.
	Value  tensorflow.Output
	Weight float64
	// Warmed terms are multiplied by the warm-up of the step besides, which what
	// is reported of them is not.
	Warmed bool
}

// Stat is a measurement of a step without a gradient.
type Stat struct {
	Name  string
	Value tensorflow.Output
}
