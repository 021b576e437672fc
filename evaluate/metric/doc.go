// Package metric computes what the paper's tables are made of: numbers from
// numbers. It knows no files and no models.
//
// Pictures are flat [H, W, 3] in [0, 1]. All sums are taken in float64. Parts of
// a picture (salient or not) are measured as the paper's tables imply: pixels
// outside the part are set to zero in both pictures and the metric is taken
// over the whole picture, not over the part's own area.
//
// # Hostile input
//
// Lengths that do not agree are errors. A NaN in a picture makes the metric NaN.
package metric

import "fmt"

// channels of a picture.
const channels = 3

// checkPair reports pictures and a mask (nil for none) that do not go together.
func checkPair(a, b []float32, mask []byte) error {
	if len(a) != len(b) {
		return fmt.Errorf("metric: pictures of %d and %d values", len(a), len(b))
	}
	if len(a) == 0 || len(a)%channels != 0 {
		return fmt.Errorf("metric: a picture of %d values, which is no number of RGB pixels", len(a))
	}
	if mask != nil && len(mask)*channels != len(a) {
		return fmt.Errorf("metric: a mask of %d pixels for a picture of %d", len(mask), len(a)/channels)
	}
	return nil
}
