#!/bin/bash
# github.com/nfnt/resize v0.0.0-20180221191011-83c6a9932646 (Go): NearestNeighbor makes a smaller
# picture of means, and so a map of labels gets labels that nobody gave.
#
# Seen: a grey picture of 9x9 pixels has columns of the values 0, 10 and 200. Scaled to
# 3x3 by resize.NearestNeighbor it is 70 everywhere, the mean of the three; to 6x6
# there are 5 and 200, to 5x5 even four values, only one of them an old one. Enlarged to 18x18 there are
# the three old ones. NearestNeighbor of golang.org/x/image/draw v0.18.0 gives old values at every size. A
# segmentation or a mask of parts that is scaled down for training so has classes
# between its classes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >go.mod <<'MOD'
module labels

go 1.21

require (
	github.com/nfnt/resize v0.0.0-20180221191011-83c6a9932646
	golang.org/x/image v0.18.0
)
MOD
cat >go.sum <<'SUM'
github.com/nfnt/resize v0.0.0-20180221191011-83c6a9932646 h1:zYyBkD/k9seD2A7fsi6Oo2LfFZAehjjQMERAvZLEDnQ=
github.com/nfnt/resize v0.0.0-20180221191011-83c6a9932646/go.mod h1:jpp1/29i3P1S/RLdc7JQKbRpFeM1dOBd8T9ki5s+AY8=
golang.org/x/image v0.18.0 h1:jGzIakQa/ZXI1I0Fxvaa9W7yP25TqT6cHIHn+6CqvSQ=
golang.org/x/image v0.18.0/go.mod h1:4yyo5vMFQjVjUcVk4jEQcU9MGy/rulF5WvUILseCM2E=
SUM
cat >main.go <<'GO'
package main

import (
	"fmt"
	"image"
	"sort"

	"github.com/nfnt/resize"
	"golang.org/x/image/draw"
)

// values lists what a picture has, in order.
func values(picture *image.Gray) []int {
	seen := map[int]bool{}
	for _, v := range picture.Pix {
		seen[int(v)] = true
	}
	var sorted []int
	for v := range seen {
		sorted = append(sorted, v)
	}
	sort.Ints(sorted)
	return sorted
}

func main() {
	labels := image.NewGray(image.Rect(0, 0, 9, 9))
	for i := range labels.Pix {
		labels.Pix[i] = []uint8{0, 10, 200}[i%9%3]
	}
	for _, side := range []int{3, 5, 6, 18} {
		scaled := resize.Resize(uint(side), uint(side), labels, resize.NearestNeighbor).(*image.Gray)
		fmt.Println("nfnt", side, values(scaled))
		other := image.NewGray(image.Rect(0, 0, side, side))
		draw.NearestNeighbor.Scale(other, other.Rect, labels, labels.Rect, draw.Src, nil)
		fmt.Println("draw", side, values(other))
	}
}
GO
GOFLAGS='-mod=readonly -modcacherw' GOWORK=off GOMODCACHE=$work/modules go run . | tee seen
for line in 'nfnt 3 [70]' 'nfnt 5 [5 10 100 105]' 'nfnt 6 [5 200]' 'nfnt 18 [0 10 200]' 'draw 3 [10]' 'draw 18 [0 10 200]'; do
  grep -qxF "$line" seen || { echo "changed: no line '$line'" >&2; exit 1; }
done
! grep '^draw ' seen | grep -qvE '^draw [0-9]+ \[((0|10|200) ?)+\]$' || { echo "changed: draw makes labels too" >&2; exit 1; }
