package compare

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/evaluate/metric"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/internal/fault"
	"github.com/prioritycut/prioritycut/internal/random"
)

var (
	l1   = result.Measure{Metric: result.L1, Region: result.All}
	psnr = result.Measure{Metric: result.PSNR, Region: result.All}
)

// protocol of the evaluations of these tests.
var protocol = result.Protocol{
	Data: "/data/vox", TestSet: "0123", DataKind: result.Faces, NumVideos: 5, Height: 64, Width: 64, Fit: "crop", AlignCorners: "true",
	MetricOn: "float", SSIMWindow: "uniform", Masks: "none", KeypointsReal: "none", KeypointsGenerated: "none", EmbeddingsReal: "none", EmbeddingsGenerated: "none",
}

// write writes an evaluation whose L1 of frame i of video v is l1(v, i); its
// PSNR is that of the L1, infinite where that is 0.
func write(t *testing.T, run result.Run, videos, frames int, keepFrames bool, l1Of func(v, i int) float64) string {
	t.Helper()
	dir := t.TempDir()
	s, err := result.OpenStore(dir, run, keepFrames)
	if err != nil {
		t.Fatal(err)
	}
	all := map[result.Measure]*metric.Moments{l1: {}, psnr: {}}
	infinite := 0
	for v := 0; v < videos; v++ {
		name := fmt.Sprintf("video%d", v)
		one := map[result.Measure]*metric.Moments{l1: {}, psnr: {}}
		var rows []result.FrameRow
		for i := 0; i < frames; i++ {
			x := l1Of(v, i)
			r := result.NewFrameRow(name, i)
			r.Set(l1, x)
			r.Set(psnr, -20*math.Log10(x))
			rows = append(rows, r)
			one[l1].Add(x)
			if x > 0 {
				one[psnr].Add(-20 * math.Log10(x))
			} else {
				infinite++
			}
		}
		var means []result.VideoRow
		for _, m := range []result.Measure{l1, psnr} {
			all[m].Merge(*one[m])
			means = append(means, result.VideoRow{Length: frames, Metric: m.Metric, Region: m.Region, Mean: result.Value(one[m].Mean), SD: result.Value(one[m].SD()), Frames: one[m].N, Infinite: frames - one[m].N})
		}
		if err := s.Add(name, means, rows); err != nil {
			t.Fatal(err)
		}
	}
	var summary []result.SummaryRow
	for _, m := range []result.Measure{l1, psnr} {
		summary = append(summary, result.SummaryRow{Metric: m.Metric, Region: m.Region, Mean: result.Value(all[m].Mean), CI95: result.Value(all[m].CI95()),
			CIVideosLow: result.Value(all[m].Mean) * 0.9, CIVideosHigh: result.Value(all[m].Mean) * 1.1, Frames: all[m].N, Videos: videos, Infinite: videos*frames - all[m].N})
	}
	if err := errors.Join(s.Finish(summary), s.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func run(name, variant string) result.Run {
	return result.Run{Name: name, Kind: result.Checkpoint, Variant: variant, Protocol: protocol}
}

func build(t *testing.T, o Options, dirs ...string) *Comparison {
	t.Helper()
	all, err := Load(dirs)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Build(all, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestPairs holds paired differences to closed form: their mean, 1.96 s/sqrt(n)
// over frames, and over videos the normal approximation of the bootstrap.
func TestPairs(t *testing.T) {
	const videos, frames = 60, 7
	shift := func(v, i int) float64 { // of the model from the baseline
		return 0.01 * (random.New(1, uint64(v)).Float64() - 0.3) * (1 + 0.1*float64(i))
	}
	base := func(v, i int) float64 { return 0.1 + 0.01*float64(v%5) + 0.001*float64(i) }
	a := write(t, run("fomm", "fomm"), videos, frames, true, base)
	b := write(t, run("ours", "prioritycut"), videos, frames, true, func(v, i int) float64 { return base(v, i) + shift(v, i) })
	c := build(t, Options{}, b, a)
	got := find(t, c, "ours", "fomm", l1)

	var sum, squares, videoSquares float64
	var means []float64
	for v := 0; v < videos; v++ {
		mean := 0.0
		for i := 0; i < frames; i++ {
			sum += shift(v, i)
			mean += shift(v, i) / frames
		}
		means = append(means, mean)
	}
	mean := sum / (videos * frames)
	for v := 0; v < videos; v++ {
		videoSquares += (means[v] - mean) * (means[v] - mean)
		for i := 0; i < frames; i++ {
			squares += (shift(v, i) - mean) * (shift(v, i) - mean)
		}
	}
	n := float64(videos * frames)
	ci := 1.96 * math.Sqrt(squares/(n-1)) / math.Sqrt(n)
	half := 1.96 * math.Sqrt(videoSquares/videos) / math.Sqrt(videos)
	for _, c := range []struct {
		name            string
		got, want, most float64
	}{
		{"mean", float64(got.Mean), mean, 1e-12}, {"over frames", float64(got.CI95), ci, 1e-12},
		{"low", float64(got.Low), mean - half, 0.1 * half}, {"high", float64(got.High), mean + half, 0.1 * half},
	} {
		if !(math.Abs(c.got-c.want) <= c.most) {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
	if got.Frames != videos*frames || got.Videos != videos || got.Verdict != Judge(l1, got.Low, got.High) {
		t.Errorf("%+v", got)
	}

	// Without frames the videos pair: the same mean and, since all are equally
	// long, the same interval.
	short := write(t, run("ours", "prioritycut"), videos, frames, false, func(v, i int) float64 { return base(v, i) + shift(v, i) })
	byVideo := find(t, build(t, Options{}, short, a), "ours", "fomm", l1)
	if math.Abs(float64(byVideo.Mean-got.Mean)) > 1e-12 || byVideo.CI95.Known() || math.Abs(float64(byVideo.Low-got.Low)) > 1e-9 {
		t.Errorf("by video %+v, by frame %+v", byVideo, got)
	}
}

func find(t *testing.T, c *Comparison, name, against string, m result.Measure) Pairing {
	t.Helper()
	for _, g := range c.Groups {
		for _, d := range g.Differences {
			if d.Model == name && d.Against == against && d.Measure == m {
				return d
			}
		}
	}
	t.Fatalf("no difference of %s from %s", name, against)
	return Pairing{}
}

// TestPairsLeaveOut: identical frames have an infinite PSNR, and pairs need both.
func TestPairsLeaveOut(t *testing.T) {
	a := write(t, run("a", ""), 3, 4, true, func(v, i int) float64 { return 0.1 })
	b := write(t, run("b", ""), 3, 5, true, func(v, i int) float64 { return 0.01 * float64(i) }) // frame 0 identical
	got := find(t, build(t, Options{}, a, b), "b", "a", psnr)
	want := 0.0
	for i := 1; i < 4; i++ {
		want += (-20*math.Log10(0.01*float64(i)) - 20) / 3
	}
	if got.Frames != 9 || math.Abs(float64(got.Mean)-want) > 1e-12 || got.Verdict != IsBetter {
		t.Errorf("%+v, want %v", got, want)
	}
}

// TestSeeds averages differences over pairs of runs.
func TestSeeds(t *testing.T) {
	values := func(seed, shift float64) *Values {
		all, err := Load([]string{write(t, run("x", ""), 4, 3, true, func(v, i int) float64 { return 0.1*seed + 0.01*float64(v) + shift })})
		if err != nil {
			t.Fatal(err)
		}
		v, err := ReadValues(all[0])
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	base := []*Values{values(1, 0), values(2, 0)}
	ours := []*Values{values(1, -0.01), values(2, -0.03)}
	d, err := Pair(ours, base, l1)
	if err != nil || math.Abs(float64(d.Mean)+0.02) > 1e-12 || math.Abs(float64(d.Low)+0.02) > 1e-9 || d.Frames != 12 || d.Videos != 4 {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := Pair(ours, base[:1], l1); !errors.Is(err, ErrPairs) {
		t.Errorf("two against one: %v", err)
	}
}

// TestProtocols refuses what was not measured alike.
func TestProtocols(t *testing.T) {
	flat := func(v, i int) float64 { return 0.1 }
	a := write(t, run("a", "fomm"), 2, 2, true, flat)
	changed := run("b", "unet")
	changed.MetricOn, changed.KeypointsReal, changed.AlignCorners = "png", "truth", "false"
	b := write(t, changed, 2, 2, true, flat)
	all, err := Load([]string{a, b})
	if err != nil {
		t.Fatal(err)
	}
	var conflict *ConflictError
	if _, err = Build(all, Options{}); !errors.As(err, &conflict) {
		t.Fatalf("metric_on float and png: %v", err)
	}
	if diff := cmp.Diff([]string{"metric_on: float in a; png in b"}, conflict.Conflicts); diff != "" {
		t.Error(diff) // neither keypoints, which one of them lacks, nor what belongs to the model
	}
	c := build(t, Options{Mixed: true}, a, b)
	var text bytes.Buffer
	if err := c.Report("t", nil).WriteMarkdown(&text); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text.String(), "**Warning:**") || len(c.Groups[0].Differences) > 0 || c.Groups[0].Table.Rows[0].Cells[0].Mark != Plain {
		t.Errorf("mixed protocols are not flagged, are ranked or paired:\n%s", text.String())
	}

	// Two detectors of generated frames against one truth do not compare.
	for name, by := range map[string]string{"one": "joints@1", "two": "joints@2"} {
		r := run(name, "unet")
		r.KeypointsReal, r.KeypointsGenerated = "truth", by
		e, err := result.Read(write(t, r, 2, 2, true, flat))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	if _, err = Build(all[2:], Options{}); !errors.As(err, &conflict) || !strings.Contains(err.Error(), "keypoints of generated frames: ") {
		t.Errorf("two detectors: %v", err)
	}
	all = all[:2]

	other := run("c", "unet")
	other.TestSet, other.Data, other.DataKind = "4567", "shapes", result.Bodies
	c = build(t, Options{}, a, write(t, other, 2, 2, true, flat))
	if len(c.Groups) != 2 || len(c.Groups[0].Published) != 2 || len(c.Groups[1].Published) != 0 || len(c.Groups[1].Table.Columns) != 10 {
		t.Errorf("groups %+v", c.Groups)
	}
	if _, err := Build(all, Options{Mixed: true, Baseline: "x"}); err == nil || !strings.Contains(err.Error(), "there are a, b") {
		t.Errorf("an unknown baseline: %v", err)
	}
}

func TestLoad(t *testing.T) {
	flat := func(v, i int) float64 { return 0.1 }
	a, b := write(t, run("same", ""), 2, 2, true, flat), write(t, run("same", ""), 2, 2, true, flat)
	holder := t.TempDir()
	if err := os.Rename(b, filepath.Join(holder, DefaultEvaluation)); err != nil {
		t.Fatal(err)
	}
	all, err := Load([]string{a, holder})
	if err != nil || all[0].Run.Name == all[1].Run.Name {
		t.Errorf("%v, %v", all, err)
	}
	if _, err := Load([]string{a, a + "/"}); err == nil || !strings.Contains(err.Error(), "named twice") {
		t.Errorf("the same one twice: %v", err)
	}
	if _, err := Load([]string{holder + "x"}); err == nil || !strings.Contains(err.Error(), "evaluate `checkpoint`=") {
		t.Errorf("no evaluation: %v", err)
	}
	if err := os.Remove(result.Folder(a).Summary()); err != nil {
		t.Fatal(err)
	}
	if _, err := Load([]string{a}); !errors.Is(err, result.ErrUnfinished) {
		t.Errorf("an unfinished evaluation: %v", err)
	}
}

// TestBaselines colours against the only fomm, or the one that is named.
func TestBaselines(t *testing.T) {
	var dirs []string
	for i, r := range []result.Run{run("first", "fomm"), run("second", "fomm"), run("best", "unet"), run("next", "unet"), run("third", "unet")} {
		dirs = append(dirs, write(t, r, 2, 2, true, func(int, int) float64 { return []float64{0.4, 0.3, 0.1, 0.2, 0.35}[i] }))
	}
	marks := func(c *Comparison) (all string) {
		for _, r := range c.Groups[0].Table.Rows {
			all += map[Mark]string{Plain: ".", Best: "B", Second: "S", Better: "+", Worse: "-"}[r.Cells[0].Mark]
		}
		return all + " " + c.Groups[0].Reference
	}
	for _, c := range []struct {
		dirs []string
		o    Options
		want string
	}{
		{dirs, Options{}, "..BS. first"},
		{dirs, Options{Baseline: "second"}, "-.BS- second"},
		{dirs[1:], Options{}, ".BS- second"},
		{dirs[2:], Options{}, "BS. best"},
	} {
		if got := marks(build(t, c.o, c.dirs...)); got != c.want {
			t.Errorf("%+v of %d: %s, want %s", c.o, len(c.dirs), got, c.want)
		}
	}
}

// TestReports looks at what is written: nothing from a name is taken for
// markup, the page needs no other file, and all tables are there.
func TestReports(t *testing.T) {
	evil := `<script>alert("1")</script> a|b *c* "d"`
	a := write(t, run("fomm", "fomm"), 3, 3, true, func(v, i int) float64 { return 0.1 + 0.01*float64(v) })
	b := write(t, run(evil, "unet"), 3, 3, true, func(v, i int) float64 { return 0.11 + 0.01*float64(v) })
	c := build(t, Options{Published: []int{4}}, a, b)
	dir := filepath.Join(t.TempDir(), "out")
	report := c.Report("Title <b>", [][]Picture{{{Caption: evil, PNG: []byte("\x89PNG")}}})
	if err := c.Write(result.NewWriting(1, "", dir, ""), dir, report); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	page := read(HTMLFile)
	if strings.Contains(page, "<script") || strings.Contains(page, "Title <b>") {
		t.Error("the page takes names for markup")
	}
	if found := regexp.MustCompile(`(?i)(src|href)="[^d#]|url\(|@import|http`).FindString(page); found != "" {
		t.Errorf("the page needs other files: %s", found)
	}
	for tag, want := range map[string]int{"table": 3, "figure": 5, "svg": 4} {
		opened, closed := strings.Count(page, "<"+tag), strings.Count(page, "</"+tag+">")
		if opened != want || closed != want {
			t.Errorf("%d <%s>, %d closed, want %d", opened, tag, closed, want)
		}
	}
	for _, want := range []string{`<span class="best">0.1100</span>`, `data:image/png;base64,iVBORw==`, `<th colspan="3">PSNR ↑</th>`, "as printed in the paper (Table 4, VoxCeleb)", `class="mean worse"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	markdown := read(MarkdownFile)
	if strings.Contains(markdown, "<script") || !strings.Contains(markdown, `a\|b`) || !strings.Contains(markdown, "| fomm | **0.1100** ±") || !strings.Contains(markdown, "| CutMix | **0.0394** ± 9e-5 |") {
		t.Errorf("Markdown:\n%s", markdown)
	}
	for _, line := range strings.Split(markdown, "\n") {
		if strings.HasPrefix(line, "| fomm |") && strings.Count(line, "|") != 11 {
			t.Errorf("a line of the table has %d bars: %s", strings.Count(line, "|"), line)
		}
	}
	for name, rows := range map[string]int{TableFile: 1 + 2 + 5, DifferencesFile: 1 + 2} {
		records, err := csv.NewReader(strings.NewReader(read(name))).ReadAll()
		if err != nil || len(records) != rows {
			t.Fatalf("%s: %d rows, want %d, %v", name, len(records), rows, err)
		}
		// Measured numbers have all digits, printed ones those of the paper.
		if name == TableFile {
			half, _ := c.Groups[0].Evaluations[0].Summary[0].CI95.MarshalCSV()
			if len(half) < 10 || records[1][5] != half || records[3][4] != "0.0413" || records[3][5] != "9e-5" {
				t.Errorf("%s: %q, want the half-width %s; %q", name, records[1], half, records[3])
			}
		}
	}
}

func TestTicks(t *testing.T) {
	for _, c := range [][2]float64{{0, 1}, {-0.003, 0.0021}, {-0.01, 0.09}, {24.28, 24.51}, {-1e-9, 1e-9}, {0, 7e6}} {
		all := ticks(c[0], c[1])
		for _, v := range all {
			if v == 0 && math.Signbit(v) {
				t.Errorf("ticks of %v: 0 has a sign", c)
			}
		}
		if len(all) < 2 || len(all) > 8 || all[0] < c[0] || all[len(all)-1] > c[1] {
			t.Errorf("ticks of %v: %v", c, all)
		}
	}
}

// TestFailedComparisonsAreWrittenAgain fails each call of writing one for a moment.
func TestFailedComparisonsAreWrittenAgain(t *testing.T) {
	c := build(t, Options{}, write(t, run("fomm", "fomm"), 2, 2, true, func(v, i int) float64 { return 0.1 }))
	report := c.Report("Title", nil)
	save := func(files *fault.FS, dir string) error {
		w := result.NewWriting(3, "", dir, "")
		w.Files, w.Pause = files, 0
		return c.Write(w, dir, report)
	}
	all := &fault.FS{Quick: true}
	if err := save(all, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	for at := range all.Calls() {
		dir := t.TempDir()
		if err := save(&fault.FS{Plan: fault.At(at, 2, fault.Fault{Err: syscall.ENOSPC}), Quick: true}, dir); err != nil {
			t.Errorf("call %d: %v", at, err)
		}
		for _, name := range []string{TableFile, DifferencesFile, MarkdownFile, HTMLFile} {
			if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
				t.Errorf("call %d: %s: %v", at, name, err)
			}
		}
	}
}
