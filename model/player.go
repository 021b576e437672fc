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
)

// Optimiser is a rule with its constants.
type Optimiser struct {
	Kind OptimiserKind
	// Beta1, Beta2 and Epsilon are Adam's.
	Beta1, Beta2, Epsilon float64
	// Momentum is the share of the last buffer that is kept.
	Momentum float64
}

// NewOptimiser makes the slots of the player's optimiser for vars in scope s.
// The rate is a scalar of the graph's dtype.
func (p Player) NewOptimiser(s *graph.Scope, vars []*graph.Variable, rate tensorflow.Output) graph.Optimiser {
	o := p.Optimiser
	if o.Kind == Momentum {
		return graph.NewSGD(s, vars, rate, o.Momentum)
	}
	return graph.NewAdam(s, p.Name, vars, rate, o.Beta1, o.Beta2, o.Epsilon)
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
