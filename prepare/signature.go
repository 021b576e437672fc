package prepare

import (
	"math"
	"math/bits"
	"sort"
)

// thumbSide is the side of the grey thumbnail that signatures are compared by.
const thumbSide = 16

// signature tells nearly equal frames, such as those of a film that was
// compressed or scaled again, from others.
type signature struct {
	// hash has a bit for each of the lowest frequencies: above the median?
	hash uint64
	// thumb [thumbSide, thumbSide] are grey levels.
	thumb [thumbSide * thumbSide]byte
	// flat pictures, such as black ones, say nothing.
	flat bool
}

// Signatures agree if at most maxBits bits differ and no cell of the thumbnails
// by more than maxLevels grey levels. Compressing again changes cells by one or
// two; a mouth that opens or a limb that moves changes some of them by far more.
const (
	maxBits   = 7
	maxLevels = 6
	flatLevel = 4.0 // standard deviation
)

// cosines [frequency, place] of the discrete cosine transform.
var cosines = func() (c [8][gridSide]float64) {
	for u := range c {
		for x := range c[u] {
			c[u][x] = math.Cos(math.Pi / gridSide * (float64(x) + 0.5) * float64(u))
		}
	}
	return c
}()

func sign(cells *[gridSide * gridSide]byte) signature {
	var s signature
	var sum, squares float64
	for y := 0; y < thumbSide; y++ {
		for x := 0; x < thumbSide; x++ {
			at := 2*y*gridSide + 2*x
			v := (int(cells[at]) + int(cells[at+1]) + int(cells[at+gridSide]) + int(cells[at+gridSide+1]) + 2) / 4
			s.thumb[y*thumbSide+x] = byte(v)
			sum += float64(v)
			squares += float64(v * v)
		}
	}
	const n = thumbSide * thumbSide
	s.flat = squares/n-sum/n*(sum/n) < flatLevel*flatLevel
	s.hash = hashOf(cells)
	return s
}

// hashOf is the perceptual hash of the 8x8 lowest frequencies.
func hashOf(cells *[gridSide * gridSide]byte) uint64 {
	var rows [gridSide][8]float64
	for y := range rows {
		for u := range rows[y] {
			for x, c := range cosines[u] {
				rows[y][u] += float64(c * float64(cells[y*gridSide+x]))
			}
		}
	}
	var low [64]float64
	for v := 0; v < 8; v++ {
		for u := 0; u < 8; u++ {
			for y, c := range cosines[v] {
				low[8*v+u] += float64(c * rows[y][u])
			}
		}
	}
	low[0] = 0 // the mean: a brighter copy is a copy
	sorted := low
	sort.Float64s(sorted[:])
	median := (sorted[31] + sorted[32]) / 2
	var hash uint64
	for i, v := range low {
		if v > median {
			hash |= 1 << i
		}
	}
	return hash
}

// near tells whether two frames are nearly the same.
func (s *signature) near(t *signature) bool {
	if s.flat || t.flat || bits.OnesCount64(s.hash^t.hash) > maxBits {
		return false
	}
	for i, v := range s.thumb {
		if d := int(v) - int(t.thumb[i]); d > maxLevels || d < -maxLevels {
			return false
		}
	}
	return true
}

// index finds the nearly equal ones among many signatures. Its hash is cut into
// four bands: where at most seven bits differ, one band differs by at most one.
type index struct {
	owners     []int
	signatures []*signature
	bands      [4]map[uint16][]int32
}

func newIndex() *index {
	x := &index{}
	for i := range x.bands {
		x.bands[i] = map[uint16][]int32{}
	}
	return x
}

// add adds a frame of an owner, unless it is flat or nearly the frame of the
// same owner that was added last.
func (x *index) add(owner int, s *signature) {
	if s.flat {
		return
	}
	n := len(x.owners)
	if n > 0 && x.owners[n-1] == owner && x.signatures[n-1].hash == s.hash && x.signatures[n-1].thumb == s.thumb {
		return
	}
	x.owners, x.signatures = append(x.owners, owner), append(x.signatures, s)
	for i := range x.bands {
		band := uint16(s.hash >> (16 * i))
		x.bands[i][band] = append(x.bands[i][band], int32(n))
	}
}

// addAll adds every stride-th frame of an owner.
func (x *index) addAll(owner int, all []signature, stride int) {
	for k := 0; k < len(all); k += stride {
		s := all[k] // a copy: the others need not be kept
		x.add(owner, &s)
	}
}

// find calls visit for the owners of nearly equal frames until it returns
// false; some may come more than once.
func (x *index) find(s *signature, visit func(owner int) bool) {
	if s.flat {
		return
	}
	for i := range x.bands {
		band := uint16(s.hash >> (16 * i))
		for bit := -1; bit < 16; bit++ {
			probe := band
			if bit >= 0 {
				probe ^= 1 << bit
			}
			for _, n := range x.bands[i][probe] {
				if x.signatures[n].near(s) && !visit(x.owners[n]) {
					return
				}
			}
		}
	}
}
