package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/gocarina/gocsv"

	"github.com/prioritycut/prioritycut/internal/durable"
)

const formatVersion = 1

// Row is a row of bench.csv: what one process measured. Times are of one unit:
// a step, an animated or reconstructed frame, a call for all masks.
type Row struct {
	FormatVersion int    `csv:"format_version"`
	Time          string `csv:"time"`
	Measure       string `csv:"measure"`
	Preset        string `csv:"preset"`
	Variant       string `csv:"variant"`
	Height        int    `csv:"height"`
	Width         int    `csv:"width"`
	Pictures      int    `csv:"pictures"`
	Threads       int    `csv:"threads"`
	// Side is ours or peer, Way how the peer computed.
	Side    string `csv:"side"`
	Way     string `csv:"way"`
	Engine  string `csv:"engine"`
	Round   int    `csv:"round"`
	Warmup  int    `csv:"warmup"`
	Repeats int    `csv:"repeats"`
	// Seconds on the clock: median, least and most of the repeats.
	MedianS float64 `csv:"median_s"`
	MinS    float64 `csv:"min_s"`
	MaxS    float64 `csv:"max_s"`
	// CPUS is the processor time of a unit, SetupS passed before the first
	// measured repeat, PeakBytes is the process's peak memory.
	CPUS      float64 `csv:"cpu_s"`
	SetupS    float64 `csv:"setup_s"`
	PeakBytes int64   `csv:"peak_bytes"`
	// Load is the machine's load average when the process was started.
	Load float64 `csv:"load"`
}

// row is a row with what is the same for every process of the case.
func (c benchCase) row(o options, round int) Row {
	return Row{
		FormatVersion: formatVersion, Measure: c.job.Measure, Preset: c.preset, Variant: c.variant,
		Height: c.height, Width: c.width, Pictures: c.job.Pictures, Threads: o.threads,
		Round: round, Warmup: o.warmup, Repeats: o.repeats,
	}
}

func (r *Row) fill(m *Result) {
	r.Engine = m.Engine
	r.MedianS, r.MinS, r.MaxS = median(m.Seconds), slices.Min(m.Seconds), slices.Max(m.Seconds)
	r.CPUS, r.SetupS, r.PeakBytes = m.CPUSeconds, m.SetupSeconds, m.PeakBytes
}

// writeRows writes bench.csv.
func writeRows(path string, rows []Row) error {
	text, err := gocsv.MarshalBytes(rows)
	if err != nil {
		return err
	}
	return durable.WriteFile(path, text)
}

// writeTable prints what was measured as Markdown; cases without a complete
// round are left out.
func (m *bench) writeTable(w io.Writer, all []*outcome) error {
	var b bytes.Buffer
	withPeer := m.peer != nil
	header := []string{"case", "time", "processor time", "memory"}
	if withPeer {
		header = []string{
			"case", "the peer's way", "time, ours", "time, peer", "time, ours / peer", "processor time, ours / peer",
			"memory, ours", "memory, peer", "memory, ours / peer",
		}
	}
	tableRow(&b, header)
	b.WriteString("| --- |" + strings.Repeat(" --- |", len(header)-1) + "\n")
	for _, c := range all {
		if !withPeer {
			if len(c.ours) > 0 {
				tableRow(&b, c.alone())
			}
			continue
		}
		for _, way := range c.ways {
			if len(c.ours) > 0 && len(c.peer[way]) > 0 {
				tableRow(&b, c.compared(way))
			}
		}
	}
	fmt.Fprintf(&b, "\n%s\n", strings.Join(m.notes(all), "\n"))
	_, err := w.Write(b.Bytes())
	return err
}

func tableRow(b *bytes.Buffer, cells []string) {
	b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

// alone is a row of a table without a peer.
func (o *outcome) alone() []string {
	return []string{
		o.name(), seconds(clock(o.ours)) + " " + o.unit(), seconds(median(each(o.ours, processor))), megabytes(median(each(o.ours, peak))),
	}
}

// compared is a row against the peer.
func (o *outcome) compared(way string) []string {
	p := o.peer[way]
	n := min(len(o.ours), len(p))
	least, most := math.Inf(1), 0.0
	for i := 0; i < n; i++ {
		ratio := median(o.ours[i].Seconds) / median(p[i].Seconds)
		least, most = min(least, ratio), max(most, ratio)
	}
	ratio := func(of func(*Result) float64) string {
		return fmt.Sprintf("%.2f", median(each(o.ours, of))/median(each(p, of)))
	}
	return []string{
		o.name(), way, seconds(clock(o.ours)), seconds(clock(p)), fmt.Sprintf("**%.2f** (%.2f to %.2f)", clock(o.ours)/clock(p), least, most),
		ratio(processor), megabytes(median(each(o.ours, peak))), megabytes(median(each(p, peak))), ratio(peak),
	}
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
