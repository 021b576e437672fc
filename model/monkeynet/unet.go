package monkeynet

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
)

// encoder halves the resolution block by block.
type encoder struct {
	path string
	down []*graph.Block
}

func newEncoder(s *graph.Scope, in int, p UNetParams) *encoder {
	e := &encoder{path: s.Path()}
	for i := 0; i < p.NumBlocks; i++ {
		out := p.width(i + 1)
		e.down = append(e.down, graph.NewDownBlock(s.Sub(graph.Numbered("down_blocks", i)), in, out))
		in = out
	}
	return e
}

// width is the number of channels at level i.
func (p UNetParams) width(i int) int { return graph.Width(p.BlockExpansion, p.MaxFeatures, i) }

// apply returns x [N, H, W, in] and the output of every block; H and W must be
// multiples of 2^blocks.
func (e *encoder) apply(s *graph.Scope, x tensorflow.Output) []tensorflow.Output {
	dims := s.Shape(x)
	if len(dims) != 4 {
		return nil
	}
	if step := 1 << len(e.down); dims[1]%step != 0 || dims[2]%step != 0 {
		s.Failf("maps of %dx%d: %d blocks need sides that are multiples of %d; use fewer blocks or other pictures",
			dims[1], dims[2], len(e.down), step)
		return nil
	}
	skips := []tensorflow.Output{x}
	for _, down := range e.down {
		x = down.Apply(s, x)
		skips = append(skips, x)
	}
	return skips
}

// decoder doubles the resolution block by block, and joins each output with the
// skip connection of that size.
type decoder struct {
	up []*graph.Block
}

// newDecoder makes the up blocks, numbered from the deepest; joined are the
// channels that each skip connection has besides the encoder's.
func newDecoder(s *graph.Scope, p UNetParams, joined int) *decoder {
	d := &decoder{}
	for i := p.NumBlocks - 1; i >= 0; i-- {
		in := p.width(i + 1)
		if i < p.NumBlocks-1 {
			in *= 2
		}
		at := s.Sub(graph.Numbered("up_blocks", p.NumBlocks-1-i))
		d.up = append(d.up, graph.NewUpBlock(at, in+joined, p.width(i)))
	}
	return d
}

// apply starts from the deepest of skips, the first of which is at full
// resolution. It also returns what each block gives before it is joined.
func (d *decoder) apply(s *graph.Scope, skips []tensorflow.Output) (y tensorflow.Output, ups []tensorflow.Output) {
	if s.Err() != nil {
		return
	}
	if len(skips) != len(d.up)+1 {
		s.Failf("%d skip connections for %d up blocks", len(skips), len(d.up))
		return
	}
	y, skips = skips[len(skips)-1], skips[:len(skips)-1]
	for _, up := range d.up {
		y = up.Apply(s, y)
		ups = append(ups, y)
		y = s.Concat(3, y, skips[len(skips)-1])
		skips = skips[:len(skips)-1]
	}
	return y, ups
}

// hourglass is an encoder and a decoder that end with a convolution.
type hourglass struct {
	encoder *encoder
	decoder *decoder
	conv    *graph.Conv2D
}

func newHourglass(s *graph.Scope, in, out int, p UNetParams, last graph.ConvOptions) *hourglass {
	last.PadBefore, last.PadAfter = 1, 1
	h := &hourglass{encoder: newEncoder(s.Sub("encoder"), in, p)}
	at := s.Sub("decoder")
	h.decoder = newDecoder(at, p, 0)
	h.conv = graph.NewConv2D(at.Sub("conv"), p.width(0)+in, out, 3, last)
	return h
}

// apply maps x [N, H, W, in] to [N, H, W, out], and returns what the blocks of
// both halves give.
func (h *hourglass) apply(s *graph.Scope, x tensorflow.Output) (y tensorflow.Output, encoded, decoded []tensorflow.Output) {
	encoded = h.encoder.apply(s.At("encoder"), x)
	at := s.At("decoder")
	y, decoded = h.decoder.apply(at, encoded)
	if s.Err() != nil {
		return
	}
	return h.conv.Apply(at, y), encoded, decoded
}
