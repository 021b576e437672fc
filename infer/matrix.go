package infer

import "math"

// matrix is a 2x2 matrix, row by row.
type matrix [4]float64

func matrixOf(values []float32) (m matrix) {
	for j := range m {
		m[j] = float64(values[j])
	}
	return m
}

func (a matrix) times(b matrix) matrix {
	return matrix{
		a[0]*b[0] + a[1]*b[2], a[0]*b[1] + a[1]*b[3],
		a[2]*b[0] + a[3]*b[2], a[2]*b[1] + a[3]*b[3],
	}
}

func (a matrix) inverse() (matrix, bool) {
	det := a[0]*a[3] - a[1]*a[2]
	const tiny = 1e-12 // Jacobians of trained models are of the order of 1, variances above 1e-3
	if !(math.Abs(det) > tiny) {
		return a, false
	}
	return matrix{a[3] / det, -a[1] / det, -a[2] / det, a[0] / det}, true
}

// leastEigenvalue replaces those of an adapted variance that are not positive
// (Monkey-Net's public code).
const leastEigenvalue = 1e-6

// positive is the matrix made symmetric, with its eigenvalues that are not
// positive replaced by leastEigenvalue.
func (a matrix) positive() matrix {
	b := (a[1] + a[2]) / 2
	middle, half := (a[0]+a[3])/2, (a[0]-a[3])/2
	radius := math.Hypot(half, b)
	high, low := middle+radius, middle-radius
	if low > 0 {
		return matrix{a[0], b, b, a[3]}
	}
	low = leastEigenvalue
	if !(high > 0) {
		high = leastEigenvalue
	}
	// The projection on the eigenvector of the higher one is (1 + R)/2 with R the
	// reflection on it.
	cos, sin := 1.0, 0.0
	if radius > 0 {
		cos, sin = half/radius, b/radius
	}
	middle, radius = (high+low)/2, (high-low)/2
	return matrix{middle + radius*cos, radius * sin, radius * sin, middle - radius*cos}
}
