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
// measure its mean with all digits, its half-width as shown and its mark.
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
		cell := Cell{Mean: result.Absent()}
		for c, have := range t.Columns {
			if have == m {
				cell = r.Cells[c]
			}
		}
		value := cell.Text
		if value == "" {
			value, _ = cell.Mean.MarshalCSV() // it never fails
		}
		record = append(record, value, cell.CI, string(cell.Mark))
	}
	return record
}

// columnName is what columns are called in files: psnr_salient.
func columnName(m result.Measure) string {
	if m.Region == result.All {
		return m.Metric
	}
	return m.Metric + "_" + m.Region
}

// differenceRow is a row of differences.csv.
type differenceRow struct {
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
	Verdict       string       `csv:"verdict"`
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
	rows := []differenceRow{}
	for _, g := range c.Groups {
		for _, d := range g.Differences {
			rows = append(rows, differenceRow{
				FormatVersion: TableFormatVersion, Data: g.Data, Model: d.Model, Against: d.Against,
				Metric: d.Measure.Metric, Region: d.Measure.Region, Difference: d.Mean, CI95: d.CI95, Low: d.Low, High: d.High,
				Frames: d.Frames, Videos: d.Videos, Verdict: string(d.Verdict),
			})
		}
	}
	return gocsv.Marshal(rows, w)
}
