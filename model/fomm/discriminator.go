package fomm

import (
	"strconv"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
)

const leakySlope = 0.2

func itoa(i int) string { return strconv.Itoa(i) }

func scaleName(scale float64) string { return strconv.FormatFloat(scale, 'g', -1, 64) }

// Judgement is what a discriminator says of pictures.
type Judgement struct {
	// Features are the encoder blocks' outputs, one list per scale: what
	// feature matching compares.
	Features [][]tensorflow.Output
	// Scores are the encoder's raw scores, one output per scale: [N, h, w, 1],
	// or [N, 1] from a global head.
	Scores []tensorflow.Output
	// Decoded are the U-Net's decoder activations; none without a decoder.
	Decoded []tensorflow.Output
	// Pixels [N, H, W, 1] is the U-Net decoder's raw score of each pixel; it
	// does not exist without a decoder.
	Pixels tensorflow.Output
}

// Discriminator tells driving frames from predictions.
type Discriminator interface {
	// Judge scores a pyramid of pictures; kp are the driving keypoints, used
	// where the discriminator is conditioned on them.
	Judge(s *graph.Scope, x *model.Pyramid, kp Keypoints) Judgement
}

// condition joins x [N, H, W, C] with maps of the keypoints, if p asks for them.
func (p DiscriminatorParams) condition(s *graph.Scope, x tensorflow.Output, kp Keypoints) tensorflow.Output {
	dims := s.Shape(x)
	if !p.UseKP || s.Err() != nil {
		return x
	}
	h, w := dims[1], dims[2]
	maps := Gaussians(s, s.StopGradient(kp.Value), h, w, p.KPVariance)
	return s.Concat(3, x, s.Transpose(maps, 0, 2, 3, 1))
}

// inChannels is the number of channels that condition returns.
func (p DiscriminatorParams) inChannels(c CommonParams) int {
	if p.UseKP {
		return c.NumChannels + c.NumKP
	}
	return c.NumChannels
}

// discBlock is convolution 4x4, instance norm (not in the first block), leaky
// ReLU, 2x2 average (not in the last).
type discBlock struct {
	conv *graph.Conv2D
	norm *graph.InstanceNorm
	pool bool
	path string
}

func newDiscBlock(s *graph.Scope, in, out int, norm, pool bool, o graph.ConvOptions) *discBlock {
	b := &discBlock{conv: graph.NewConv2D(s.Sub("conv"), in, out, 4, o), pool: pool, path: s.Path()}
	if norm {
		b.norm = graph.NewInstanceNorm(s.Sub("norm"), out)
	}
	return b
}

func (b *discBlock) apply(s *graph.Scope, x tensorflow.Output) tensorflow.Output {
	s = s.At(b.path[strings.LastIndexByte(b.path, '/')+1:])
	x = b.conv.Apply(s, x)
	if b.norm != nil {
		return b.norm.ApplyLeaky(s, x, leakySlope, b.pool)
	}
	x = s.LeakyRelu(x, leakySlope)
	if b.pool {
		x = s.AvgPool2(x)
	}
	return x
}

// encoderWidth is the number of channels of encoder block i.
func (p DiscriminatorParams) encoderWidth(i int) int {
	return graph.Width(p.BlockExpansion, p.MaxFeatures, i+1)
}

// MultiScale is FOMM's discriminator: one of patches per scale of the pyramid.
type MultiScale struct {
	params DiscriminatorParams
	scales []*patchDiscriminator
}

type patchDiscriminator struct {
	scale  float64
	blocks []*discBlock
	head   *graph.Conv2D
}

// NewMultiScale makes the variables of one discriminator per scale in s.
func NewMultiScale(s *graph.Scope, p DiscriminatorParams, c CommonParams) *MultiScale {
	m := &MultiScale{params: p}
	discs := s.Sub("discs")
	for _, scale := range p.Scales {
		name := strings.ReplaceAll(scaleName(scale), ".", "-")
		at := discs.Sub(name)
		d := &patchDiscriminator{scale: scale}
		o := graph.ConvOptions{SpectralNorm: p.SN}
		in := p.inChannels(c)
		for i := 0; i < p.NumBlocks; i++ {
			out := p.encoderWidth(i)
			d.blocks = append(d.blocks, newDiscBlock(at.Sub(graph.Numbered("down_blocks", i)), in, out, i > 0, i < p.NumBlocks-1, o))
			in = out
		}
		d.head = graph.NewConv2D(at.Sub("conv"), in, 1, 1, o)
		m.scales = append(m.scales, d)
	}
	return m
}

// Judge implements Discriminator.
func (m *MultiScale) Judge(s *graph.Scope, x *model.Pyramid, kp Keypoints) Judgement {
	var j Judgement
	for _, d := range m.scales {
		at := s.At("scale_" + scaleName(d.scale))
		y := m.params.condition(at, x.Level(d.scale), kp)
		var features []tensorflow.Output
		for _, b := range d.blocks {
			y = b.apply(at, y)
			features = append(features, y)
		}
		j.Features = append(j.Features, features)
		j.Scores = append(j.Scores, d.head.Apply(at, y))
	}
	return j
}

// UNetDiscriminator is FOMM's discriminator with convolutions that keep the
// size, extended by a decoder with skip connections that scores every pixel
// (PriorityCut, 3.1).
type UNetDiscriminator struct {
	params     DiscriminatorParams
	down       []*discBlock
	head       *graph.Conv2D
	up         []*unetUp
	headDecode *graph.Conv2D
}

type unetUp struct {
	conv *graph.Conv2D
	norm *graph.InstanceNorm
	path string
}

// NewUNetDiscriminator makes the variables of both halves in scope s.
func NewUNetDiscriminator(s *graph.Scope, p DiscriminatorParams, c CommonParams) *UNetDiscriminator {
	u := &UNetDiscriminator{params: p}
	// One zero before and two behind keep the size under a 4x4 kernel.
	encode := graph.ConvOptions{PadBefore: 1, PadAfter: 2, SpectralNorm: p.SN}
	in := p.inChannels(c)
	for i := 0; i < p.NumBlocks; i++ {
		out := p.encoderWidth(i)
		u.down = append(u.down, newDiscBlock(s.Sub(graph.Numbered("down_blocks", i)), in, out, i > 0, i < p.NumBlocks-1, encode))
		in = out
	}
	u.head = graph.NewConv2D(s.Sub("conv"), in, 1, 1, graph.ConvOptions{SpectralNorm: p.SN})
	decode := graph.SamePadding(3)
	decode.SpectralNorm = p.SN
	for i := p.NumBlocks - 2; i >= 0; i-- {
		at := s.Sub(graph.Numbered("up_blocks", p.NumBlocks-2-i))
		out := p.decoderWidth(i)
		u.up = append(u.up, &unetUp{
			conv: graph.NewConv2D(at.Sub("conv"), in+p.encoderWidth(i), out, 3, decode),
			norm: graph.NewInstanceNorm(at.Sub("norm"), out),
			path: at.Path(),
		})
		in = out
	}
	u.headDecode = graph.NewConv2D(s.Sub("conv_dec"), in, 1, 1, graph.ConvOptions{SpectralNorm: p.SN})
	return u
}

// decoderWidth is the number of channels of the decoder at encoder level i.
func (p DiscriminatorParams) decoderWidth(i int) int {
	w := int(float64(p.encoderWidth(i)) * p.DecoderScale)
	if w < 1 {
		return 1
	}
	return w
}

// Judge implements Discriminator.
func (u *UNetDiscriminator) Judge(s *graph.Scope, x *model.Pyramid, kp Keypoints) Judgement {
	y := u.params.condition(s, x.Level(1), kp)
	if dims := s.Shape(y); s.Err() == nil {
		if step := 1 << (len(u.down) - 1); dims[1]%step != 0 || dims[2]%step != 0 {
			s.Failf("pictures of %dx%d: a U-Net discriminator of %d blocks needs sides that are multiples of %d", dims[1], dims[2], len(u.down), step)
		}
	}
	var skips []tensorflow.Output
	for _, b := range u.down {
		y = b.apply(s, y)
		skips = append(skips, y)
	}
	j := Judgement{Features: [][]tensorflow.Output{skips}, Scores: []tensorflow.Output{u.score(s, y)}}
	for i, up := range u.up {
		at := s.At(up.path[strings.LastIndexByte(up.path, '/')+1:])
		skip := skips[len(skips)-2-i]
		y = up.conv.ApplyUp(at, at.Concat(3, y, skip))
		y = up.norm.ApplyLeaky(at, y, leakySlope, false)
		j.Decoded = append(j.Decoded, y)
	}
	j.Pixels = u.headDecode.Apply(s, y)
	return j
}

// score is the encoder's head: a score per patch, or one per picture.
func (u *UNetDiscriminator) score(s *graph.Scope, y tensorflow.Output) tensorflow.Output {
	if u.params.EncHead != GlobalHead {
		return u.head.Apply(s, y)
	}
	dims := s.Shape(y)
	if s.Err() != nil {
		return tensorflow.Output{}
	}
	pooled := s.Reshape(s.Sum(s.Relu(y), 1, 2), -1, 1, 1, dims[3])
	return s.Reshape(u.head.Apply(s, pooled), -1, 1)
}
