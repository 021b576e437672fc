package picture

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"sync"
	"testing"
)

// findAll gives the rectangle that holds all pixels of a colour.
func findAll(m *image.RGBA, c color.RGBA) image.Rectangle {
	var r image.Rectangle
	for y := 0; y < m.Rect.Dy(); y++ {
		for x := 0; x < m.Rect.Dx(); x++ {
			if m.RGBAAt(x, y) == c {
				r = r.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return r
}

func shade(i int) color.RGBA { return color.RGBA{byte(40 + 10*i), 200, 90, 255} }

func TestGridPlacesCells(t *testing.T) {
	for _, wrap := range []int{0, 1, 2, 3, 9} {
		g := &Grid{Title: "title", RowLabels: []string{"first", "second"}, Wrap: wrap, Border: true}
		for c := 0; c < 3; c++ {
			Add(g, fmt.Sprintf("column %d", c), filled(20, 20, shade(2*c)), filled(20, 20, shade(2*c+1)))
		}
		m, err := g.Draw()
		if err != nil {
			t.Fatal(err)
		}
		columns := wrap
		if wrap < 1 || wrap > 3 {
			columns = 3
		}
		for c := 0; c < 3; c++ {
			top, below := findAll(m, shade(2*c)), findAll(m, shade(2*c+1))
			if top.Dx() != 100 || top.Dy() != 100 {
				t.Fatalf("wrap %d: cell is %v, want 20 pixels five times", wrap, top)
			}
			if below != top.Add(image.Pt(0, 100+gap)) {
				t.Errorf("wrap %d: rows at %v and %v", wrap, top, below)
			}
			if c > 0 {
				before := findAll(m, shade(2*c-2))
				if c%columns != 0 && top != before.Add(image.Pt(100+gap, 0)) {
					t.Errorf("wrap %d: column %d is at %v after %v", wrap, c, top, before)
				}
				if c%columns == 0 && (top.Min.Y <= before.Max.Y+100 || top.Min.X >= before.Max.X && columns > 1) {
					t.Errorf("wrap %d: band of column %d is at %v after %v", wrap, c, top, before)
				}
			}
			caption := image.Rect(top.Min.X, top.Min.Y-lineH-2, top.Max.X, top.Min.Y)
			if n := inked(m, caption); n < 40 {
				t.Errorf("wrap %d: the caption of column %d has %d pixels", wrap, c, n)
			}
			label := image.Rect(0, top.Min.Y, findAll(m, shade(0)).Min.X, top.Max.Y)
			if n := inked(m, label); n < 30 {
				t.Errorf("wrap %d: the label beside column %d has %d pixels", wrap, c, n)
			}
		}
	}
}

// TestBorder tells grids with and without borders apart: space and lines around
// each cell, or cells that touch in one frame.
func TestBorder(t *testing.T) {
	for _, border := range []bool{false, true} {
		g := &Grid{Border: border}
		Add(g, "long caption", filled(100, 100, shade(0)), filled(100, 100, shade(1)))
		Add(g, "long caption", filled(100, 100, shade(2)))
		m, err := g.Draw()
		if err != nil {
			t.Fatal(err)
		}
		space := 0
		if border {
			space = gap
		}
		first, below, beside := findAll(m, shade(0)), findAll(m, shade(1)), findAll(m, shade(2))
		if first.Size() != image.Pt(100, 100) || below != first.Add(image.Pt(0, 100+space)) || beside != first.Add(image.Pt(100+space, 0)) {
			t.Errorf("border %v: cells at %v, %v, %v", border, first, below, beside)
		}
		// All that a line must be, and nothing else below the captions, whose
		// letters have grey edges.
		cells := []image.Rectangle{image.Rect(0, 0, 200, 200).Add(first.Min)}
		if border {
			cells = []image.Rectangle{first, below, beside, beside.Add(image.Pt(0, 100+gap))}
		}
		for y := first.Min.Y - 1; y < m.Rect.Dy(); y++ {
			for x := 0; x < m.Rect.Dx(); x++ {
				want := false
				for _, c := range cells {
					p := image.Pt(x, y)
					want = want || p.In(c.Inset(-1)) && !p.In(c)
				}
				if got := m.RGBAAt(x, y) == line; got != want {
					t.Fatalf("border %v: a line at (%d, %d) %v, want %v", border, x, y, got, want)
				}
			}
		}
	}
}

// dark tells text from paper and lines; its edges are grey.
func dark(c color.RGBA) bool { return max(c.R, c.G, c.B) < 128 }

// inked counts the pixels of text in a region.
func inked(m *image.RGBA, r image.Rectangle) int {
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if dark(m.RGBAAt(x, y)) {
				n++
			}
		}
	}
	return n
}

// inkedRect gives the rectangle that holds all text of a picture.
func inkedRect(m *image.RGBA) image.Rectangle {
	var r image.Rectangle
	for y := 0; y < m.Rect.Dy(); y++ {
		for x := 0; x < m.Rect.Dx(); x++ {
			if dark(m.RGBAAt(x, y)) {
				r = r.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return r
}

func TestGridFillsCellsKeepingTheirAspect(t *testing.T) {
	g := &Grid{CellW: 60, CellH: 40}
	Add[image.Image](g, "a", filled(10, 10, shade(0)), nil, (*image.RGBA)(nil))
	Add(g, "a caption that takes many lines", filled(30, 10, shade(1)))
	Add(g, "", filled(90, 60, shade(2)))
	m, err := g.Draw()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []image.Point{{40, 40}, {60, 20}, {60, 40}} {
		if got := findAll(m, shade(i)).Size(); got != want {
			t.Errorf("cell %d is drawn at %v, want %v", i, got, want)
		}
	}
	if findAll(m, empty).Empty() {
		t.Error("missing cells are not marked")
	}
}

func TestLegendsShowTheirScales(t *testing.T) {
	g := &Grid{}
	Add(g, "x", filled(10, 10, shade(0)))
	scale := Scale{-1, 1, Diverging}
	for i := 0; i < 3; i++ {
		g.AddLegend("scores", scale)
	}
	g.AddLegend("masks", Unit)
	if len(g.Legends) != 2 {
		t.Fatalf("%d legends, want 2", len(g.Legends))
	}
	m, err := g.Draw()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []Scale{scale, Unit} {
		low, high := findAll(m, s.Colour(s.Low)), findAll(m, s.Colour(s.High))
		if low.Empty() || high.Empty() || high.Min.X-low.Min.X < barW-4 {
			t.Errorf("the bar of %v reaches from %v to %v", s, low, high)
		}
	}
}

func TestImpossibleGrids(t *testing.T) {
	void := &Grid{}
	Add(void, "only a caption", []*image.RGBA{nil}...)
	huge := &Grid{CellW: 60000, CellH: 60000}
	Add(huge, "x", filled(1, 1, ink), filled(1, 1, ink))
	wide := &Grid{Title: string(bytes.Repeat([]byte("x"), 20000))}
	Add(wide, "x", filled(1, 1, ink))
	for name, g := range map[string]*Grid{"no columns": {}, "no cells": void, "huge": huge, "wide": wide} {
		if _, err := g.Draw(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestCaptionsAreBroken(t *testing.T) {
	for _, c := range []struct {
		s     string
		width int
		want  []string
	}{
		{"", 70, nil},
		{"source", 70, []string{"source"}},
		{"driving with keypoints", 70, []string{"driving", "with", "keypoints"}},
		{"driving with keypoints", 80, []string{"driving with", "keypoints"}},
		{"a b c", 35, []string{"a b c"}},
		{"grün", 70, []string{"grün"}},
		{"xy", 1, []string{"x", "y"}},
		{"äö", 1, []string{"ä", "ö"}},
	} {
		if got := wrapText(c.s, c.width); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%q in %d pixels is broken to %q, want %q", c.s, c.width, got, c.want)
		}
	}
	word := "incomprehensible"
	lines := wrapText(word, 60)
	for _, l := range lines {
		if textWidth(l) > 60 {
			t.Errorf("%q is %d pixels wide", l, textWidth(l))
		}
	}
	if len(lines) != 2 || strings.Join(lines, "") != word {
		t.Errorf("%q is broken to %q", word, lines)
	}
}

// Letters are of their own widths, stay within their line, and what the font does
// not have is a question mark.
func TestText(t *testing.T) {
	if textWidth("iiii") >= textWidth("mmmm") || textWidth("") != 0 {
		t.Errorf("iiii is %d pixels wide, mmmm %d", textWidth("iiii"), textWidth("mmmm"))
	}
	const all = "|Ágjpqy(){}[]_^ÅÜ@"
	m := Text(filled(200, 3*lineH, paper), 20, lineH, all, ink)
	got, line := inkedRect(m), image.Rect(20, lineH, 20+textWidth(all), 2*lineH)
	if got.Empty() || !got.In(line.Inset(-1)) {
		t.Errorf("the line %v is inked in %v", line, got)
	}
	if got := inkedRect(Text(filled(20, 20, paper), 2, 2, "漢", ink)); got != inkedRect(Text(filled(20, 20, paper), 2, 2, "?", ink)) {
		t.Errorf("a character that is not there is drawn in %v", got)
	}
	// Pictures are drawn by several at once.
	var wait sync.WaitGroup
	for range 4 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			if again := Text(filled(200, 3*lineH, paper), 20, lineH, all, ink); !bytes.Equal(again.Pix, m.Pix) {
				t.Error("text differs from time to time")
			}
		}()
	}
	wait.Wait()
}

func TestPNG(t *testing.T) {
	want := gradient(5, 4)
	encoded, err := PNG(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := png.Decode(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	if f, err := Difference(want, got); err != nil || fmt.Sprint(f.Range()) != "0 0" {
		t.Errorf("the file shows something else (%v)", err)
	}
	if _, err := PNG(image.NewRGBA(image.Rectangle{})); err == nil {
		t.Error("a picture of nothing is encoded")
	}
}
