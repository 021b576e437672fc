package model

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
)

// Pyramid is a picture [N, H, W, 3] at several scales, each made once.
type Pyramid struct {
	s      *graph.Scope
	levels map[float64]tensorflow.Output

	// of and stage are those of a pyramid that enters a stage.
	of    *Pyramid
	stage *graph.Stage
}

// NewPyramid returns the pyramid of x, whose operations go into scope s.
func NewPyramid(s *graph.Scope, x tensorflow.Output) *Pyramid {
	return &Pyramid{s: s, levels: map[float64]tensorflow.Output{1: x}}
}

// Entering is the same pyramid, each level of which enters a stage when it is used
// there; the operations go into scope s.
func (p *Pyramid) Entering(s *graph.Scope, stage *graph.Stage) *Pyramid {
	return &Pyramid{s: s, levels: map[float64]tensorflow.Output{}, of: p, stage: stage}
}

// Level is the picture shrunk (anti-aliased) by scale.
func (p *Pyramid) Level(scale float64) tensorflow.Output {
	if _, ok := p.levels[scale]; !ok {
		if p.of != nil {
			p.levels[scale] = p.stage.Enter(p.s, p.of.Level(scale))
		} else {
			p.levels[scale] = p.s.AntiAlias(p.levels[1], scale)
		}
	}
	return p.levels[scale]
}
