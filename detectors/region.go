package detectors

import (
	tensorflow "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// region is a square of each picture: x, y (its centre) and side in pixels of the
// picture, counted from its left upper corner, angle in radians and confidence,
// each [N].
type region struct {
	x, y, side, angle, confidence tensorflow.Output
}

// tensor is the region as [N, 5].
func (b *builder) tensor(r region) tensorflow.Output {
	return b.columns(r.x, r.y, r.side, r.angle, r.confidence)
}

// regionOf is a region of its tensor [N, 5].
func (b *builder) regionOf(t tensorflow.Output) region {
	return region{b.column(t, 0), b.column(t, 1), b.column(t, 2), b.column(t, 3), b.column(t, 4)}
}

// size is the batch, height and width of pictures, each int32.
func (b *builder) size(image tensorflow.Output) (n, h, w tensorflow.Output) {
	shape := op.Shape(b.next(), image)
	at := func(i int32) tensorflow.Output {
		return op.GatherV2(b.next(), shape, op.Const(b.next(), i), op.Const(b.next(), int32(0)))
	}
	return at(0), at(1), at(2)
}

// whole is the least square around each picture.
func (b *builder) whole(image tensorflow.Output) region {
	n, h, w := b.size(image)
	float := func(x tensorflow.Output) tensorflow.Output { return op.Cast(b.next(), x, tensorflow.Float) }
	fill := func(x tensorflow.Output) tensorflow.Output {
		return op.Fill(b.next(), op.Pack(b.next(), []tensorflow.Output{n}), x)
	}
	side := op.Maximum(b.next(), float(h), float(w))
	return region{
		x: fill(b.times(float(w), 0.5)), y: fill(b.times(float(h), 0.5)), side: fill(side),
		angle: fill(b.num(0)), confidence: fill(b.num(1)),
	}
}

// crop cuts a region out of each picture and makes it upright, size pixels wide,
// black outside. Pixels of the crop are means of bilinear samples that lie at most
// a pixel of the picture apart, so that nothing of a large region is passed over;
// a region no wider than size is sampled once for each.
func (b *builder) crop(image tensorflow.Output, r region, size int32) tensorflow.Output {
	k := b.samples(r.side, size)
	fine := b.sampled(image, r, op.Mul(b.next(), k, op.Const(b.next(), size)))
	return b.averaged(fine, k, size)
}

// maxSamples bounds the samples of a pixel along each axis: beyond it a region of
// thousands of pixels would take more memory than its picture.
const maxSamples = 16

// samples is how many samples a pixel takes along each axis, so that the widest of
// the regions is sampled at least once a pixel: a number, int32.
func (b *builder) samples(side tensorflow.Output, size int32) tensorflow.Output {
	widest := op.Max(b.next(), side, op.Const(b.next(), []int32{0}))
	k := op.Ceil(b.next(), b.times(widest, 1/float32(size)))
	return op.Cast(b.next(), op.Minimum(b.next(), op.Maximum(b.next(), k, b.num(1)), b.num(maxSamples)), tensorflow.Int32)
}

// averaged makes pixels of k by k ones: x [N, size k, size k, C] -> [N, size,
// size, C].
func (b *builder) averaged(x, k tensorflow.Output, size int32) tensorflow.Output {
	whole := op.Shape(b.next(), x)
	at := func(i int32) tensorflow.Output {
		return op.GatherV2(b.next(), whole, op.Const(b.next(), i), op.Const(b.next(), int32(0)))
	}
	s := op.Const(b.next(), size)
	blocks := op.Reshape(b.next(), x, op.Pack(b.next(), []tensorflow.Output{at(0), s, k, s, k, at(3)}))
	return op.Mean(b.next(), blocks, op.Const(b.next(), []int32{2, 4}))
}

// sampled takes bilinear samples of a region, pixels in a row of them.
func (b *builder) sampled(image tensorflow.Output, r region, pixels tensorflow.Output) tensorflow.Output {
	// Sample u lies at ((u + 1/2) / pixels - 1/2) side from the centre.
	share := op.Reciprocal(b.next(), op.Cast(b.next(), pixels, tensorflow.Float))
	scale := b.mul(r.side, share)
	first := b.mul(r.side, b.plus(b.times(share, 0.5), -0.5))
	cos, sin := op.Cos(b.next(), r.angle), op.Sin(b.next(), r.angle)
	zero := op.ZerosLike(b.next(), r.side)
	transforms := b.columns(
		b.mul(cos, scale), op.Neg(b.next(), b.mul(sin, scale)), b.add(b.plus(r.x, -0.5), b.mul(first, b.sub(cos, sin))),
		b.mul(sin, scale), b.mul(cos, scale), b.add(b.plus(r.y, -0.5), b.mul(first, b.add(cos, sin))),
		zero, zero)
	return op.ImageProjectiveTransformV3(b.next(), image, transforms, op.Pack(b.next(), []tensorflow.Output{pixels, pixels}), b.num(0), "BILINEAR")
}

// onPicture brings points x, y [N, J], in shares of a region's side from its left
// upper corner, to pixels of the picture, 0 the centre of the first one.
func (b *builder) onPicture(r region, x, y tensorflow.Output) (px, py tensorflow.Output) {
	column := func(t tensorflow.Output) tensorflow.Output { return b.reshape(t, -1, 1) }
	cos, sin, side := column(op.Cos(b.next(), r.angle)), column(op.Sin(b.next(), r.angle)), column(r.side)
	dx, dy := b.mul(b.plus(x, -0.5), side), b.mul(b.plus(y, -0.5), side)
	px = b.plus(b.add(column(r.x), b.sub(b.mul(cos, dx), b.mul(sin, dy))), -0.5)
	py = b.plus(b.add(column(r.y), b.add(b.mul(sin, dx), b.mul(cos, dy))), -0.5)
	return px, py
}
