package compare

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/gocarina/gocsv"

	"github.com/prioritycut/prioritycut/evaluate/result"
)

//go:embed published.csv
var publishedCSV string

// publishedRow is a value of the paper's Tables 1 to 4, as printed. Tables 1
// and 4 disagree in two half-widths; both stand.
type publishedRow struct {
	Table   int    `csv:"table"`
	DataSet string `csv:"data_set"`
	Model   string `csv:"model"`
	Metric  string `csv:"metric"`
	Region  string `csv:"region"`
	Mean    string `csv:"mean"`
	CI95    string `csv:"ci95"`
}

// Published is the number of the paper's tables.
const Published = 4

// publishedKinds are the kinds of data of the tables, from Table 1 on.
var publishedKinds = [Published]string{result.Faces, result.Bodies, result.Other, result.Faces}

// PublishedFor lists the tables of the paper on a kind of data.
func PublishedFor(kind string) []int {
	var tables []int
	for i, k := range publishedKinds {
		if k == kind {
			tables = append(tables, i+1)
		}
	}
	return tables
}

// PublishedTable is Table n of the paper, as printed.
func PublishedTable(n int) (Table, error) {
	if n < 1 || n > Published {
		return Table{}, fmt.Errorf("the paper has no Table %d: Tables 1 to %d are known", n, Published)
	}
	var all []publishedRow
	if err := gocsv.UnmarshalString(publishedCSV, &all); err != nil {
		return Table{}, fmt.Errorf("published numbers: %w", err)
	}
	t := Table{Columns: Columns(publishedKinds[n-1])}
	column := map[result.Measure]int{}
	for i, m := range t.Columns {
		column[m] = i
	}
	at := map[string]int{}
	for _, p := range all {
		if p.Table != n {
			continue
		}
		t.Caption = fmt.Sprintf("as printed in the paper (Table %d, %s)", n, p.DataSet)
		if _, ok := at[p.Model]; !ok {
			at[p.Model] = len(t.Rows)
			row := t.NewRow(p.Model)
			row.Baseline, row.Variant = p.Model == "FOMM", variantNames[p.Model]
			t.Rows = append(t.Rows, row)
		}
		c, ok := column[result.Measure{Metric: strings.ToLower(p.Metric), Region: p.Region}]
		if !ok {
			return Table{}, fmt.Errorf("published numbers: Table %d has no column %s %s", n, p.Metric, p.Region)
		}
		if err := t.Rows[at[p.Model]].Cells[c].print(p); err != nil {
			return Table{}, err
		}
	}
	t.Rank()
	return t, nil
}

// variantNames are the published rows that are variants of the baseline.
var variantNames = map[string]bool{"FOMM+": true, "U-Net": true, "CutMix": true, "PriorityCut": true}

// print takes a printed value over.
func (c *Cell) print(p publishedRow) error {
	mean, err := strconv.ParseFloat(p.Mean, 64)
	if err != nil {
		return fmt.Errorf("published numbers: %w", err)
	}
	half, err := strconv.ParseFloat(p.CI95, 64)
	if err != nil {
		return fmt.Errorf("published numbers: %w", err)
	}
	c.Mean, c.Text = result.Value(mean), p.Mean
	c.Half, c.HalfText = result.Value(half), p.CI95
	c.Low, c.High = result.Value(mean-half), result.Value(mean+half)
	return nil
}
