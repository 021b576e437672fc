package infer

import "fmt"

// maxBatch bounds Options.Batch.
const maxBatch = 1024

// BatchOf is how many pictures of h by w pixels a network takes at once: few of
// 256x256, more of small ones.
func BatchOf(h, w int) int {
	const pixels = 4 * 256 * 256
	return min(max(pixels/(h*w), 1), 32)
}

// batchOr is the batch that was asked for, or BatchOf where that is 0.
func batchOr(asked, h, w int) (int, error) {
	switch {
	case asked < 0 || asked > maxBatch:
		return 0, fmt.Errorf("%d frames at once: 1 to %d are possible, 0 lets the program choose", asked, maxBatch)
	case asked == 0:
		return BatchOf(h, w), nil
	}
	return asked, nil
}
