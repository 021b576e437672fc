package convert

import (
	"math"

	"github.com/prioritycut/prioritycut/internal/safetensors"
	"github.com/prioritycut/prioritycut/model/fomm"
)

// antiAliasKernels are the constant buffers down.weight of the reference's
// modules, for programs that ask for every entry of a state dict.
func antiAliasKernels(p fomm.Params) []safetensors.Tensor {
	var list []safetensors.Tensor
	for _, k := range []struct {
		name  string
		scale float64
	}{
		{kpDetector + ".down.weight", p.KPDetector.ScaleFactor},
		{generator + ".dense_motion_network.down.weight", p.Generator.DenseMotion.ScaleFactor},
	} {
		if k.scale == 1 {
			continue // the reference has no such module then
		}
		kernel, side := gaussian(k.scale)
		var all []float32
		for range p.Common.NumChannels {
			all = append(all, kernel...)
		}
		list = append(list, float32Tensor(k.name, []int64{int64(p.Common.NumChannels), 1, int64(side), int64(side)}, all))
	}
	return list
}

// gaussian is the kernel [side, side] that smooths a picture before it shrinks
// by scale: standard deviation (1/scale - 1) / 2, cut at four of them.
func gaussian(scale float64) (kernel []float32, side int) {
	sigma := (1/scale - 1) / 2
	radius := int(math.RoundToEven(4 * sigma))
	side = 2*radius + 1
	weights := make([]float64, side)
	sum := 0.0
	for i := range weights {
		d := float64(i-radius) / sigma
		weights[i] = math.Exp(-d * d / 2)
		sum += weights[i]
	}
	for _, y := range weights {
		for _, x := range weights {
			kernel = append(kernel, float32(y*x/(sum*sum)))
		}
	}
	return kernel, side
}
