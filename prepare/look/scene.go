package look

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

// Scenes cuts a video where the scene changes. Dissolves, which change little
// from frame to frame, are not found.
func (l *Video) Scenes() []Span {
	n := len(l.Frames)
	change := make([]float64, n)
	for i := 1; i < n; i++ {
		change[i] = float64(l.Frames[i].Blocks) + float64(l.Frames[i].Histogram)/2
	}
	var found []Span
	first := 0
	for i := 1; i < n; i++ {
		if l.isCut(change, i) {
			found = append(found, Span{first, i})
			first = i
		}
	}
	if n > 0 {
		found = append(found, Span{first, n})
	}
	return found
}

func (l *Video) isCut(change []float64, i int) bool {
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
func (l *Video) isFlash(i int) bool {
	across := l.Frames[i].Blocks
	for before := max(0, i-1-flashFrames); before < i; before++ {
		for after := i; after <= min(len(l.Frames)-1, i+flashFrames); after++ {
			if after-before < 2 {
				continue
			}
			if distance(&l.Frames[before].Cells, &l.Frames[after].Cells) < 0.4*across {
				return true
			}
		}
	}
	return false
}

// Pieces cuts a scene that is too long into equal parts.
func Pieces(s Span, most int) []Span {
	n := (s.Len() + most - 1) / most
	all := make([]Span, 0, n)
	for i := 0; i < n; i++ {
		all = append(all, Span{s.First + s.Len()*i/n, s.First + s.Len()*(i+1)/n})
	}
	return all
}

// Motion is by how many grey levels the most moving twentieth of the picture
// varies within a Span: the 95th percentile of the cells' standard deviations
// over time.
func (l *Video) Motion(s Span) float64 {
	deviations := make([]float64, Side*Side)
	n := float64(s.Len())
	for cell := range deviations {
		var sum, squares float64
		for _, f := range l.Frames[s.First:s.End] {
			v := float64(f.Cells[cell])
			sum += v
			squares += v * v
		}
		deviations[cell] = math.Sqrt(max(0, squares/n-sum/n*(sum/n)))
	}
	sort.Float64s(deviations)
	return math.Round(100*deviations[len(deviations)*95/100]) / 100
}
