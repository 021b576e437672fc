package evaluate

import "math"

// l1 sums |a - b| over pictures [H, W, 3], over the pixels where mask [H, W] is
// not 0, or all where it is nil, and counts the summands.
func l1(a, b []float32, mask []byte) (sum float64, n int) {
	for i := range a {
		if mask != nil && mask[i/3] == 0 {
			continue
		}
		sum += math.Abs(float64(a[i]) - float64(b[i]))
		n++
	}
	return sum, n
}

// unit maps bytes to [0, 1].
func unit(pix []byte) []float32 {
	out := make([]float32, len(pix))
	for i, p := range pix {
		out[i] = float32(p) / 255
	}
	return out
}
