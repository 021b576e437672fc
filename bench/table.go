package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
)

// writeReport writes what was measured as Markdown: how it stands with the
// targets, every side's times, convolutions one by one, and what the numbers
// mean. What has no result is left out.
func (b *bench) writeReport(w io.Writer, all []*outcome) error {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s\n\n", strings.Join(b.conditions(all), "\n"))
	if list := verdicts(all); len(list) > 0 {
		table(&text, "work", "instructions", "ours", "beside", "theirs", "ratio", "target", "")
		for _, v := range list {
			tableRow(&text, v.work, isaNames[v.isa], v.ours, v.beside, v.theirs, v.ratio, v.target, v.word())
		}
		text.WriteString("\n")
	}
	table(&text, "case", "side", "rounds", "time", "time, ours / theirs", "processor time, ours / theirs", "memory", "memory, ours / theirs")
	for _, o := range all {
		for _, t := range o.turns {
			if len(o.results[t]) > 0 && o.job.Measure != measureFidelity {
				tableRow(&text, o.compared(t)...)
			}
		}
	}
	convTables(&text, all)
	fmt.Fprintf(&text, "\n%s\n", strings.Join(b.notes(all), "\n"))
	_, err := w.Write(text.Bytes())
	return err
}

// table begins a table.
func table(b *bytes.Buffer, header ...string) {
	tableRow(b, header...)
	b.WriteString("| --- |" + strings.Repeat(" --- |", len(header)-1) + "\n")
}

func tableRow(b *bytes.Buffer, cells ...string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

// compared is a row of one side, beside ours.
func (o *outcome) compared(t turn) []string {
	results, own := o.results[t], o.ours()
	cells := []string{o.name(), t.String(), strconv.Itoa(len(results)), seconds(clock(results)) + " " + o.unit(), "", "", megabytes(median(each(results, peak))), ""}
	if t.side == ours || len(own) == 0 {
		return cells
	}
	cells[4] = spread(own, results)
	cells[5], cells[7] = ratio(own, results, processor), ratio(own, results, peak)
	return cells
}

// spread is the ratio of times, with the least and the greatest of single
// rounds where there are several.
func spread(own, theirs []*Result) string {
	n := min(len(own), len(theirs))
	text := fmt.Sprintf("**%.2f**", clock(own)/clock(theirs))
	if n < 2 {
		return text
	}
	least, most := math.Inf(1), 0.0
	for i := 0; i < n; i++ {
		r := median(own[i].Seconds) / median(theirs[i].Seconds)
		least, most = min(least, r), max(most, r)
	}
	return fmt.Sprintf("%s (%.2f to %.2f)", text, least, most)
}

func ratio(own, theirs []*Result, of func(*Result) float64) string {
	return fmt.Sprintf("%.2f", median(each(own, of))/median(each(theirs, of)))
}

// clock is the median over rounds of the medians over repeats.
func clock(results []*Result) float64 {
	return median(each(results, func(r *Result) float64 { return median(r.Seconds) }))
}

func processor(r *Result) float64 { return r.CPUSeconds }
func peak(r *Result) float64      { return float64(r.PeakBytes) }

func each(results []*Result, of func(*Result) float64) []float64 {
	values := make([]float64, len(results))
	for i, r := range results {
		values[i] = of(r)
	}
	return values
}

// convTables shows convolutions shape by shape.
func convTables(b *bytes.Buffer, all []*outcome) {
	for _, o := range all {
		own, theirs := parts(o.ours()), parts(o.results[turn{side: "tensorflow"}])
		if o.job.Measure != measureConv || len(own) == 0 {
			continue
		}
		b.WriteString("\n")
		table(b, "convolution, "+isaNames[o.isa], "in a step", "ours", "TensorFlow's", "ratio")
		for i, p := range own {
			cells := []string{p.Name, strconv.Itoa(p.Times), seconds(p.Seconds), "", ""}
			if i < len(theirs) && theirs[i].Name == p.Name {
				cells[3], cells[4] = seconds(theirs[i].Seconds), fmt.Sprintf("%.2f", p.Seconds/theirs[i].Seconds)
			}
			tableRow(b, cells...)
		}
	}
}

// parts are the medians over rounds of the parts of results.
func parts(results []*Result) []Part {
	if len(results) == 0 {
		return nil
	}
	list := append([]Part(nil), results[0].Parts...)
	for i := range list {
		var values []float64
		for _, r := range results {
			if i < len(r.Parts) && r.Parts[i].Name == list[i].Name {
				values = append(values, r.Parts[i].Seconds)
			}
		}
		list[i].Seconds = median(values)
	}
	return list
}

// seconds shows a time with three digits.
func seconds(s float64) string {
	switch {
	case s < 1e-3:
		return fmt.Sprintf("%.3g µs", s*1e6)
	case s < 0.9995:
		return fmt.Sprintf("%.3g ms", s*1e3)
	}
	return fmt.Sprintf("%.3g s", s)
}

func megabytes(b float64) string { return fmt.Sprintf("%.0f MB", b/1e6) }

// processorName is what the machine says of its processor.
func processorName() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "an unknown processor"
	}
	for _, line := range strings.Split(string(text), "\n") {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "an unknown processor"
}
