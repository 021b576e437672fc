package compare

import (
	"fmt"
	"io"
	"strings"

	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/internal/usage"
)

// WriteMarkdown writes a report without plots and pictures. Colours are told by
// signs, which every viewer shows.
func (r *Report) WriteMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", escapeMarkdown(r.Title))
	for _, s := range r.Sections {
		fmt.Fprintf(&b, "\n## %s\n", escapeMarkdown(s.Title))
		for i, text := range s.Warnings {
			mark := "\n> * "
			if i == 0 {
				mark = "\n> **Warning:** "
			}
			b.WriteString(mark + escapeMarkdown(text))
			if i == len(s.Warnings)-1 {
				b.WriteString("\n")
			}
		}
		for _, t := range s.Tables {
			b.WriteString("\n")
			t.markdown(&b)
		}
		for _, g := range s.Grids {
			b.WriteString("\n")
			g.markdown(&b)
		}
		for _, text := range s.Notes {
			fmt.Fprintf(&b, "\n%s\n", escapeMarkdown(usage.Flags(text)))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Markdown is the table alone.
func (t *Table) Markdown() string {
	var b strings.Builder
	t.markdown(&b)
	return b.String()
}

func (t *Table) markdown(b *strings.Builder) {
	if t.Caption != "" {
		fmt.Fprintf(b, "*%s*\n\n", escapeMarkdown(t.Caption))
	}
	header := []string{"model"}
	for _, m := range t.Columns {
		header = append(header, Title(m))
	}
	markdownRow(b, header)
	b.WriteString("| --- |" + strings.Repeat(" --- |", len(t.Columns)) + "\n")
	for _, r := range t.Rows {
		line := []string{escapeMarkdown(r.Label)}
		for c, m := range t.Columns {
			line = append(line, r.Cells[c].markdown(m))
		}
		markdownRow(b, line)
	}
}

// markdownMarks stand around a value.
var markdownMarks = map[Mark][2]string{
	Best: {"**", "**"}, Second: {"<u>", "</u>"}, Better: {"🟢 ", ""}, Worse: {"🔴 ", ""},
}

func (c Cell) markdown(m result.Measure) string {
	around := markdownMarks[c.Mark]
	text := around[0] + c.text(m) + around[1]
	if half := c.half(); half != "" {
		text += " ± " + half
	}
	return text
}

func (g *Grid) markdown(b *strings.Builder) {
	if g.Caption != "" {
		fmt.Fprintf(b, "*%s*\n\n", escapeMarkdown(g.Caption))
	}
	markdownRow(b, escapeAll(g.Header))
	b.WriteString("|" + strings.Repeat(" --- |", len(g.Header)) + "\n")
	for _, row := range g.Rows {
		markdownRow(b, escapeAll(row))
	}
}

// Markdown is the grid alone.
func (g *Grid) Markdown() string {
	var b strings.Builder
	g.markdown(&b)
	return b.String()
}

func markdownRow(b *strings.Builder, cells []string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

func escapeAll(texts []string) []string {
	all := make([]string, len(texts))
	for i, t := range texts {
		all[i] = escapeMarkdown(t)
	}
	return all
}

var markdownEscaper = strings.NewReplacer(
	"\\", "\\\\", "|", "\\|", "<", "&lt;", ">", "&gt;", "&", "&amp;", "*", "\\*", "`", "\\`", "[", "\\[", "]", "\\]",
	"\n", " ", "\r", " ", "_", "\\_", "~", "\\~", "$", "\\$",
)

// escapeMarkdown makes a text plain: names may hold anything.
func escapeMarkdown(text string) string { return markdownEscaper.Replace(text) }
