package metric

import (
	"fmt"
	"math"
)

// Point is a keypoint in pixels. Missing ones have no place.
type Point struct {
	X, Y    float64
	Missing bool
}

// KeypointDistance is the term of the average keypoint distance (AKD) for one
// frame: the mean of |dx| and |dy| over the keypoints that both frames show, in
// pixels. It is the absolute difference of coordinates, not the Euclidean
// distance. ok is false where no keypoint is in both: such frames are left out,
// as are faces that are not detected.
func KeypointDistance(real, generated []Point) (distance float64, ok bool, err error) {
	if err := checkPoints(real, generated); err != nil {
		return 0, false, err
	}
	n := 0
	for i, r := range real {
		g := generated[i]
		if r.Missing || g.Missing {
			continue
		}
		distance += math.Abs(r.X-g.X) + math.Abs(r.Y-g.Y)
		n += 2
	}
	if n == 0 {
		return 0, false, nil
	}
	return distance / float64(n), true, nil
}

// MissingRate is the term of the missing keypoint rate (MKR) for one frame: of
// the keypoints that the real frame shows, the share that the generated one
// lacks. ok is false where the real frame shows none: such frames are left out.
func MissingRate(real, generated []Point) (rate float64, ok bool, err error) {
	if err := checkPoints(real, generated); err != nil {
		return 0, false, err
	}
	shown, lacking := 0, 0
	for i, r := range real {
		if r.Missing {
			continue
		}
		shown++
		if generated[i].Missing {
			lacking++
		}
	}
	if shown == 0 {
		return 0, false, nil
	}
	return float64(lacking) / float64(shown), true, nil
}

func checkPoints(real, generated []Point) error {
	if len(real) != len(generated) {
		return fmt.Errorf("metric: %d keypoints in the real frame, %d in the generated one", len(real), len(generated))
	}
	return nil
}

// EmbeddingDistance compares the identity embeddings of two frames: the sum of
// squared differences, which is what the public code calls the average
// Euclidean distance (AED), and its square root.
func EmbeddingDistance(real, generated []float32) (squared, euclidean float64, err error) {
	if len(real) != len(generated) || len(real) == 0 {
		return 0, 0, fmt.Errorf("metric: embeddings of %d and %d values", len(real), len(generated))
	}
	for i, r := range real {
		d := float64(r) - float64(generated[i])
		squared += d * d
	}
	return squared, math.Sqrt(squared), nil
}
