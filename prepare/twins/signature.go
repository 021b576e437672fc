// Package twins knows nearly equal frames again, such as those of a video that
// was uploaded twice.
package twins

import (
	"encoding/binary"
	"math"
	"math/bits"
	"sort"

	"github.com/prioritycut/prioritycut/prepare/look"
)

// thumbSide is the side of the grey thumbnail that signatures are compared by.
const thumbSide = 16

// Signature tells nearly equal frames, such as those of a film that was
// compressed or scaled again, from others.
type Signature struct {
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
var cosines = func() (c [8][look.Side]float64) {
	for u := range c {
		for x := range c[u] {
			c[u][x] = math.Cos(math.Pi / look.Side * (float64(x) + 0.5) * float64(u))
		}
	}
	return c
}()

// Sign sums a frame up once more.
func Sign(cells *look.Cells) Signature {
	var s Signature
	var sum, squares float64
	for y := 0; y < thumbSide; y++ {
		for x := 0; x < thumbSide; x++ {
			at := 2*y*look.Side + 2*x
			v := (int(cells[at]) + int(cells[at+1]) + int(cells[at+look.Side]) + int(cells[at+look.Side+1]) + 2) / 4
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
func hashOf(cells *look.Cells) uint64 {
	var rows [look.Side][8]float64
	for y := range rows {
		for u := range rows[y] {
			for x, c := range cosines[u] {
				rows[y][u] += float64(c * float64(cells[y*look.Side+x]))
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

// Near tells whether two frames are nearly the same.
func (s *Signature) Near(t *Signature) bool {
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

// Size is that of a packed signature, in bytes: hash, thumbnail, flat.
const Size = 8 + thumbSide*thumbSide + 1

// Pack appends the signature to a file of them.
func (s Signature) Pack(to []byte) []byte {
	to = binary.LittleEndian.AppendUint64(to, s.hash)
	to = append(to, s.thumb[:]...)
	if s.flat {
		return append(to, 1)
	}
	return append(to, 0)
}

func (s *Signature) unpack(from []byte) {
	s.hash = binary.LittleEndian.Uint64(from)
	copy(s.thumb[:], from[8:])
	s.flat = from[Size-1] != 0
}

// Unpack reads packed signatures.
func Unpack(data []byte) []Signature {
	all := make([]Signature, len(data)/Size)
	for i := range all {
		all[i].unpack(data[i*Size:])
	}
	return all
}
