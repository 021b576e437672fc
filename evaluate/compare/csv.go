package compare

import (
	"encoding/csv"
	"io"
	"strconv"

	"github.com/gocarina/gocsv"

	"github.com/prioritycut/prioritycut/evaluate/result"
)

// TableFormatVersion is the version of the tables that comparisons write.
const TableFormatVersion = 1

// WriteCSV writes tables in the paper's layout: a line per model, and for each
// measure its mean, half the width of its interval and its mark, with all digits
// or as printed.
func WriteCSV(w io.Writer, data []string, tables []Table) error {
	out := csv.NewWriter(w)
	header := []string{"format_version", "data", "table", "model"}
	for _, m := range result.Measures() {
		name := columnName(m)
		header = append(header, name, name+"_ci95", name+"_mark")
	}
	if err := out.Write(header); err != nil {
		return err
	}
	for i, t := range tables {
		for _, r := range t.Rows {
			if err := out.Write(r.record(data[i], &t)); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

func (r *Row) record(data string, t *Table) []string {
	table := t.Caption
	if table == "" {
		table = "measured"
	}
	record := []string{strconv.Itoa(TableFormatVersion), data, table, r.Label}
	for _, m := range result.Measures() {
		cell := noCell()
		for c, have := range t.Columns {
			if have == m {
				cell = r.Cells[c]
			}
		}
		record = append(record, number(cell.Mean, cell.Text), number(cell.Half, cell.HalfText), string(cell.Mark))
	}
	return record
}

// number is a value as it was printed, else with all digits.
func number(v result.Value, printed string) string {
	if printed == "" {
		printed, _ = v.MarshalCSV() // it never fails
	}
	return printed
}

// columnName is what columns are called in files: psnr_salient.
func columnName(m result.Measure) string {
	if m.Region == result.All {
		return m.Metric
	}
	return m.Metric + "_" + m.Region
}

// DifferenceRow is a row of differences.csv.
type DifferenceRow struct {
	FormatVersion int          `csv:"format_version"`
	Data          string       `csv:"data"`
	Model         string       `csv:"model"`
	Against       string       `csv:"against"`
	Metric        string       `csv:"metric"`
	Region        string       `csv:"region"`
	Difference    result.Value `csv:"difference"`
	CI95          result.Value `csv:"ci95_frames"`
	Low           result.Value `csv:"ci_videos_low"`
	High          result.Value `csv:"ci_videos_high"`
	Frames        int          `csv:"frames"`
	Videos        int          `csv:"videos"`
	Verdict       Verdict      `csv:"verdict"`
}

// Row is the pairing as a row, on data of that name.
func (p *Pairing) Row(data string) DifferenceRow {
	return DifferenceRow{
		FormatVersion: TableFormatVersion, Data: data, Model: p.Model, Against: p.Against,
		Metric: p.Measure.Metric, Region: p.Measure.Region, Difference: p.Mean, CI95: p.CI95, Low: p.Low, High: p.High,
		Frames: p.Frames, Videos: p.Videos, Verdict: p.Verdict,
	}
}

// WriteCSV writes all groups' tables, the published ones among them.
func (c *Comparison) WriteCSV(w io.Writer) error {
	var data []string
	var tables []Table
	for _, g := range c.Groups {
		for _, t := range append([]Table{g.Table}, g.Published...) {
			data, tables = append(data, g.Data), append(tables, t)
		}
	}
	return WriteCSV(w, data, tables)
}

// WriteDifferences writes the differences of every pair as CSV.
func (c *Comparison) WriteDifferences(w io.Writer) error {
	rows := []DifferenceRow{}
	for _, g := range c.Groups {
		for i := range g.Differences {
			rows = append(rows, g.Differences[i].Row(g.Data))
		}
	}
	return gocsv.Marshal(rows, w)
}
