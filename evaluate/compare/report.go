package compare

import (
	"fmt"

	"github.com/prioritycut/prioritycut/evaluate/result"
)

// Report is what is shown to a reader, whatever it is written as.
type Report struct {
	Title    string
	Sections []Section
}

// Section is a part of a report. Markdown leaves plots, pictures and films out.
type Section struct {
	Title    string
	Warnings []string // in red, before everything else
	Notes    []string // paragraphs, below the tables
	Tables   []Table
	Grids    []Grid
	Plots    []Plot
	Pictures []Picture
	Films    []Film
}

// Grid is a plain table of text.
type Grid struct {
	Caption string
	Header  []string
	Rows    [][]string
}

// Picture is an embedded PNG.
type Picture struct {
	Caption string
	PNG     []byte
}

// Film is a film in a file beside the page.
type Film struct {
	Caption string
	// Path is the file's, from the page on, with slashes.
	Path string
}

// Plot shows means with intervals, a line per item.
type Plot struct {
	Title string
	// Zero draws a line at 0: the items are differences.
	Zero  bool
	Items []Item
}

// Item is a line of a plot.
type Item struct {
	Label           string
	Mean, Low, High result.Value
	Mark            Mark
}

// Legend explains the marks of tables.
const Legend = "Bold: best. Underlined: second. Of the other variants of the baseline, green are better than it and red worse. " +
	"Values that look equal at the digits shown have the same mark."

// Report puts a comparison into words; pictures are by group.
func (c *Comparison) Report(title string, pictures [][]Picture) *Report {
	r := &Report{Title: title}
	for i := range c.Groups {
		g := &c.Groups[i]
		s := Section{
			Title: "On " + g.Data, Notes: append([]string{Legend}, g.Notes...),
			Tables: append([]Table{g.Table}, g.Published...), Plots: g.Plots(),
		}
		if len(g.Conflicts) > 0 {
			s.Warnings = append([]string{"These evaluations were not measured alike. Their numbers do not compare:"}, g.Conflicts...)
		}
		if grid := g.differences(); len(grid.Rows) > 0 {
			s.Grids = append(s.Grids, grid)
		}
		if i < len(pictures) {
			s.Pictures = pictures[i]
		}
		r.Sections = append(r.Sections, s)
	}
	return r
}

// differences lists those from the reference.
func (g *Group) differences() Grid {
	grid := Grid{
		Caption: fmt.Sprintf("Paired differences from %s, frame by frame (video by video where an evaluation kept no frames); "+
			"better and worse where the interval over videos leaves out 0", g.Reference),
		Header: []string{"model", "metric", "difference", "95 % over videos", "± over frames", "frames", "videos", "it is"},
	}
	for _, d := range g.Differences {
		if d.Against != g.Reference {
			continue
		}
		grid.Rows = append(grid.Rows, []string{
			d.Model, Title(d.Measure), FormatDifference(d.Measure, d.Mean), FormatInterval(d.Measure, d.Low, d.High),
			text(FormatCI(d.CI95)), fmt.Sprint(d.Frames), fmt.Sprint(d.Videos), string(d.Verdict),
		})
	}
	return grid
}

// Plots shows each measure's means with their intervals over videos, and the
// differences from the reference.
func (g *Group) Plots() []Plot {
	plots := g.Table.Plots()
	for _, m := range g.Table.Columns {
		p := Plot{Title: fmt.Sprintf("%s, difference from %s", Title(m), g.Reference), Zero: true}
		for _, d := range g.Differences {
			if d.Against != g.Reference || d.Measure != m {
				continue
			}
			p.Items = append(p.Items, Item{Label: d.Model, Mean: d.Mean, Low: d.Low, High: d.High, Mark: MarkOf(d.Verdict)})
		}
		if len(p.Items) > 0 {
			plots = append(plots, p)
		}
	}
	return plots
}

// MarkOf is how a difference with a verdict stands out.
func MarkOf(v Verdict) Mark {
	switch v {
	case IsBetter:
		return Better
	case IsWorse:
		return Worse
	}
	return Plain
}

// Plots shows the means of each column with their intervals.
func (t *Table) Plots() []Plot {
	var plots []Plot
	for c, m := range t.Columns {
		p := Plot{Title: Title(m)}
		for _, r := range t.Rows {
			if cell := r.Cells[c]; cell.Mean.Finite() {
				p.Items = append(p.Items, Item{Label: r.Label, Mean: cell.Mean, Low: cell.Low, High: cell.High, Mark: cell.Mark})
			}
		}
		if len(p.Items) > 0 {
			plots = append(plots, p)
		}
	}
	return plots
}
