package weights

import (
	"slices"
	"testing"
)

func TestLayouts(t *testing.T) {
	shape := []int64{2, 3, 4, 5}
	at := func(s []int64, i ...int64) int64 { return ((i[0]*s[1]+i[1])*s[2]+i[2])*s[3] + i[3] }
	src := make([]int, 120)
	for i := range src {
		src[i] = i
	}
	hwio, hs, err := HWIO(src, shape)
	if err != nil || !slices.Equal(hs, []int64{4, 5, 3, 2}) {
		t.Fatal(hs, err)
	}
	nhwc, ns, err := NHWC(src, shape)
	if err != nil || !slices.Equal(ns, []int64{2, 4, 5, 3}) {
		t.Fatal(ns, err)
	}
	for a := range int64(2) {
		for b := range int64(3) {
			for c := range int64(4) {
				for d := range int64(5) {
					want := src[at(shape, a, b, c, d)]
					if got := hwio[at(hs, c, d, b, a)]; got != want {
						t.Fatalf("HWIO[%d %d %d %d] = %d, not %d", c, d, b, a, got, want)
					}
					if got := nhwc[at(ns, a, c, d, b)]; got != want {
						t.Fatalf("NHWC[%d %d %d %d] = %d, not %d", a, c, d, b, got, want)
					}
				}
			}
		}
	}
	if back, s, err := OIHW(hwio, hs); err != nil || !slices.Equal(back, src) || !slices.Equal(s, shape) {
		t.Error("OIHW is not the inverse of HWIO", s, err)
	}
	if back, s, err := NCHW(nhwc, ns); err != nil || !slices.Equal(back, src) || !slices.Equal(s, shape) {
		t.Error("NCHW is not the inverse of NHWC", s, err)
	}
	for _, bad := range [][]int64{nil, {120}, {2, 3, 4, 6}, {2, 3, 4, -5}, {1 << 62, 4, 1, 1}, {0, 1, 1, 1}} {
		if _, _, err := HWIO(src, bad); err == nil {
			t.Errorf("shape %v fits 120 elements", bad)
		}
	}
	if _, s, err := HWIO([]int{}, []int64{0, 3, 3, 3}); err != nil || !slices.Equal(s, []int64{3, 3, 3, 0}) {
		t.Error(s, err)
	}
}
