package prepare

import (
	"math"
	"sort"
)

// What makes a change of scene: the difference of two frames that follow each
// other has to be large, and to stand out from those around it, which a fast
// motion or a moving camera makes large as well.
const (
	// leastChange of blocks and half the histogram's, in [0, 1.5].
	leastChange = 0.12
	// changeFactor times the mean change around, plus changeOffset.
	changeFactor, changeOffset = 3.0, 0.03
	// changeWindow frames on either side are what is around.
	changeWindow = 6
	// flashFrames is the longest flash (a photographer's) that is no scene.
	flashFrames = 3
)

// scenes cuts a video where the scene changes. Dissolves, which change little
// from frame to frame, are not found.
func (l *look) scenes() []span {
	n := len(l.frames)
	change := make([]float64, n)
	for i := 1; i < n; i++ {
		change[i] = float64(l.frames[i].blocks) + float64(l.frames[i].histogram)/2
	}
	var found []span
	first := 0
	for i := 1; i < n; i++ {
		if l.isCut(change, i) {
			found = append(found, span{first, i})
			first = i
		}
	}
	if n > 0 {
		found = append(found, span{first, n})
	}
	return found
}

func (l *look) isCut(change []float64, i int) bool {
	if change[i] < leastChange {
		return false
	}
	var sum float64
	count := 0
	for j := max(1, i-changeWindow); j <= min(len(change)-1, i+changeWindow); j++ {
		if j == i {
			continue
		}
		// A second cut nearby is no motion.
		sum += min(change[j], change[i]/2)
		count++
	}
	if count > 0 && change[i] < changeFactor*sum/float64(count)+changeOffset {
		return false
	}
	return !l.isFlash(i)
}

// isFlash tells whether the picture before frame i comes back soon after, or
// was there shortly before.
func (l *look) isFlash(i int) bool {
	across := l.frames[i].blocks
	for before := max(0, i-1-flashFrames); before < i; before++ {
		for after := i; after <= min(len(l.frames)-1, i+flashFrames); after++ {
			if after-before < 2 {
				continue
			}
			if distance(&l.frames[before].cells, &l.frames[after].cells) < 0.4*across {
				return true
			}
		}
	}
	return false
}

// pieces cuts a scene that is too long into equal parts.
func pieces(s span, most int) []span {
	n := (s.len() + most - 1) / most
	all := make([]span, 0, n)
	for i := 0; i < n; i++ {
		all = append(all, span{s.First + s.len()*i/n, s.First + s.len()*(i+1)/n})
	}
	return all
}

// motion is by how many grey levels the most moving twentieth of the picture
// varies within a span: the 95th percentile of the cells' standard deviations
// over time.
func (l *look) motion(s span) float64 {
	deviations := make([]float64, gridSide*gridSide)
	n := float64(s.len())
	for cell := range deviations {
		var sum, squares float64
		for _, f := range l.frames[s.First:s.End] {
			v := float64(f.cells[cell])
			sum += v
			squares += v * v
		}
		deviations[cell] = math.Sqrt(max(0, squares/n-sum/n*(sum/n)))
	}
	sort.Float64s(deviations)
	return math.Round(100*deviations[len(deviations)*95/100]) / 100
}
