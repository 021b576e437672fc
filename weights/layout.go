package weights

import "fmt"

// HWIO returns a convolution's kernel in TensorFlow's order [height, width,
// in, out], given PyTorch's [out, in, height, width], and its shape.
func HWIO[T any](oihw []T, shape []int64) ([]T, []int64, error) {
	return permute(oihw, shape, [4]int{2, 3, 1, 0})
}

// OIHW is the inverse of HWIO.
func OIHW[T any](hwio []T, shape []int64) ([]T, []int64, error) {
	return permute(hwio, shape, [4]int{3, 2, 0, 1})
}

// NHWC returns pictures or features in TensorFlow's order [batch, height,
// width, channels], given PyTorch's [batch, channels, height, width], and
// their shape.
func NHWC[T any](nchw []T, shape []int64) ([]T, []int64, error) {
	return permute(nchw, shape, [4]int{0, 2, 3, 1})
}

// NCHW is the inverse of NHWC.
func NCHW[T any](nhwc []T, shape []int64) ([]T, []int64, error) {
	return permute(nhwc, shape, [4]int{0, 3, 1, 2})
}

// permute makes axis i of the result of axis order[i] of src.
func permute[T any](src []T, shape []int64, order [4]int) ([]T, []int64, error) {
	if len(shape) != 4 {
		return nil, nil, fmt.Errorf("shape %v has %d dimensions, 4 are needed", shape, len(shape))
	}
	n := int64(1)
	for _, d := range shape {
		if d < 0 || d > 0 && n > int64(len(src))/d {
			return nil, nil, fmt.Errorf("shape %v does not fit %d elements", shape, len(src))
		}
		n *= d
	}
	if n != int64(len(src)) {
		return nil, nil, fmt.Errorf("shape %v takes %d elements, there are %d", shape, n, len(src))
	}
	stride := [4]int64{shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1}
	var d, s [4]int64 // dimensions of the result, their strides in src
	for i, axis := range order {
		d[i], s[i] = shape[axis], stride[axis]
	}
	dst := make([]T, 0, n)
	for a := int64(0); a < d[0]; a++ {
		for b := int64(0); b < d[1]; b++ {
			for c := int64(0); c < d[2]; c++ {
				from := a*s[0] + b*s[1] + c*s[2]
				for e := int64(0); e < d[3]; e++ {
					dst = append(dst, src[from+e*s[3]])
				}
			}
		}
	}
	return dst, d[:], nil
}
