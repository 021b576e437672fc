package monkeynet

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
)

const leakySlope = 0.2

// Discriminator tells driving frames from predictions. It sees a picture beside
// maps of the driving keypoints.
type Discriminator struct {
	params DiscriminatorParams
	common CommonParams
	blocks []*discBlock
	head   *graph.Conv2D
}

// discBlock is convolution 4x4, instance norm (not in the first block), leaky
// ReLU, 2x2 average.
type discBlock struct {
	conv *graph.Conv2D
	norm *graph.InstanceNorm
	name string
}

// NewDiscriminator makes the variables of the discriminator in scope s.
func NewDiscriminator(s *graph.Scope, p DiscriminatorParams, c CommonParams) *Discriminator {
	d := &Discriminator{params: p, common: c}
	in := c.NumChannels + c.NumKP
	for i := 0; i < p.NumBlocks; i++ {
		name, out := graph.Numbered("down_blocks", i), graph.Width(p.BlockExpansion, p.MaxFeatures, i+1)
		at := s.Sub(name)
		b := &discBlock{name: name, conv: graph.NewConv2D(at.Sub("conv"), in, out, 4, graph.ConvOptions{})}
		if i > 0 {
			b.norm = graph.NewInstanceNorm(at.Sub("norm"), out)
		}
		d.blocks = append(d.blocks, b)
		in = out
	}
	d.head = graph.NewConv2D(s.Sub("conv"), in, 1, 1, graph.ConvOptions{})
	return d
}

// Judgement is what the discriminator says of pictures.
type Judgement struct {
	// KPEmbedding [N, H, W, K] are the maps of the keypoints that it saw.
	KPEmbedding tensorflow.Output
	// Maps are the picture, each block's output, and the raw scores
	// [N, h, w, 1]: what the reconstruction losses compare.
	Maps []tensorflow.Output
}

// Scores are the raw scores of all patches, [N, h, w, 1].
func (j Judgement) Scores() tensorflow.Output {
	if len(j.Maps) == 0 {
		return tensorflow.Output{}
	}
	return j.Maps[len(j.Maps)-1]
}

// Judge scores pictures x [N, H, W, 3]; gradients flow to the keypoints kp of
// the driving frame unless they are detached.
func (d *Discriminator) Judge(s *graph.Scope, x tensorflow.Output, kp Keypoints) Judgement {
	dims := s.Shape(x)
	if s.Err() != nil {
		return Judgement{}
	}
	h, w := dims[1], dims[2]
	maps := d.params.KPEmbedding.heatmaps(s, kp, d.common.KPVariance, h, w)
	j := Judgement{KPEmbedding: asMaps(s, maps, h, w), Maps: []tensorflow.Output{x}}
	y := s.Concat(3, x, j.KPEmbedding)
	for _, b := range d.blocks {
		at := s.At(b.name)
		y = b.conv.Apply(at, y)
		if b.norm != nil {
			y = b.norm.ApplyLeaky(at, y, leakySlope, true)
		} else {
			y = at.AvgPool2(at.LeakyRelu(y, leakySlope))
		}
		j.Maps = append(j.Maps, y)
	}
	j.Maps = append(j.Maps, d.head.Apply(s, y))
	return j
}
