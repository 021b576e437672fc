package compare

import (
	"math"
	"sort"

	"github.com/prioritycut/prioritycut/evaluate/result"
)

// Mark is how a value stands out.
type Mark string

// Marks of the paper's tables.
const (
	Plain  Mark = ""
	Best   Mark = "best"   // bold
	Second Mark = "second" // underlined
	Better Mark = "better" // than the baseline: green
	Worse  Mark = "worse"  // than the baseline: red
)

// Cell is one value of a table.
type Cell struct {
	// Mean and Half, half the width of its interval, as measured or printed;
	// absent where there is none.
	Mean, Half result.Value
	// Text and HalfText are both as they were printed; empty writes them with
	// the paper's digits.
	Text, HalfText string
	// Low and High bound an interval for plots; absent where there is none.
	Low, High result.Value
	Mark      Mark
}

// Row is one model of a table.
type Row struct {
	Label string
	// Baseline is what Variants are compared with; other models are neither.
	Baseline, Variant bool
	Cells             []Cell
}

// Table is a table of the paper: models by metrics.
type Table struct {
	Caption string
	Columns []result.Measure
	Rows    []Row
}

// cells are cells of a row without values, one per column.
func cells(n int) []Cell {
	all := make([]Cell, n)
	for i := range all {
		all[i] = noCell()
	}
	return all
}

func noCell() Cell {
	none := result.Absent()
	return Cell{Mean: none, Half: none, Low: none, High: none}
}

// text is a cell's value as it is shown, without its interval.
func (c Cell) text(m result.Measure) string {
	if c.Text != "" {
		return c.Text
	}
	return FormatMean(m, c.Mean)
}

// half is half the width of a cell's interval as it is shown: "9e-5"; empty
// where there is none.
func (c Cell) half() string {
	if c.HalfText != "" {
		return c.HalfText
	}
	return FormatCI(c.Half)
}

// NewRow is a row without values.
func (t *Table) NewRow(label string) Row { return Row{Label: label, Cells: cells(len(t.Columns))} }

// Rank sets the marks of all cells. Values that look equal have the same mark:
// what is underlined is the second best value, however many share the best.
// Rows alone, and columns where all values look equal, have no marks.
func (t *Table) Rank() {
	for c, m := range t.Columns {
		best, second := t.top(c, m)
		base := t.baseline(c, m)
		for r := range t.Rows {
			row := &t.Rows[r]
			row.Cells[c].Mark = markOf(row, printed(m, row.Cells[c].Mean), best, second, base, m.Higher())
		}
	}
}

func markOf(row *Row, v, best, second, base float64, higher bool) Mark {
	switch {
	case math.IsNaN(second) || math.IsNaN(v): // one value is no rank
		return Plain
	case v == best:
		return Best
	case v == second:
		return Second
	case !row.Variant || math.IsNaN(base) || v == base:
		return Plain
	case (v > base) == higher:
		return Better
	}
	return Worse
}

// top returns the best and the second best of the different values of a column,
// NaN where there is none.
func (t *Table) top(c int, m result.Measure) (best, second float64) {
	seen := map[float64]bool{}
	var values []float64
	for _, r := range t.Rows {
		if v := printed(m, r.Cells[c].Mean); !math.IsNaN(v) && !seen[v] {
			seen[v], values = true, append(values, v)
		}
	}
	sort.Float64s(values)
	if m.Higher() {
		sort.Sort(sort.Reverse(sort.Float64Slice(values)))
	}
	values = append(values, math.NaN(), math.NaN())
	return values[0], values[1]
}

// baseline is the value of the only baseline, NaN without.
func (t *Table) baseline(c int, m result.Measure) float64 {
	v, n := math.NaN(), 0
	for _, r := range t.Rows {
		if r.Baseline {
			v, n = printed(m, r.Cells[c].Mean), n+1
		}
	}
	if n != 1 {
		return math.NaN()
	}
	return v
}
