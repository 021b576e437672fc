package picture

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"strconv"
)

// Grid lays pictures out in columns with captions and rows with labels.
type Grid struct {
	// Title stands above everything; empty is none.
	Title string
	// Columns from left to right. A column may be shorter than the others.
	Columns []Column
	// RowLabels stand at the left of the rows; missing ones are empty.
	RowLabels []string
	// CellW and CellH are the size that cells are drawn at, by nearest
	// neighbour, aspect kept. 0 takes the largest cell, enlarged by a whole
	// factor to at least 96 pixels.
	CellW, CellH int
	// Wrap breaks the grid into bands of so many columns, one below another;
	// 0 keeps one band.
	Wrap int
	// Border puts space between cells and a line around each; without, the
	// cells of a band touch and the line is around all of them.
	Border bool
	// Legends explain the colours of heatmaps, below the grid.
	Legends []Legend
	// Notes explain in words what is drawn, each on lines of its own, below the
	// legends.
	Notes []string
}

// Column is a caption and the cells below it. A nil cell stays empty.
type Column struct {
	Caption string
	Cells   []image.Image
}

// Legend names a scale.
type Legend struct {
	Text  string
	Scale Scale
}

// Measures of a grid, in pixels.
const (
	leastCell  = 96
	gap        = 4
	margin     = 8
	barW, barH = 120, 10
	maxPixels  = 1 << 28
)

var (
	paper = color.RGBA{255, 255, 255, 255}
	ink   = color.RGBA{30, 30, 30, 255}
	empty = color.RGBA{238, 238, 238, 255}
	line  = color.RGBA{170, 170, 170, 255}
)

// Add appends a column.
func Add[T image.Image](g *Grid, caption string, cells ...T) {
	column := Column{Caption: caption}
	for _, c := range cells {
		column.Cells = append(column.Cells, c)
	}
	g.Columns = append(g.Columns, column)
}

// AddLegend explains a scale once, however often it is added.
func (g *Grid) AddLegend(text string, s Scale) {
	for _, l := range g.Legends {
		if l.Text == text && l.Scale == s {
			return
		}
	}
	g.Legends = append(g.Legends, Legend{text, s})
}

// layout is where everything of a grid goes.
type layout struct {
	rows, wrap     int
	cellW, cellH   int
	space          int // between cells
	left           int // of the first column
	captionH       []int
	bandY          []int // of each band's captions
	legendY        int
	notesY         int
	notes          []string // lines
	legendsPerLine int
	w, h           int
}

// Draw draws the grid. It fails if there is nothing to draw or if the picture
// would be unreasonably large.
func (g *Grid) Draw() (*image.RGBA, error) {
	l, err := g.layout()
	if err != nil {
		return nil, err
	}
	m := filled(l.w, l.h, paper)
	if g.Title != "" {
		text(m, margin, margin, g.Title, ink)
	}
	if !g.Border {
		g.frameBands(m, l)
	}
	for i, column := range g.Columns {
		band, x := i/l.wrap, l.left+i%l.wrap*(l.cellW+l.space)
		y := l.bandY[band]
		lines := wrapText(column.Caption, l.captionW())
		// Captions stand on the cells: short ones start lower.
		for k, words := range lines {
			text(m, x, y+l.captionH[band]-2-(len(lines)-k)*lineH, words, ink)
		}
		for r := 0; r < l.rows; r++ {
			g.cell(m, column, r, image.Rect(x, 0, x+l.cellW, l.cellH).Add(image.Pt(0, y+l.captionH[band]+r*(l.cellH+l.space))))
		}
	}
	g.drawLabels(m, l)
	g.drawLegends(m, l)
	for i, line := range l.notes {
		text(m, margin, l.notesY+i*lineH, line, ink)
	}
	return m, nil
}

func (g *Grid) layout() (*layout, error) {
	l := &layout{wrap: g.Wrap}
	if g.Border {
		l.space = gap
	}
	if len(g.Columns) == 0 {
		return nil, errors.New("picture: a grid without columns")
	}
	if l.wrap < 1 || l.wrap > len(g.Columns) {
		l.wrap = len(g.Columns)
	}
	largest := image.Point{}
	for _, c := range g.Columns {
		l.rows = max(l.rows, len(c.Cells))
		for _, cell := range c.Cells {
			if isNil(cell) {
				continue
			}
			s := cell.Bounds().Size()
			largest = image.Pt(max(largest.X, s.X), max(largest.Y, s.Y))
		}
	}
	if largest.X == 0 || largest.Y == 0 {
		return nil, errors.New("picture: a grid without pictures")
	}
	l.cellW, l.cellH = g.cellSize(largest)
	for _, label := range g.RowLabels {
		l.left = max(l.left, textWidth(label))
	}
	if l.left += margin; l.left > margin {
		l.left += margin
	}
	y := margin
	if g.Title != "" {
		y += lineH + margin
	}
	bands := (len(g.Columns) + l.wrap - 1) / l.wrap
	for b := 0; b < bands; b++ {
		lines := 0
		for _, c := range g.Columns[b*l.wrap : min((b+1)*l.wrap, len(g.Columns))] {
			lines = max(lines, len(wrapText(c.Caption, l.captionW())))
		}
		l.captionH = append(l.captionH, lines*lineH+2)
		l.bandY = append(l.bandY, y)
		y += lines*lineH + 2 + l.rows*(l.cellH+l.space) + margin
		if y > maxPixels {
			break
		}
	}
	l.w = max(l.left+l.wrap*(l.cellW+l.space)-l.space+margin, textWidth(g.Title)+2*margin)
	return l, g.placeLegends(l, y)
}

// placeLegends puts legends and notes from height y on and completes the size.
func (g *Grid) placeLegends(l *layout, y int) error {
	l.legendY = y
	widest := 0
	for _, legend := range g.Legends {
		widest = max(widest, legend.width())
	}
	if widest > 0 {
		l.w = max(l.w, widest+2*margin)
		l.legendsPerLine = max((l.w-margin)/(widest+margin), 1)
		y += (len(g.Legends) + l.legendsPerLine - 1) / l.legendsPerLine * (lineH + gap)
		y += margin
	}
	l.notesY = y
	for _, note := range g.Notes { // no wider than what they explain
		l.notes = append(l.notes, wrapText(note, l.w-2*margin)...)
	}
	if y += len(l.notes) * lineH; len(l.notes) > 0 {
		y += margin
	}
	l.h = y
	if l.w > maxSide || l.h > maxSide || int64(l.w)*int64(l.h) > maxPixels {
		return fmt.Errorf("picture: a grid of %dx%d pixels is too large: use smaller or fewer cells", l.w, l.h)
	}
	return nil
}

// captionW is the width of captions: those of neighbours must not run together.
func (l *layout) captionW() int { return l.cellW - gap + l.space }

// cellSize gives the size that cells are drawn at.
func (g *Grid) cellSize(largest image.Point) (w, h int) {
	if g.CellW > 0 && g.CellH > 0 {
		return min(g.CellW, maxSide), min(g.CellH, maxSide)
	}
	factor := (leastCell + max(largest.X, largest.Y) - 1) / max(largest.X, largest.Y)
	return min(largest.X*factor, maxSide), min(largest.Y*factor, maxSide)
}

// frameBands draws the line around each band; the last may be shorter.
func (g *Grid) frameBands(m *image.RGBA, l *layout) {
	for b, y := range l.bandY {
		columns := min(l.wrap, len(g.Columns)-b*l.wrap)
		corner := image.Pt(l.left, y+l.captionH[b])
		band := image.Rectangle{Max: image.Pt(columns*l.cellW, l.rows*l.cellH)}.Add(corner)
		draw.Draw(m, band.Inset(-1), image.NewUniform(line), image.Point{}, draw.Src)
	}
}

// cell draws one cell, centred, as large as its aspect allows.
func (g *Grid) cell(m *image.RGBA, c Column, row int, at image.Rectangle) {
	if g.Border {
		draw.Draw(m, at.Inset(-1), image.NewUniform(line), image.Point{}, draw.Src)
	}
	if row >= len(c.Cells) || isNil(c.Cells[row]) || c.Cells[row].Bounds().Empty() {
		draw.Draw(m, at, image.NewUniform(empty), image.Point{}, draw.Src)
		return
	}
	s := c.Cells[row].Bounds().Size()
	w, h := at.Dx(), s.Y*at.Dx()/s.X
	if h > at.Dy() {
		w, h = s.X*at.Dy()/s.Y, at.Dy()
	}
	p := Resize(c.Cells[row], w, h)
	corner := at.Min.Add(image.Pt((at.Dx()-p.Rect.Dx())/2, (at.Dy()-p.Rect.Dy())/2))
	draw.Draw(m, at, image.NewUniform(paper), image.Point{}, draw.Src)
	draw.Draw(m, p.Rect.Add(corner), p, image.Point{}, draw.Over)
}

func isNil(p image.Image) bool {
	if p == nil {
		return true
	}
	r, ok := p.(*image.RGBA)
	return ok && r == nil
}

func (g *Grid) drawLabels(m *image.RGBA, l *layout) {
	for b := range l.bandY {
		for r := 0; r < min(l.rows, len(g.RowLabels)); r++ {
			y := l.bandY[b] + l.captionH[b] + r*(l.cellH+l.space) + (l.cellH-lineH)/2
			text(m, margin, y, g.RowLabels[r], ink)
		}
	}
}

func (g *Grid) drawLegends(m *image.RGBA, l *layout) {
	for i, legend := range g.Legends {
		width := (l.w - margin) / l.legendsPerLine
		x := margin + i%l.legendsPerLine*width
		y := l.legendY + i/l.legendsPerLine*(lineH+gap)
		low, high := legend.Scale.ends()
		text(m, x, y, legend.Text+" "+low, ink)
		x += textWidth(legend.Text+" "+low) + gap
		bar := legend.Scale.Bar(barW, barH)
		draw.Draw(m, bar.Rect.Add(image.Pt(x, y+(lineH-barH)/2)), bar, image.Point{}, draw.Src)
		text(m, x+barW+gap, y, high, ink)
	}
}

func (l Legend) width() int {
	low, high := l.Scale.ends()
	return textWidth(l.Text+" "+low+high) + barW + 2*gap + margin
}

// number is a value with at most four digits, but whole ones as people write them.
func number(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e7 {
		return strconv.FormatFloat(v+0, 'f', 0, 64) // -0 is 0
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
