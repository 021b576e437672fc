package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/gocarina/gocsv"

	"github.com/prioritycut/prioritycut/internal/durable"
)

const formatVersion = 2

// Row is a row of bench.csv: what one process measured, or a part of it. Times
// are of one unit: a step, an animated or reconstructed frame, a call for all
// masks, all convolutions once.
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
	// ISA is the level of instructions that the side was limited to.
	ISA string `csv:"isa"`
	// Side is ours or the peer's name, Way how the peer computed. Build tells our
	// programs apart, Config the resolved configurations.
	Side    string `csv:"side"`
	Way     string `csv:"way"`
	Engine  string `csv:"engine"`
	Build   string `csv:"build"`
	Config  string `csv:"config"`
	Round   int    `csv:"round"`
	Warmup  int    `csv:"warmup"`
	Repeats int    `csv:"repeats"`
	// Part is empty, or the name of the shape that the row is about, which a step
	// has so many times; then nothing is known but its median.
	Part  string `csv:"part"`
	Times int    `csv:"times"`
	// Seconds on the clock: median, least and most of the repeats.
	MedianS float64 `csv:"median_s"`
	MinS    float64 `csv:"min_s"`
	MaxS    float64 `csv:"max_s"`
	// CPUS is the processor time of a unit, SetupS passed before the first
	// measured repeat, PeakBytes is the process's peak memory.
	CPUS      float64 `csv:"cpu_s"`
	SetupS    float64 `csv:"setup_s"`
	PeakBytes int64   `csv:"peak_bytes"`
	// Work is what was computed, as Result.work has it.
	Work string `csv:"work"`
	// PSNR to the plain graph in decibels, of fidelity.
	PSNR float64 `csv:"psnr_db"`
	// Load is the machine's load average when the process was started.
	Load float64 `csv:"load"`
}

// row is a row with what is known before a process starts.
func (c benchCase) row(o options, t turn, round int) Row {
	return Row{
		FormatVersion: formatVersion, Measure: c.job.Measure, Preset: c.preset, Variant: c.variant,
		Height: c.height, Width: c.width, Pictures: c.job.Pictures, Threads: o.threads, ISA: c.isa,
		Side: t.side, Way: t.way, Build: o.build, Config: c.job.configSum(),
		Round: round, Warmup: c.job.Warmup, Repeats: c.job.Repeats,
	}
}

// key is the same for processes that measure the same, in the same round.
func (r Row) key() string {
	build := r.Build
	if rival, ok := rivalNamed(r.Side); ok && rival.group != groupTensorFlow {
		build = "" // another program of ours does not change a peer's time
	}
	return fmt.Sprint(r.Measure, r.Pictures, r.Threads, r.ISA, r.Side, "|", r.Way, "|", build, r.Config, r.Round, "|", r.Warmup, "|", r.Repeats)
}

// filled is the row of a process, with one for each part behind it.
func (r Row) filled(m *Result) []Row {
	r.Engine = m.Engine
	r.MedianS, r.MinS, r.MaxS = median(m.Seconds), slices.Min(m.Seconds), slices.Max(m.Seconds)
	r.CPUS, r.SetupS, r.PeakBytes, r.PSNR, r.Work = m.CPUSeconds, m.SetupSeconds, m.PeakBytes, m.PSNR, m.work()
	list := []Row{r}
	for _, p := range m.Parts {
		part := r
		part.Part, part.Times, part.MedianS, part.MinS, part.MaxS, part.CPUS = p.Name, p.Times, p.Seconds, 0, 0, 0
		list = append(list, part)
	}
	return list
}

// result is what rows of one process say: seconds with the same median.
func (r Row) result() *Result {
	m := &Result{
		Engine: r.Engine, Seconds: []float64{r.MinS, r.MedianS, r.MaxS}, CPUSeconds: r.CPUS, SetupSeconds: r.SetupS,
		PeakBytes: r.PeakBytes, PSNR: r.PSNR,
	}
	m.setWork(r.Work)
	return m
}

// writeRows writes bench.csv.
func writeRows(path string, rows []Row) error {
	text, err := gocsv.MarshalBytes(rows)
	if err != nil {
		return err
	}
	return durable.WriteFile(path, text)
}

// readRows reads what an earlier run has written; no file is no rows.
func readRows(path string) ([]Row, error) {
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var rows []Row
	if err := gocsv.UnmarshalBytes(text, &rows); err != nil {
		return nil, fmt.Errorf("%s is not what bench writes: %w", path, err)
	}
	for i, r := range rows {
		if r.FormatVersion != formatVersion || !slices.Contains(measures, r.Measure) {
			return nil, fmt.Errorf("%s, row %d: format %d, measure %q: it cannot be gone on with; name another --out", path, i+2, r.FormatVersion, r.Measure)
		}
		if !(r.MedianS > 0) || math.IsInf(r.MedianS, 1) {
			return nil, fmt.Errorf("%s, row %d: a median of %v seconds: it cannot be gone on with; name another --out", path, i+2, r.MedianS)
		}
	}
	return rows, nil
}

// lastBuild is the program of ours that measured last; none where it did not.
func lastBuild(rows []Row) string {
	for i := len(rows) - 1; i >= 0; i-- {
		if rows[i].Side == ours {
			return rows[i].Build
		}
	}
	return ""
}

// days are the first and the last on which rows were measured, in words.
func days(rows []Row) string {
	first, last := "", ""
	for _, r := range rows {
		day, _, _ := strings.Cut(r.Time, "T")
		if first == "" || day < first {
			first = day
		}
		last = max(last, day)
	}
	if first == last {
		return first
	}
	return first + " to " + last
}

// resultsOf are the results of rows by key.
func resultsOf(rows []Row) map[string]*Result {
	results := map[string]*Result{}
	for _, r := range rows {
		if r.Part == "" {
			results[r.key()] = r.result()
		} else if whole := results[r.key()]; whole != nil {
			whole.Parts = append(whole.Parts, Part{Name: r.Part, Seconds: r.MedianS, Times: r.Times})
		}
	}
	return results
}
