package joints

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/dataset/shapes"
	"github.com/prioritycut/prioritycut/graph"
)

// numJoints is J.
const numJoints = int(shapes.NumJoints)

// The network's sizes.
const (
	stemWidth = 24
	expansion = 32
	maxWidth  = 64
	levels    = 3
)

// network owns the detector's weights.
type network struct {
	w, h       int // of pictures
	stem       *graph.Block
	hourglass  *graph.Hourglass
	place, see *graph.Conv2D
	// bar [J] is the logit from which on a joint counts as visible: 0 while it
	// learns.
	bar *graph.Variable
}

func newNetwork(s *graph.Scope, w, h int) *network {
	n := &network{w: w, h: h}
	n.stem = graph.NewDownBlock(s.Sub("stem"), 3, stemWidth)
	n.hourglass = graph.NewHourglass(s.Sub("hourglass"), stemWidth, expansion, maxWidth, levels)
	n.place = graph.NewConv2D(s.Sub("place"), n.hourglass.OutChannels(), numJoints, 3, graph.SamePadding(3))
	n.see = graph.NewConv2D(s.Sub("see"), n.hourglass.OutChannels(), numJoints, 3, graph.SamePadding(3))
	n.bar = s.Sub("bar").Variable("logit", graph.State, graph.Initializer{}, numJoints)
	return n
}

// detection is what the network says of pictures.
type detection struct {
	// logits [N, J, h*w] are the heatmaps before the softmax.
	logits tensorflow.Output
	// value [N, J, 2] are the places (x, y) in pixels.
	value tensorflow.Output
	// visible [N, J] is the logit of being visible.
	visible tensorflow.Output
}

// shrunken makes pictures [N, H, W, 3] as small as the network wants them.
func (n *network) shrunken(s *graph.Scope, image tensorflow.Output) tensorflow.Output {
	return s.AntiAlias(image, 1/float64(zoomOf(n.w, n.h).shrink))
}

// enlarged makes pictures as large as the network wants them.
func (n *network) enlarged(s *graph.Scope, image tensorflow.Output) tensorflow.Output {
	grow := zoomOf(n.w, n.h).grow
	if grow == 1 {
		return image
	}
	return s.ResizeBilinear(image, grow*n.h, grow*n.w)
}

// detect looks at pictures in [0, 1] of the size that the network wants.
func (n *network) detect(s *graph.Scope, image tensorflow.Output) detection {
	var d detection
	x := n.stem.Apply(s.At("stem"), s.Shift(image, -0.5))
	x, _ = n.hourglass.Apply(s, x)
	d.logits = perJoint(s, n.place.Apply(s.At("place"), x))
	heat := s.Softmax(d.logits)
	d.value = s.MatMul(heat, n.cells(s))
	// The visibility must not bend the heatmaps to where it likes them.
	seen := perJoint(s, n.see.Apply(s.At("see"), x))
	d.visible = s.Sum(s.Mul(s.StopGradient(heat), seen), 2)
	return d
}

// looks adds what finds the joints in any number of pictures: its input and its
// output.
func (n *network) looks(s *graph.Scope) (image, keypoints tensorflow.Output) {
	s = s.WithTraining(false).At("detect")
	image = s.Placeholder("image", tensorflow.Float, -1, int64(n.h), int64(n.w), 3)
	return image, n.keypoints(s, n.detect(s, n.enlarged(s, n.shrunken(s, image))))
}

// keypoints is the signature's output [N, J, 3].
func (n *network) keypoints(s *graph.Scope, d detection) tensorflow.Output {
	return s.Concat(2, d.value, s.ExpandDims(s.Sigmoid(s.Minus(d.visible, n.bar.Value)), 2))
}

// perJoint turns maps [N, h, w, J] into [N, J, h*w].
func perJoint(s *graph.Scope, maps tensorflow.Output) tensorflow.Output {
	dims := s.Shape(maps)
	if s.Err() != nil {
		return tensorflow.Output{}
	}
	return s.Transpose(s.Reshape(maps, -1, dims[1]*dims[2], numJoints), 0, 2, 1)
}

// cells is the constant [h*w, 2] of the places, in pixels, that the heatmaps'
// cells stand for. A cell is the mean of two by two pixels of what the network
// sees.
func (n *network) cells(s *graph.Scope) tensorflow.Output {
	z := zoomOf(n.w, n.h)
	w, h := n.w*z.grow/z.shrink/2, n.h*z.grow/z.shrink/2
	values := make([]float64, 0, 2*w*h)
	for y := 0; y < h; y++ {
		for x := 0; x < w; x++ {
			values = append(values, z.place(2*float64(x)+0.5), z.place(2*float64(y)+0.5))
		}
	}
	return s.Values(values, int64(h*w), 2)
}

// truth is what the network should say.
type truth struct {
	value   tensorflow.Output // [N, J, 2]
	visible tensorflow.Output // [N, J], 0 or 1
}

// spread is the standard deviation of the heatmaps aimed at, in cells.
const spread = 0.8

// loss is the sum of three terms: the cross-entropy of the heatmaps against
// Gaussians around the joints, the mean absolute error of the places in cells,
// both over visible joints, and the cross-entropy of the visibility.
func (n *network) loss(s *graph.Scope, d detection, t truth) tensorflow.Output {
	pixels := 2 * zoomOf(n.w, n.h).pixel()                                   // of a cell
	offset := s.Minus(s.ExpandDims(n.cells(s), 0), s.ExpandDims(t.value, 2)) // [N, J, h*w, 2]
	squares := s.Sum(s.Square(s.Scale(offset, 1/(pixels*spread))), 3)
	aim := s.Softmax(s.Scale(squares, -0.5))
	heat := s.Neg(s.Sum(s.Mul(aim, logSoftmax(s, d.logits)), 2)) // [N, J]
	place := s.Scale(s.Mean(s.Abs(s.Minus(d.value, t.value)), 2), 1/pixels)
	located := s.Div(s.Sum(s.Mul(t.visible, s.Add(heat, place))), s.Shift(s.Sum(t.visible), 1))
	seen := s.Mean(s.Minus(s.Op("Softplus", nil, d.visible), s.Mul(t.visible, d.visible)))
	return s.Add(located, seen)
}

// logSoftmax is that of the last axis. TensorFlow's gradient of LogSoftmax sums
// over axis 1, so it is right for matrices alone.
func logSoftmax(s *graph.Scope, x tensorflow.Output) tensorflow.Output {
	dims := s.Shape(x)
	if s.Err() != nil {
		return tensorflow.Output{}
	}
	flat := s.Op("LogSoftmax", nil, s.Reshape(x, -1, dims[2]))
	return s.Reshape(flat, -1, dims[1], dims[2])
}
