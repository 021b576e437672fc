package picture

import (
	"image"
	"image/color"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// lineH is the height of a line of text, textSize that of the letters' square.
const (
	lineH    = 16
	textSize = 13
)

// letters draw the Go font, which is part of the program.
var letters = newTypesetter(goregular.TTF)

// typesetter draws letters of one size. It is safe for concurrent use, which
// faces are not.
type typesetter struct {
	mu   sync.Mutex
	font *sfnt.Font
	face font.Face
	buf  sfnt.Buffer
}

// newTypesetter reads a font that is part of the program, so nothing can be
// wrong with it; where something is, there is no text (and tests fail).
func newTypesetter(file []byte) *typesetter {
	f, err := opentype.Parse(file)
	if err != nil {
		return &typesetter{}
	}
	// Hinting puts letters on whole pixels: small ones stay crisp.
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: textSize, DPI: 72, Hinting: font.HintingFull})
	if err != nil {
		return &typesetter{}
	}
	return &typesetter{font: f, face: face}
}

// draw writes a line whose upper left corner is (x, y).
func (s *typesetter) draw(m *image.RGBA, x, y int, line string, c color.Color) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.face == nil {
		return
	}
	metrics := s.face.Metrics()
	ascent := (lineH + metrics.Ascent.Ceil() - metrics.Descent.Ceil()) / 2 // centred between lines
	d := font.Drawer{Dst: m, Src: image.NewUniform(c), Face: s.face, Dot: fixed.P(x, y+ascent)}
	d.DrawString(s.printable(line))
}

// width gives the width of a line in pixels.
func (s *typesetter) width(line string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.face == nil {
		return 0
	}
	return font.MeasureString(s.face, s.printable(line)).Ceil()
}

// printable replaces what the font does not have.
func (s *typesetter) printable(line string) string {
	return strings.Map(func(r rune) rune {
		if i, err := s.font.GlyphIndex(&s.buf, r); err != nil || i == 0 {
			return '?'
		}
		return r
	}, line)
}

func text(m *image.RGBA, x, y int, s string, c color.Color) { letters.draw(m, x, y, s, c) }

// Text writes a line of text on a picture; its upper left corner is (x, y).
func Text(src image.Image, x, y int, s string, c color.Color) *image.RGBA {
	m := canvas(src)
	text(m, x, y, s, c)
	return m
}

// textWidth gives the width of a line in pixels.
func textWidth(s string) int { return letters.width(s) }

// wrapText breaks a caption into lines of at most width pixels, at spaces
// where there are any, but never leaves a line without a letter.
func wrapText(s string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		if line != "" && textWidth(line+" "+word) <= width {
			line += " " + word
			continue
		}
		if line != "" {
			lines = append(lines, line)
		}
		for textWidth(word) > width && len([]rune(word)) > 1 {
			n := fitting(word, width)
			lines = append(lines, word[:n])
			word = word[n:]
		}
		line = word
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}

// fitting is how many bytes of a word fit, those of its first letter at least.
func fitting(word string, width int) int {
	fits := 0
	for i := range word { // the first letter's end, the second's, ...
		if i == 0 {
			continue
		}
		if fits > 0 && textWidth(word[:i]) > width {
			break
		}
		fits = i
	}
	return fits
}
