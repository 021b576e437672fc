package detectors

import (
	tensorflow "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// What MediaPipe's face networks want: the detector sees the whole picture at
// detectionSide, colours in [-1, 1]; the mesh sees a square around the face that is
// margin times as wide as the face, colours in [0, 1].
const (
	detectionSide = 128
	meshSide      = 192
	faceResSide   = 224
	faceMargin    = 1.5
	meshPoints    = 468
)

// anchors are the places [896, 2] (x, y in shares of the picture) of BlazeFace's
// candidates: two at each of 16x16 cells, then six at each of 8x8.
func anchors() [][]float32 {
	var out [][]float32
	for _, grid := range []struct{ cells, each int }{{16, 2}, {8, 6}} {
		for y := range grid.cells {
			for x := range grid.cells {
				for range grid.each {
					out = append(out, []float32{
						(float32(x) + 0.5) / float32(grid.cells), (float32(y) + 0.5) / float32(grid.cells),
					})
				}
			}
		}
	}
	return out
}

// findFace finds the surest face of each picture: the square around it, upright
// along the line between its eyes, with the margin that the mesh wants.
func (b *builder) findFace(image tensorflow.Output) region {
	all := b.whole(image)
	input := b.plus(b.times(b.crop(image, all, detectionSide), 2), -1)
	// [N, 896, 17]: the logit of a face; then, in pixels from the anchor, its
	// centre, width and height, and six points, of which the first two are the eyes.
	candidates := b.network(faceDetection, input, "objects")
	places := anchors()
	logits := b.reshape(op.GatherV2(b.next(), candidates, op.Const(b.next(), int32(0)), op.Const(b.next(), int32(2))), -1, int32(len(places)))
	best := op.ArgMax(b.next(), logits, op.Const(b.next(), int32(1)))
	chosen := op.OneHot(b.next(), best, op.Const(b.next(), int32(len(places))), b.num(1), b.num(0)) // [N, 896]
	one := op.Const(b.next(), int32(1))
	values := op.Sum(b.next(), b.mul(b.reshape(chosen, -1, int32(len(places)), 1), candidates), one) // [N, 17]
	anchor := op.MatMul(b.next(), chosen, op.Const(b.next(), places))                                // [N, 2]

	ax, ay := b.column(anchor, 0), b.column(anchor, 1)
	share := func(i int32, from tensorflow.Output) tensorflow.Output {
		return b.add(b.times(b.column(values, i), 1.0/detectionSide), from)
	}
	zero := op.ZerosLike(b.next(), ax)
	side := b.times(op.Maximum(b.next(), share(3, zero), share(4, zero)), faceMargin)
	rise := b.sub(share(8, ay), share(6, ay))
	run := b.sub(share(7, ax), share(5, ax))
	toPixels := func(x, centre tensorflow.Output) tensorflow.Output {
		return b.add(b.mul(b.plus(x, -0.5), all.side), centre)
	}
	return region{
		x: toPixels(share(1, ax), all.x), y: toPixels(share(2, ay), all.y), side: b.mul(side, all.side),
		angle: op.Atan2(b.next(), rise, run), confidence: op.Sigmoid(b.next(), b.column(values, 0)),
	}
}

// buildLandmarks finds the mesh of a face and keeps the points of 300-W.
func buildLandmarks(b *builder, image tensorflow.Output) (parts, error) {
	return b.inFace(image, func(r region) tensorflow.Output {
		mesh := b.network(faceMesh, b.crop(image, r, meshSide), "output_mesh")
		points := op.GatherV2(b.next(), b.reshape(mesh, -1, meshPoints, 3), op.Const(b.next(), landmarks), op.Const(b.next(), int32(1)))
		at := func(i int32) tensorflow.Output {
			c := op.GatherV2(b.next(), points, op.Const(b.next(), i), op.Const(b.next(), int32(2)))
			return b.times(c, 1.0/meshSide)
		}
		x, y := b.onPicture(r, at(0), at(1))
		confidence := b.mul(op.OnesLike(b.next(), x), b.reshape(r.confidence, -1, 1))
		return op.Pack(b.next(), []tensorflow.Output{x, y, confidence}, op.PackAxis(2))
	})
}

// buildIdentity computes the features of a face, colours in [0, 255], and brings
// them to length 1, as the embeddings that the paper measures have it: squared
// distances then lie in [0, 4].
func buildIdentity(b *builder, image tensorflow.Output) (parts, error) {
	return b.inFace(image, func(r region) tensorflow.Output {
		features := b.network(faceRes, b.times(b.crop(image, r, faceResSide), 255), "global_pooling/Mean")
		square := op.Sum(b.next(), op.Square(b.next(), features), op.Const(b.next(), int32(1)), op.SumKeepDims(true))
		return b.mul(features, op.Rsqrt(b.next(), op.Maximum(b.next(), square, b.num(1e-12))))
	})
}

// inFace is a detector of two halves: the face is found, or told.
func (b *builder) inFace(image tensorflow.Output, look func(region) tensorflow.Output) (parts, error) {
	found := b.findFace(image)
	told := op.Placeholder(b.scope.SubScope("region"), tensorflow.Float, op.PlaceholderShape(tensorflow.MakeShape(-1, regionWidth)))
	p := parts{result: look(found), found: b.tensor(found), told: told}
	if b.scope.Err() == nil {
		p.within = look(b.regionOf(told))
	}
	return p, b.finish()
}
