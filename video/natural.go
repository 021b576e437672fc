package video

import (
	"cmp"
	"slices"
	"strings"
)

// SortFrames puts names of frames in the order in which people count: numbers
// in them by their value, 2 before 10, all else bytewise. It is the order of
// frames wherever frames are files.
func SortFrames(names []string) { slices.SortFunc(names, CompareFrames) }

// CompareFrames is negative if a comes before b in that order, 0 only for equal
// names.
func CompareFrames(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		m, n := digits(x), digits(y)
		if m == 0 || n == 0 {
			if x[0] != y[0] {
				return cmp.Compare(x[0], y[0])
			}
			x, y = x[1:], y[1:]
			continue
		}
		// Numbers may be longer than any integer.
		p, q := strings.TrimLeft(x[:m], "0"), strings.TrimLeft(y[:n], "0")
		if order := cmp.Or(cmp.Compare(len(p), len(q)), cmp.Compare(p, q)); order != 0 {
			return order
		}
		x, y = x[m:], y[n:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b)) // 01 and 1 at last
}

// digits is how many digits a name begins with.
func digits(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}
