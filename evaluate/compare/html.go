package compare

import (
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"unicode/utf8"

	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/internal/usage"
)

//go:embed report.html
var pageSource string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	"head": headOf,
	"png": func(data []byte) template.URL {
		return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(data)) // base64 holds nothing else
	},
	"value": func(c Cell, m result.Measure) string { return c.text(m) },
	"half":  Cell.half,
	"flags": usage.Flags,
	"whole": func(text string) bool { return utf8.RuneCountInString(text) <= wholeChars },
}).Parse(pageSource))

// wholeChars is the longest text of a grid that is not broken into lines: an
// interval.
const wholeChars = 24

// WriteHTML writes a report as one page that needs no other file.
func (r *Report) WriteHTML(w io.Writer) error { return page.Execute(w, r) }

// head are the two lines of a table's header.
type head struct {
	Metrics []span
	Regions []string // of the metrics that have parts
}

// span is a header over columns.
type span struct {
	Text       string
	Cols, Rows int
}

// headOf groups columns of one metric under it.
func headOf(columns []result.Measure) head {
	var h head
	for i, m := range columns {
		if !hasParts(m) {
			h.Metrics = append(h.Metrics, span{Text: metricTitle(m), Cols: 1, Rows: 2})
			continue
		}
		h.Regions = append(h.Regions, regions[m.Region])
		if i > 0 && columns[i-1].Metric == m.Metric {
			h.Metrics[len(h.Metrics)-1].Cols++
			continue
		}
		h.Metrics = append(h.Metrics, span{Text: metricTitle(m), Cols: 1, Rows: 1})
	}
	return h
}
