package picture

import (
	"image"
	"image/color"
	"strings"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/math/fixed"
)

// face is a fixed-width font of 7x13 pixels that is part of the program.
var face = basicfont.Face7x13

// lineH is the height of a line of text.
const lineH = 14

// text writes a line whose upper left corner is (x, y).
func text(m *image.RGBA, x, y int, s string, c color.Color) {
	d := font.Drawer{Dst: m, Src: image.NewUniform(c), Face: face, Dot: fixed.P(x, y+face.Ascent)}
	d.DrawString(printable(s))
}

// Text writes a line of text on a picture; its upper left corner is (x, y).
func Text(src image.Image, x, y int, s string, c color.Color) *image.RGBA {
	m := canvas(src)
	text(m, x, y, s, c)
	return m
}

// printable replaces what the font does not have.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}

// textWidth gives the width of a line in pixels.
func textWidth(s string) int { return face.Advance * len([]rune(s)) }

// wrapText breaks a caption into lines of at most width pixels, at spaces
// where there are any.
func wrapText(s string, width int) []string {
	most := max(width/face.Advance, 1)
	var lines []string
	line := ""
	for _, word := range strings.Fields(printable(s)) {
		if line != "" && len(line)+1+len(word) <= most {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for len(word) > most {
			lines = append(lines, word[:most])
			word = word[most:]
		}
		line = word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
