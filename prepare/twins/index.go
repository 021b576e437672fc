package twins

// Index finds the nearly equal ones among many signatures. Its hash is cut into
// four bands: where at most seven bits differ, one band differs by at most one.
type Index struct {
	owners     []int
	signatures []*Signature
	bands      [4]map[uint16][]int32
}

// NewIndex returns an empty one.
func NewIndex() *Index {
	x := &Index{}
	for i := range x.bands {
		x.bands[i] = map[uint16][]int32{}
	}
	return x
}

// Add adds a frame of an owner, unless it is flat or nearly the frame of the
// same owner that was added last.
func (x *Index) Add(owner int, s *Signature) {
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

// AddAll adds every stride-th frame of an owner.
func (x *Index) AddAll(owner int, all []Signature, stride int) {
	for k := 0; k < len(all); k += stride {
		s := all[k] // a copy: the others need not be kept
		x.Add(owner, &s)
	}
}

// Find calls visit for the owners of nearly equal frames until it returns
// false; some may come more than once.
func (x *Index) Find(s *Signature, visit func(owner int) bool) {
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
				if x.signatures[n].Near(s) && !visit(x.owners[n]) {
					return
				}
			}
		}
	}
}
