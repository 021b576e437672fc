package monkeynet

import (
	"strconv"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
)

// Generator is a U-Net whose skip connections, the picture among them, are
// warped by the dense motion and joined with maps of the keypoints. Encoding
// depends on the source alone, so an animation does it once.
type Generator struct {
	params       GeneratorParams
	common       CommonParams
	alignCorners bool

	appearance  *encoder
	denseMotion *DenseMotion
	decoder     *decoder
	refinement  []*graph.ResBlock
	last        *graph.Conv2D
}

// NewGenerator makes the variables of the generator, and of its dense motion
// network, in scope s.
func NewGenerator(s *graph.Scope, p GeneratorParams, c CommonParams, alignCorners bool) *Generator {
	g := &Generator{params: p, common: c, alignCorners: alignCorners}
	g.appearance = newEncoder(s.Sub("appearance_encoder"), c.NumChannels, p.UNetParams)
	g.denseMotion = NewDenseMotion(s.Sub("dense_motion_module"), p.DenseMotion, c)
	g.decoder = newDecoder(s.Sub("video_decoder"), p.UNetParams, c.NumKP)
	features := p.width(0) + c.NumChannels + c.NumKP
	refinement := s.Sub("refinement_module")
	for i := 0; i < p.NumRefinementBlocks; i++ {
		g.refinement = append(g.refinement, graph.NewResBlock(refinement.Sub("r"+strconv.Itoa(i)), features))
	}
	g.last = graph.NewConv2D(refinement.Sub("conv-last"), features, c.NumChannels, 1, graph.ConvOptions{})
	return g
}

// Encoded is all that the generator keeps of a source picture.
type Encoded struct {
	// Small [N, h, w, 3] is the source as the dense motion network sees it.
	Small tensorflow.Output
	// Skips are the picture [N, H, W, 3] and the encoder's activations.
	Skips []tensorflow.Output
}

// Generation is what Generate computes, stage by stage.
type Generation struct {
	Encoded
	Motion
	// KPEmbedding [N, h, w, K] are the keypoints' maps.
	KPEmbedding tensorflow.Output
	// SkipsDeformed are the skip connections moved by the deformation; the first
	// is the source picture.
	SkipsDeformed []tensorflow.Output
	// Up are the decoder's activations, Refined the residual blocks'.
	Up, Refined []tensorflow.Output
	// Logits [N, H, W, 3] are the prediction before the sigmoid.
	Logits tensorflow.Output
	// Prediction [N, H, W, 3] in (0, 1).
	Prediction tensorflow.Output
}

// Deformed is the source picture [N, H, W, 3] moved by the deformation.
func (g Generation) Deformed() tensorflow.Output {
	if len(g.SkipsDeformed) == 0 {
		return tensorflow.Output{}
	}
	return g.SkipsDeformed[0]
}

// Generate animates source [N, H, W, 3] from kp_source to kp_driving.
func (g *Generator) Generate(s *graph.Scope, source tensorflow.Output, kpSource, kpDriving Keypoints) Generation {
	return g.Decode(s, g.Encode(s, source), kpSource, kpDriving)
}

// Encode computes what depends on the source picture alone.
func (g *Generator) Encode(s *graph.Scope, source tensorflow.Output) Encoded {
	return Encoded{
		Small: shrink(s.At("dense_motion_module"), source, g.params.DenseMotion.ScaleFactor),
		Skips: g.appearance.apply(s.At("appearance_encoder"), source),
	}
}

// Decode moves the encoded source from kp_source to kp_driving.
func (g *Generator) Decode(s *graph.Scope, e Encoded, kpSource, kpDriving Keypoints) Generation {
	out := Generation{Encoded: e}
	out.Motion = g.denseMotion.Apply(s.At("dense_motion_module"), e.Small, kpSource, kpDriving, g.alignCorners)
	out.KPEmbedding = g.embedding(s, e, kpSource, kpDriving)
	if s.Err() != nil || len(e.Skips) == 0 {
		return out
	}
	var joined []tensorflow.Output
	for _, skip := range e.Skips {
		dims := s.Shape(skip)
		if s.Err() != nil {
			return out
		}
		flow, maps := g.resize(s, out.Deformation, dims), g.resize(s, out.KPEmbedding, dims)
		moved := s.Warp(skip, flow, graph.ZeroPadding, g.alignCorners)
		out.SkipsDeformed = append(out.SkipsDeformed, moved)
		joined = append(joined, s.Concat(3, moved, maps))
	}
	var x tensorflow.Output
	x, out.Up = g.decoder.apply(s.At("video_decoder"), joined)
	at := s.At("refinement_module")
	for _, y := range graph.ApplyResBlocks(at, g.refinement, x) {
		x, out.Refined = y, append(out.Refined, y)
	}
	out.Logits = g.last.Apply(at, x)
	out.Prediction = s.Sigmoid(out.Logits)
	return out
}

// embedding draws the keypoints at their share of the picture's size.
func (g *Generator) embedding(s *graph.Scope, e Encoded, kpSource, kpDriving Keypoints) tensorflow.Output {
	if s.Err() != nil || len(e.Skips) == 0 {
		return tensorflow.Output{}
	}
	dims, p := s.Shape(e.Skips[0]), g.params.KPEmbedding
	factor := p.ScaleFactor
	if factor == 0 {
		factor = 1
	}
	h, w := int(float64(dims[1])*factor), int(float64(dims[2])*factor)
	return asMaps(s, p.embedding(s, kpSource, kpDriving, g.common.KPVariance, h, w), h, w)
}

// resize brings maps to the sizes dims of a skip connection.
func (g *Generator) resize(s *graph.Scope, x tensorflow.Output, dims []int) tensorflow.Output {
	if g.params.InterpolationMode == Trilinear {
		return s.ResizeBilinear(x, dims[1], dims[2])
	}
	return s.ResizeNearest(x, dims[1], dims[2])
}
