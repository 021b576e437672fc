package fomm

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
)

// Generator encodes the source picture, moves its features by the dense
// motion, dims what is occluded and decodes the result (FOMM, 3.2). Encoding
// depends on the source alone, so an animation does it once.
type Generator struct {
	params      GeneratorParams
	alignCorner bool

	denseMotion *DenseMotion
	first       *graph.Block
	down, up    []*graph.Block
	bottleneck  []*graph.ResBlock
	final       *graph.Conv2D
}

// NewGenerator makes the variables of the generator, and of its dense motion
// network, in scope s.
func NewGenerator(s *graph.Scope, p GeneratorParams, c CommonParams, alignCorners bool) *Generator {
	g := &Generator{params: p, alignCorner: alignCorners}
	width := func(level int) int { return graph.Width(p.BlockExpansion, p.MaxFeatures, level) }
	g.denseMotion = NewDenseMotion(s.Sub("dense_motion_network"), p.DenseMotion, c, p.EstimateOcclusionMap)
	g.first = graph.NewSameBlock(s.Sub("first"), c.NumChannels, p.BlockExpansion, headKernel)
	for i := 0; i < p.NumDownBlocks; i++ {
		g.down = append(g.down, graph.NewDownBlock(s.Sub(graph.Numbered("down_blocks", i)), width(i), width(i+1)))
	}
	for i := 0; i < p.NumDownBlocks; i++ {
		level := p.NumDownBlocks - i
		g.up = append(g.up, graph.NewUpBlock(s.Sub(graph.Numbered("up_blocks", i)), width(level), width(level-1)))
	}
	bottleneck := s.Sub("bottleneck")
	for i := 0; i < p.NumBottleneckBlocks; i++ {
		g.bottleneck = append(g.bottleneck, graph.NewResBlock(bottleneck.Sub("r"+itoa(i)), width(p.NumDownBlocks)))
	}
	g.final = graph.NewConv2D(s.Sub("final"), p.BlockExpansion, c.NumChannels, headKernel, graph.SamePadding(headKernel))
	return g
}

// Encoded is all that the generator keeps of a source picture.
type Encoded struct {
	// Small [N, h, w, 3] is the source as the dense motion network sees it.
	Small tensorflow.Output
	// Features [N, h', w', C] are warped by the motion.
	Features tensorflow.Output
	// First and Down are the encoder's activations.
	First tensorflow.Output
	Down  []tensorflow.Output
}

// Generation is what Generate computes, stage by stage.
type Generation struct {
	Encoded
	Motion
	// FeatDeformed are the warped features, FeatOccluded those dimmed by the
	// occlusion map, Bottleneck the residual blocks' output.
	FeatDeformed, FeatOccluded, Bottleneck tensorflow.Output
	// Up are the decoder's activations.
	Up []tensorflow.Output
	// Prediction [N, H, W, 3] in (0, 1).
	Prediction tensorflow.Output
}

// Generate animates source [N, H, W, 3] from kp_source to kp_driving.
func (g *Generator) Generate(s *graph.Scope, source tensorflow.Output, kpSource, kpDriving Keypoints) Generation {
	return g.Decode(s, g.Encode(s, source), kpSource, kpDriving)
}

// Encode computes what depends on the source picture alone.
func (g *Generator) Encode(s *graph.Scope, source tensorflow.Output) Encoded {
	e := Encoded{Small: g.denseMotion.Shrink(s.At("dense_motion_network"), source)}
	e.First = g.first.Apply(s, source)
	e.Features = e.First
	for _, down := range g.down {
		e.Features = down.Apply(s, e.Features)
		e.Down = append(e.Down, e.Features)
	}
	return e
}

// Decode moves the encoded source from kp_source to kp_driving.
func (g *Generator) Decode(s *graph.Scope, e Encoded, kpSource, kpDriving Keypoints) Generation {
	out := Generation{Encoded: e}
	out.Motion = g.denseMotion.Apply(s.At("dense_motion_network"), e.Small, kpSource, kpDriving, g.alignCorner)
	dims := s.Shape(e.Features)
	if s.Err() != nil {
		return out
	}
	h, w := dims[1], dims[2]
	out.FeatDeformed = s.Warp(e.Features, s.ResizeBilinear(out.Deformation, h, w), graph.ZeroPadding, g.alignCorner)
	out.FeatOccluded = out.FeatDeformed
	if out.OcclusionMap.Op != nil {
		out.FeatOccluded = s.Mul(out.FeatDeformed, s.ResizeBilinear(out.OcclusionMap, h, w))
	}
	x := out.FeatOccluded
	for _, y := range graph.ApplyResBlocks(s.At("bottleneck"), g.bottleneck, x) {
		x = y
	}
	out.Bottleneck = x
	for _, up := range g.up {
		x = up.Apply(s, x)
		out.Up = append(out.Up, x)
	}
	out.Prediction = s.Sigmoid(g.final.Apply(s, x))
	return out
}

// Deformed is the source picture [N, H, W, 3] moved by the deformation: what
// the motion alone can do, to be looked at.
func (g *Generator) Deformed(s *graph.Scope, source tensorflow.Output, m Motion) tensorflow.Output {
	dims := s.Shape(source)
	if s.Err() != nil {
		return tensorflow.Output{}
	}
	return s.Warp(source, s.ResizeBilinear(m.Deformation, dims[1], dims[2]), graph.ZeroPadding, g.alignCorner)
}
