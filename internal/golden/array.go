package golden

import (
	"fmt"
	"slices"
)

// Array is a reference result, its elements widened to float64 exactly, in
// row-major order. The files keep PyTorch's orders of axes, [N, C, H, W] for
// maps and [out, in, height, width] for kernels; NHWC and HWIO give ours.
type Array struct {
	Name  string
	Shape []int
	Data  []float64
}

func (a Array) clone() Array {
	return Array{Name: a.Name, Shape: slices.Clone(a.Shape), Data: slices.Clone(a.Data)}
}

// Dims is the shape as TensorFlow takes it.
func (a Array) Dims() []int64 {
	dims := make([]int64, len(a.Shape))
	for i, d := range a.Shape {
		dims[i] = int64(d)
	}
	return dims
}

// Float32s returns the elements rounded to float32; exact for what was stored
// as such.
func (a Array) Float32s() []float32 {
	v := make([]float32, len(a.Data))
	for i, x := range a.Data {
		v[i] = float32(x)
	}
	return v
}

// Transposed reorders the axes: axis i of the result is axis axes[i] of a.
func (a Array) Transposed(axes ...int) (Array, error) {
	if len(axes) != len(a.Shape) || !isPermutation(axes) {
		return Array{}, fmt.Errorf("%s is %v: axes %v are no permutation of its own", a.Name, a.Shape, axes)
	}
	strides := make([]int, len(a.Shape))
	step := 1
	for i := len(a.Shape) - 1; i >= 0; i-- {
		strides[i] = step
		step *= a.Shape[i]
	}
	out := Array{Name: a.Name, Shape: make([]int, len(axes)), Data: make([]float64, len(a.Data))}
	for i, axis := range axes {
		out.Shape[i] = a.Shape[axis]
	}
	at := make([]int, len(axes))
	for i := range out.Data {
		from := 0
		for j, axis := range axes {
			from += at[j] * strides[axis]
		}
		out.Data[i] = a.Data[from]
		for j := len(at) - 1; j >= 0; j-- {
			if at[j]++; at[j] < out.Shape[j] {
				break
			}
			at[j] = 0
		}
	}
	return out, nil
}

// isPermutation reports whether axes holds 0, 1, ..., len(axes)-1 once each.
func isPermutation(axes []int) bool {
	sorted := slices.Clone(axes)
	slices.Sort(sorted)
	for i, x := range sorted {
		if x != i {
			return false
		}
	}
	return true
}

// NHWC turns maps [N, C, H, W] into [N, H, W, C].
func (a Array) NHWC() (Array, error) { return a.Transposed(0, 2, 3, 1) }

// NCHW turns maps [N, H, W, C] into [N, C, H, W].
func (a Array) NCHW() (Array, error) { return a.Transposed(0, 3, 1, 2) }

// HWIO turns kernels [out, in, height, width] into [height, width, in, out].
func (a Array) HWIO() (Array, error) { return a.Transposed(2, 3, 1, 0) }

// OIHW turns kernels [height, width, in, out] into [out, in, height, width].
func (a Array) OIHW() (Array, error) { return a.Transposed(3, 2, 0, 1) }
