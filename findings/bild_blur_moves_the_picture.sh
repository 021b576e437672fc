#!/bin/bash
# github.com/anthonynsimon/bild v0.14.0 (Go): a blur of certain radii moves the picture by half a pixel
# to the right and down, and a turn by 180 degrees loses a column and a row of odd sides.
#
# Seen: a grey square of 7x7 pixels in the middle of 41x41 is blurred; the centre of its
# brightness was at 20.0 in both directions. blur.Gaussian leaves it there for the radii 1, 2 and 3; for 0.3 and
# 1.2 it is at 20.6, for 0.5, 1.5, 2.5 and 3.5 at 20.5, and blur.Box of these radii has it at 20.5. The
# kernel then has an even number of taps and no middle. imaging.Blur v1.6.2 keeps 20.0 for all. Keypoints of a picture that
# is blurred at random for training are thus off by a random half pixel, always to one side.
# transform.Rotate by 180 turns 8x8 pixels exactly; 9x9 come out one pixel off in both
# directions, so that the old last row and column are lost and the first ones come twice.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >go.mod <<'MOD'
module shift

go 1.21

require (
	github.com/anthonynsimon/bild v0.14.0
	github.com/disintegration/imaging v1.6.2
)

require golang.org/x/image v0.18.0 // indirect
MOD
cat >go.sum <<'SUM'
github.com/anthonynsimon/bild v0.14.0 h1:IFRkmKdNdqmexXHfEU7rPlAmdUZ8BDZEGtGHDnGWync=
github.com/anthonynsimon/bild v0.14.0/go.mod h1:hcvEAyBjTW69qkKJTfpcDQ83sSZHxwOunsseDfeQhUs=
github.com/disintegration/imaging v1.6.2 h1:w1LecBlG2Lnp8B3jk5zSuNqd7b4DXhcjwek1ei82L+c=
github.com/disintegration/imaging v1.6.2/go.mod h1:44/5580QXChDfwIclfc/PCwrr44amcmDAg8hxG0Ewe4=
golang.org/x/image v0.0.0-20191009234506-e7c1f5e7dbb8/go.mod h1:FeLwcggjj3mMvU+oOTbSwawSJRM1uh48EjtB4UJZlP0=
golang.org/x/image v0.18.0 h1:jGzIakQa/ZXI1I0Fxvaa9W7yP25TqT6cHIHn+6CqvSQ=
golang.org/x/image v0.18.0/go.mod h1:4yyo5vMFQjVjUcVk4jEQcU9MGy/rulF5WvUILseCM2E=
golang.org/x/text v0.3.0/go.mod h1:NqM8EUOU14njkJ3fqMW+pc6Ldnwhi/IjpwHt7yyuwOQ=
SUM
cat >main.go <<'GO'
package main

import (
	"fmt"
	"image"
	"image/color"

	"github.com/anthonynsimon/bild/blur"
	"github.com/anthonynsimon/bild/transform"
	"github.com/disintegration/imaging"
)

func grey(picture image.Image, x, y int) float64 {
	r, _, _, _ := picture.At(x, y).RGBA()
	return float64(r >> 8)
}

// centre is where the brightness of a picture of 41x41 pixels lies.
func centre(picture image.Image) (x, y float64) {
	var sum float64
	for v := 0; v < 41; v++ {
		for u := 0; u < 41; u++ {
			g := grey(picture, u, v)
			x, y, sum = x+g*float64(u), y+g*float64(v), sum+g
		}
	}
	return x / sum, y / sum
}

func paint(side int, value func(x, y int) uint8) *image.RGBA {
	picture := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := 0; y < side; y++ {
		for x := 0; x < side; x++ {
			v := value(x, y)
			picture.Set(x, y, color.RGBA{v, v, v, 255})
		}
	}
	return picture
}

func main() {
	square := paint(41, func(x, y int) uint8 {
		if x >= 17 && x < 24 && y >= 17 && y < 24 {
			return 200
		}
		return 0
	})
	for _, radius := range []float64{0.3, 0.5, 1, 1.2, 1.5, 2, 2.5, 3, 3.5} {
		for _, way := range []struct {
			name    string
			blurred image.Image
		}{{"gaussian", blur.Gaussian(square, radius)}, {"box", blur.Box(square, radius)}, {"imaging", imaging.Blur(square, radius)}} {
			x, y := centre(way.blurred)
			fmt.Printf("%s %g: %.1f %.1f\n", way.name, radius, x, y)
		}
	}
	for _, side := range []int{8, 9} {
		numbered := paint(side, func(x, y int) uint8 { return uint8(side*y + x) })
		turned := transform.Rotate(numbered, 180, nil)
		var right int
		for y := 0; y < side; y++ {
			for x := 0; x < side; x++ {
				if grey(turned, x, y) == grey(numbered, side-1-x, side-1-y) {
					right++
				}
			}
		}
		fmt.Printf("turned %d: %d of %d, first row from %.0f to %.0f, last from %.0f to %.0f\n", side, right, side*side,
			grey(turned, 0, 0), grey(turned, side-1, 0), grey(turned, 0, side-1), grey(turned, side-1, side-1))
	}
}
GO
GOFLAGS='-mod=readonly -modcacherw' GOWORK=off GOMODCACHE=$work/modules go run . | tee seen
for line in 'gaussian 0.3: 20.6 20.6' 'gaussian 0.5: 20.5 20.5' 'gaussian 1: 20.0 20.0' 'gaussian 1.2: 20.6 20.6' 'gaussian 2: 20.0 20.0' 'gaussian 3.5: 20.5 20.5' \
  'box 0.3: 20.5 20.5' 'box 1: 20.0 20.0' 'box 1.5: 20.5 20.5' 'box 3: 20.0 20.0' \
  'turned 8: 64 of 64, first row from 63 to 56, last from 7 to 0' 'turned 9: 1 of 81, first row from 70 to 63, last from 7 to 0'; do
  grep -qxF "$line" seen || { echo "changed: no line '$line'" >&2; exit 1; }
done
! grep '^imaging ' seen | grep -qv ': 20.0 20.0$' || { echo "changed: imaging moves it too" >&2; exit 1; }
