package graph

import (
	"strconv"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

// Block is convolution, batch norm, ReLU at one resolution; Down halves the
// sides behind it, Up doubles them before it.
type Block struct {
	Conv *Conv2D
	Norm *BatchNorm

	path     string
	up, down bool
}

// NewSameBlock keeps the resolution.
func NewSameBlock(s *Scope, in, out, kernel int) *Block {
	return newBlock(s, in, out, kernel, false, false)
}

// NewDownBlock halves the resolution by averaging after a 3x3 convolution.
func NewDownBlock(s *Scope, in, out int) *Block { return newBlock(s, in, out, 3, false, true) }

// NewUpBlock doubles the resolution by repeating pixels before a 3x3
// convolution.
func NewUpBlock(s *Scope, in, out int) *Block { return newBlock(s, in, out, 3, true, false) }

func newBlock(s *Scope, in, out, kernel int, up, down bool) *Block {
	return &Block{
		Conv: NewConv2D(s.Sub("conv"), in, out, kernel, SamePadding(kernel)),
		Norm: NewBatchNorm(s.Sub("norm"), out),
		path: s.path, up: up, down: down,
	}
}

// Apply maps x [N, H, W, in] to [N, H', W', out].
func (b *Block) Apply(s *Scope, x tensorflow.Output) tensorflow.Output {
	s = s.At(lastPart(b.path))
	if b.Conv.fuses(s) {
		x = b.Conv.ownNormed(s, b.Norm, x, b.up)
		if b.down {
			x = s.AvgPool2(x)
		}
		return x
	}
	if b.up {
		x = b.Conv.ApplyUp(s, x)
	} else {
		x = b.Conv.Apply(s, x)
	}
	return b.Norm.ApplyRelu(s, x, b.down)
}

// ResBlock is x + conv(ReLU(norm(conv(ReLU(norm(x)))))).
type ResBlock struct {
	Conv1, Conv2 *Conv2D
	Norm1, Norm2 *BatchNorm

	path string
}

// NewResBlock makes a residual block of 3x3 convolutions.
func NewResBlock(s *Scope, channels int) *ResBlock {
	return &ResBlock{
		Conv1: NewConv2D(s.Sub("conv1"), channels, channels, 3, SamePadding(3)),
		Conv2: NewConv2D(s.Sub("conv2"), channels, channels, 3, SamePadding(3)),
		Norm1: NewBatchNorm(s.Sub("norm1"), channels),
		Norm2: NewBatchNorm(s.Sub("norm2"), channels),
		path:  s.path,
	}
}

// Apply maps x [N, H, W, C] to the same shape.
func (b *ResBlock) Apply(s *Scope, x tensorflow.Output) tensorflow.Output {
	return ApplyResBlocks(s, []*ResBlock{b}, x)[0]
}

// ApplyResBlocks applies residual blocks one behind the other to x [N, H, W, C] and
// returns what each of them makes. Outside training our own kernels add x, and
// normalise for the next block, where they convolve.
func ApplyResBlocks(s *Scope, blocks []*ResBlock, x tensorflow.Output) []tensorflow.Output {
	var all []tensorflow.Output
	var normed tensorflow.Output // x behind norm1 and ReLU, where the block before has made it
	for i, b := range blocks {
		at := s.At(lastPart(b.path))
		if normed.Op == nil {
			normed = b.Norm1.ApplyRelu(at, x, false)
		}
		if b.Conv1.fuses(at) {
			var next *BatchNorm
			if i+1 < len(blocks) {
				next = blocks[i+1].Norm1
			}
			y := b.Conv1.ownNormed(at, b.Norm2, normed, false)
			x, normed = b.Conv2.ownResidual(at, y, x, next)
		} else {
			y := b.Norm2.ApplyRelu(at, b.Conv1.Apply(at, normed), false)
			x, normed = at.Add(x, b.Conv2.Apply(at, y)), tensorflow.Output{}
		}
		all = append(all, x)
	}
	return all
}

// Hourglass is an encoder of Down blocks and a decoder of Up blocks, each
// level's input joined to the decoder's output of the same resolution.
type Hourglass struct {
	down, up []*Block
	path     string
	out      int
}

// Width is the number of channels at level i: min(max, expansion * 2^i).
func Width(expansion, max, level int) int {
	w := expansion
	for ; level > 0 && w < max; level-- {
		w *= 2
	}
	if w > max {
		return max
	}
	return w
}

// NewHourglass makes an hourglass for in channels with the given number of
// levels. Up blocks are numbered from the deepest.
func NewHourglass(s *Scope, in, expansion, max, levels int) *Hourglass {
	h := &Hourglass{path: s.path, out: expansion + in}
	if expansion > max {
		h.out = max + in
	}
	encoder, decoder := s.Sub("encoder"), s.Sub("decoder")
	for i := 0; i < levels; i++ {
		from := in
		if i > 0 {
			from = Width(expansion, max, i)
		}
		h.down = append(h.down, NewDownBlock(encoder.Sub(Numbered("down_blocks", i)), from, Width(expansion, max, i+1)))
	}
	for i := levels - 1; i >= 0; i-- {
		from := Width(expansion, max, i+1)
		if i < levels-1 {
			from *= 2
		}
		h.up = append(h.up, NewUpBlock(decoder.Sub(Numbered("up_blocks", levels-1-i)), from, Width(expansion, max, i)))
	}
	return h
}

// OutChannels is the number of channels that Apply returns.
func (h *Hourglass) OutChannels() int { return h.out }

// Apply maps x [N, H, W, in] to [N, H, W, OutChannels]; H and W must be
// multiples of 2^levels. It also returns the encoder's activations, x first.
func (h *Hourglass) Apply(s *Scope, x tensorflow.Output) (y tensorflow.Output, encoded []tensorflow.Output) {
	s = s.At(lastPart(h.path))
	_, height, width, _, ok := s.maps("input", x)
	if !ok {
		return
	}
	if step := 1 << len(h.down); height%step != 0 || width%step != 0 {
		s.Failf("maps of %dx%d: an hourglass of %d blocks needs sides that are multiples of %d", height, width, len(h.down), step)
		return
	}
	skips := []tensorflow.Output{x}
	for _, down := range h.down {
		skips = append(skips, down.Apply(s, skips[len(skips)-1]))
	}
	encoded = append(encoded, skips...)

	y, skips = pop(skips)
	for _, up := range h.up {
		var skip tensorflow.Output
		y = up.Apply(s, y)
		skip, skips = pop(skips)
		y = s.Concat(3, y, skip)
	}
	if len(skips) != 0 {
		s.Failf("%d skip connections are left over", len(skips))
	}
	return y, encoded
}

func pop(stack []tensorflow.Output) (top tensorflow.Output, rest []tensorflow.Output) {
	return stack[len(stack)-1], stack[:len(stack)-1]
}

// Numbered is the reference's name of the i-th block of a list: name.i.
func Numbered(name string, i int) string { return name + "." + strconv.Itoa(i) }
