package model

import (
	"fmt"
	"math"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
)

// ImageNet's mean and standard deviation of RGB in [0, 1], which VGG-19 expects
// to be taken out.
var (
	imageNetMean = []float64{0.485, 0.456, 0.406}
	imageNetStd  = []float64{0.229, 0.224, 0.225}
)

// VGGLayer is a convolution of VGG-19 (3x3, followed by ReLU).
type VGGLayer struct {
	// Index is its place in torchvision's vgg19().features.
	Index int
	// In and Out are its channels.
	In, Out int

	pool bool // 2x2 maximum in front of it
	tap  bool // its activation is one of the five features
}

// VGGLayers lists the convolutions up to conv5_1, with all widths divided by
// divisor (1 for the real network).
func VGGLayers(divisor int) []VGGLayer {
	in := 3
	var layers []VGGLayer
	index := 0
	for stage, widths := range [][]int{{64, 64}, {128, 128}, {256, 256, 256, 256}, {512, 512, 512, 512}, {512}} {
		if stage > 0 {
			index++ // the pooling
		}
		for i, w := range widths {
			out := w / divisor
			if out < 1 {
				out = 1
			}
			layers = append(layers, VGGLayer{Index: index, In: in, Out: out, pool: stage > 0 && i == 0, tap: i == 0})
			in = out
			index += 2 // convolution and ReLU
		}
	}
	return layers
}

// VGG19 gives the features of the perceptual loss: relu1_1, relu2_1, relu3_1,
// relu4_1 and relu5_1. Its weights never move.
type VGG19 struct {
	// Layers are the convolutions, Convs their weights in the same order.
	Layers []VGGLayer
	Convs  []*graph.Conv2D
}

// NewVGG19 makes frozen variables features.<index>.{weight,bias} in scope s.
// They start with random weights that keep the variance of activations.
func NewVGG19(s *graph.Scope, divisor int) *VGG19 {
	v := &VGG19{Layers: VGGLayers(divisor)}
	for _, l := range v.Layers {
		o := graph.SamePadding(3)
		o.Frozen = true
		he := heNormal(9 * l.Out)
		o.KernelInit, o.BiasInit = &he, &graph.Zeros
		v.Convs = append(v.Convs, graph.NewConv2D(s.Sub(fmt.Sprintf("features.%d", l.Index)), l.In, l.Out, 3, o))
	}
	return v
}

// heNormal draws from N(0, 2/fan), as torchvision starts VGG-19.
func heNormal(fan int) graph.Initializer {
	sigma := math.Sqrt(2 / float64(fan))
	return graph.Drawn(func(r *random.Rand, values []float64) {
		for i := range values {
			values[i] = sigma * r.Normal()
		}
	})
}

// Features returns the five activations of pictures x [N, H, W, 3] in [0, 1];
// the sides shrink by 2 from each to the next.
func (v *VGG19) Features(s *graph.Scope, x tensorflow.Output) []tensorflow.Output {
	x = s.Div(s.Minus(x, s.Values(imageNetMean, 3)), s.Values(imageNetStd, 3))
	var taps []tensorflow.Output
	for i, l := range v.Layers {
		if l.pool {
			x = s.MaxPool2(x)
		}
		x = s.Relu(v.Convs[i].Apply(s, x))
		if l.tap {
			taps = append(taps, x)
		}
	}
	return taps
}
