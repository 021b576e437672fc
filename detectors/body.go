package detectors

import (
	tensorflow "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

const (
	moveNetSide = 256
	selfieSide  = 256
	// surely is the confidence of MoveNet that counts as found; its authors show
	// joints from 0.3 on. It becomes 0.5.
	surely = 0.3
)

// buildJoints looks at the whole picture, padded to a square, colours 0 to 255.
func buildJoints(b *builder, image tensorflow.Output) (parts, error) {
	all := b.whole(image)
	input := op.Cast(b.next(), op.Round(b.next(), b.times(b.crop(image, all, moveNetSide), 255)), tensorflow.Int32)
	found := b.reshape(b.network(moveNet, input, "Identity:0"), -1, int32(len(cocoJoints)), 3) // y, x, confidence
	at := func(i int32) tensorflow.Output {
		return op.GatherV2(b.next(), found, op.Const(b.next(), i), op.Const(b.next(), int32(2)))
	}
	x, y := b.onPicture(all, at(1), at(0))
	confidence := op.Minimum(b.next(), b.times(at(2), 0.5/surely), b.num(1))
	return parts{result: op.Pack(b.next(), []tensorflow.Output{x, y, confidence}, op.PackAxis(2))}, b.finish()
}

// buildForeground looks at the whole picture stretched to a square, and brings the
// mask back to the picture's size. Where a side of the picture is longer than the
// network's, pixels are means, as in crop.
func buildForeground(b *builder, image tensorflow.Output) (parts, error) {
	resize := func(x, h, w tensorflow.Output) tensorflow.Output {
		return op.ResizeBilinear(b.next(), x, op.Pack(b.next(), []tensorflow.Output{h, w}), op.ResizeBilinearHalfPixelCenters(true))
	}
	_, h, w := b.size(image)
	longest := op.Cast(b.next(), op.Maximum(b.next(), h, w), tensorflow.Float)
	k := b.samples(b.reshape(longest, 1), selfieSide)
	side := op.Mul(b.next(), k, op.Const(b.next(), int32(selfieSide)))
	mask := b.network(selfie, b.averaged(resize(image, side, side), k, selfieSide), "activation_10:0")
	return parts{result: op.Squeeze(b.next(), resize(mask, h, w), op.SqueezeAxis([]int64{3}))}, b.finish()
}
