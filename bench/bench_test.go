package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

// asMain makes this test's binary the program itself.
const asMain = "PRIORITYCUT_TEST_AS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
	}
	clitest.Main(m, main)
}

func TestDocumented(t *testing.T) { clitest.Documented(t, "..", command().Command) }

// run is the program on a command line.
func run(args ...string) (code int, stdout, stderr string) {
	var out, said bytes.Buffer
	p := command()
	p.Stdout, p.Stderr = &out, &said
	code = p.Run(args, func([]string) error { return p.run() })
	return code, out.String(), said.String()
}

// rowsOf are the rows of a file, without those of parts.
func rowsOf(t *testing.T, path string) []Row {
	t.Helper()
	rows, err := readRows(path)
	if err != nil || len(rows) == 0 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	return slices.DeleteFunc(rows, func(r Row) bool { return r.Part != "" })
}

// tiny are flags for networks of a few channels.
func tiny(args ...string) []string {
	for _, set := range tinymodel.Sets() {
		args = append(args, "--set", set)
	}
	return args
}

// Everything that is measured of ours, on networks of a few channels.
func TestOurSide(t *testing.T) {
	t.Setenv(asMain, "1")
	dir := t.TempDir()
	file := filepath.Join(dir, "bench.csv")
	code, stdout, stderr := run(tiny("--measure=step,frame,reconstruction,mask,conv,start,fidelity", "--variant=prioritycut,fomm-adv", "--rounds=1", "--warmup=1",
		"--repeats=2", "--threads=1", "--batch=2", "--peers=tensorflow", "--cache="+dir, "--out="+file)...)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	var measured []string
	for _, r := range rowsOf(t, file) {
		if r.Side == "tensorflow" {
			continue
		}
		measured = append(measured, r.Measure+" "+r.Variant)
		if !(0 < r.MinS && r.MinS <= r.MedianS && r.MedianS <= r.MaxS && r.MaxS < r.SetupS+60) || r.CPUS <= 0 || r.SetupS <= 0 {
			t.Errorf("times of %+v", r)
		}
		// TensorFlow alone takes 100 MB.
		if r.PeakBytes < 50<<20 || r.PeakBytes > 2<<30 {
			t.Errorf("%s takes %d bytes", r.Measure, r.PeakBytes)
		}
		if r.Height != 32 || r.Width != 32 || r.Threads != 1 || r.Side != ours || r.Way != "" || !strings.HasPrefix(r.Engine, "TensorFlow 2.") || r.ISA != isaBest() {
			t.Errorf("%+v", r)
		}
		want := map[string]int{measureStep: 2, measureReconstruction: filmFrames, measureMask: maskMaps, measureFidelity: fidelityFrames}[r.Measure]
		if r.Pictures != max(want, 1) {
			t.Errorf("%s of %d pictures, want %d", r.Measure, r.Pictures, want)
		}
		// Our frames are those of the plain graph.
		if r.Measure == measureFidelity && !(r.PSNR >= leastPSNR) {
			t.Errorf("a PSNR of %.1f dB to the plain graph, want %d", r.PSNR, leastPSNR)
		}
	}
	want := []string{"step prioritycut", "step fomm-adv", "frame prioritycut", "reconstruction prioritycut", "mask prioritycut", "conv prioritycut",
		"start prioritycut", "fidelity prioritycut"}
	if diff := cmp.Diff(want, measured); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, want := range []string{"| step shapes-64 prioritycut, batch 2, ", "a frame | ", "for 64 masks | ", "| convolution, ", " geometric mean ", "| tensorflow | 1 | "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the table lacks %q:\n%s", want, stdout)
		}
	}
	if !strings.Contains(stderr, "round 1/1, step shapes-64 fomm-adv, batch 2") {
		t.Errorf("progress:\n%s", stderr)
	}
}

// What a run has measured another one takes over.
func TestResume(t *testing.T) {
	t.Setenv(asMain, "1")
	dir := t.TempDir()
	file := filepath.Join(dir, "bench.csv")
	args := tiny("--measure=mask", "--warmup=1", "--repeats=2", "--threads=1", "--cache="+dir, "--out="+file, "--resume")
	for _, want := range []int{1, 2} {
		rounds := fmt.Sprintf("--rounds=%d", want)
		_ = os.Remove(file)
		for range [2]struct{}{} {
			if code, _, stderr := run(append(args, rounds)...); code != 0 {
				t.Fatalf("exit code %d: %s", code, stderr)
			}
		}
		if rows := rowsOf(t, file); len(rows) != want {
			t.Errorf("%s twice: %d rows, want %d", rounds, len(rows), want)
		}
	}
	code, table, stderr := run(append(args, "--rounds=3", "--report_only")...)
	if rows := rowsOf(t, file); code != 0 || len(rows) == 0 || len(rows) > 2 || !strings.Contains(table, "for 64 masks") {
		t.Errorf("a report alone: exit code %d, %d rows\n%s\n%s", code, len(rows), table, stderr)
	}
	// A later build of the program reports what an earlier one measured, on its
	// day, without peers; one more of another build is told.
	rows := rowsOf(t, file)
	for i := range rows {
		rows[i].Build, rows[i].Time, rows[i].Load = "earlier", "2001-02-03T04:05:06Z", 0
	}
	rows[0].Build = "first"
	if err := writeRows(file, rows); err != nil {
		t.Fatal(err)
	}
	code, table, stderr = run(append(args, "--rounds=3", "--report_only", "--peers=pytorch-2.5")...)
	for _, want := range []string{"2001-02-03: ", "for 64 masks", "* Processes in `--out` that were another build of this program, and are left out: 1."} {
		if code != 0 || !strings.Contains(table, want) || strings.Contains(table, "was busy") || stderr != "" {
			t.Errorf("exit code %d, the report lacks %q:\n%s\n%s", code, want, table, stderr)
		}
	}
	for name, text := range map[string]string{"another version": "format_version,measure\n1,step\n", "no time": "format_version,measure\n2,step\n",
		"no measure": "format_version,measure\n2,st\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, stderr := run(append(args, "--rounds=1")...); code != 2 || !strings.Contains(stderr, "it cannot be gone on with") {
			t.Errorf("%s: exit code %d: %s", name, code, stderr)
		}
	}
}

// shell is a side that a line of shell plays.
func shell(name, script string) side {
	return side{name: name, command: []string{"sh", "-c", "cat >/dev/null\n" + script}}
}

// says is a side that always finds the same.
func says(t *testing.T, name string, r Result) side {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return shell(name, "echo some notice\necho '"+string(text)+"'")
}

func resultOf(second float64, bytes int64, engine string) Result {
	return Result{
		Engine: engine, Seconds: []float64{second, 9 * second, second}, CPUSeconds: 2 * second, SetupSeconds: 1, PeakBytes: bytes,
		Counts: map[string]int64{"keypoint detector": 7}, Losses: map[string]float64{"perceptual": 3},
	}
}

// twoSides is a bench of a step and masks whose sides are made up: ours takes
// half the time and a quarter of the memory.
func twoSides(t *testing.T) (*bench, [][]benchCase, *bytes.Buffer) {
	t.Helper()
	o := options{
		measures: []string{measureStep, measureMask}, presets: []string{"shapes-64"}, variants: []string{"prioritycut"}, batches: []int{0}, sizes: []int{0},
		peers: []string{"pytorch-2.5"}, isas: []string{""}, ways: []string{wayEager, partChannelsLast + "+" + partLean}, rounds: 3, warmup: 1, repeats: 3,
		threads: 1, reference: "ref", out: filepath.Join(t.TempDir(), "bench.csv"),
	}
	groups, err := o.plan()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	return &bench{
		options: o, save: func(rows []Row) error { return writeRows(o.out, rows) },
		sides: map[string]side{ours: says(t, ours, resultOf(0.125, 100e6, "TensorFlow 8")), "pytorch-2.5": says(t, "pytorch-2.5", resultOf(0.25, 400e6, "PyTorch 9"))},
		tell:  func(format string, args ...any) { said.WriteString(format) },
	}, groups, &said
}

func TestRatios(t *testing.T) {
	b, groups, _ := twoSides(t)
	p := &program{Command: command().Command, options: b.options}
	var table bytes.Buffer
	p.Stdout = &table
	if err := p.measure(context.Background(), b, groups); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| step shapes-64 prioritycut, batch 4 | ours | 3 | 125 ms a step |  |  | 100 MB |  |\n",
		"| step shapes-64 prioritycut, batch 4 | pytorch-2.5 eager | 3 | 250 ms a step | **0.50** (0.50 to 0.50) | 0.50 | 400 MB | 0.25 |\n",
		"| step shapes-64 prioritycut, batch 4 | pytorch-2.5 channels_last+lean | 3 |",
		"| mask shapes-64, 64 maps | pytorch-2.5 eager | 3 |",
		"| step shapes-64 prioritycut, batch 4 | - | 125 ms | pytorch-2.5 eager | 250 ms | **0.50** (0.50 to 0.50) | <= 0.35 | **missed** |",
		"TensorFlow 8, PyTorch 9; medians; rounds: 3;", ", cores used: 1;",
		differences[measureStep], differences[measureMask], "`lean`: ", "`channels_last`: ",
	} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &table)
		}
	}
	if strings.Contains(table.String(), differences[measureFrame]) || strings.Contains(table.String(), "maps | pytorch-2.5 channels_last") {
		t.Errorf("the table says what was not measured:\n%s", &table)
	}
	rows := rowsOf(t, b.options.out)
	if len(rows) != 3*(3+2) {
		t.Fatalf("%d rows", len(rows))
	}
	var turns []string
	for _, r := range rows {
		if r.Measure == measureStep {
			turns = append(turns, strings.TrimSpace(r.Side+" "+r.Way))
		}
		if r.MedianS >= r.MaxS || (r.Side != ours) != (r.PeakBytes == 400e6) {
			t.Errorf("%+v", r)
		}
	}
	forth, back := "ours, pytorch-2.5 eager, pytorch-2.5 channels_last+lean", "pytorch-2.5 channels_last+lean, pytorch-2.5 eager, ours"
	if got := strings.Join(turns, ", "); got != forth+", "+back+", "+forth {
		t.Errorf("the turns are %s", got)
	}
}

func TestOtherWorkIsNotCompared(t *testing.T) {
	for want, change := range map[string]func(*Result){
		"keypoint detector has 7 parameters here and 8 in the peer":           func(r *Result) { r.Counts = map[string]int64{"keypoint detector": 8} },
		"the losses here are [perceptual], the peer's [gen_gan perceptual]":   func(r *Result) { r.Losses = map[string]float64{"perceptual": 3, "gen_gan": 1} },
		"pytorch-2.5: its result cannot be: 2 times, asked for 3 repeats":     func(r *Result) { r.Seconds = r.Seconds[:2] },
		"pytorch-2.5: its result cannot be: 0 seconds":                        func(r *Result) { r.Seconds[1] = 0 },
		"step shapes-64 prioritycut, batch 4, pytorch-2.5 eager: pytorch-2.5": func(r *Result) { r.PeakBytes = 0 },
	} {
		b, groups, _ := twoSides(t)
		r := resultOf(1, 1, "")
		change(&r)
		b.sides["pytorch-2.5"] = says(t, "pytorch-2.5", r)
		if _, err := b.run(context.Background(), groups); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// A run that goes on compares a peer with what the earlier one computed, if its
// table tells.
func TestWorkOfAnEarlierRun(t *testing.T) {
	did := resultOf(1, 1, "")
	did.Counts, did.Losses = map[string]int64{"generator": 45, "keypoint detector": 14}, map[string]float64{"gen_gan": 1, "perceptual": 2}
	file := filepath.Join(t.TempDir(), "bench.csv")
	row := Row{FormatVersion: formatVersion, Measure: measureStep, Side: ours}
	if err := writeRows(file, row.filled(&did)); err != nil {
		t.Fatal(err)
	}
	for _, earlier := range resultsOf(rowsOf(t, file)) {
		other := did
		other.Losses = map[string]float64{"perceptual": 2}
		if err := sameWork(earlier, &other); err == nil || !strings.Contains(err.Error(), "the losses here are [gen_gan perceptual], the peer's [perceptual]") {
			t.Errorf("other losses: %v", err)
		}
		other.Losses, other.Counts = did.Losses, map[string]int64{"generator": 45, "keypoint detector": 15}
		if err := sameWork(earlier, &other); err == nil || !strings.Contains(err.Error(), "the keypoint detector has 14 parameters here and 15 in the peer") {
			t.Errorf("another network: %v", err)
		}
		if err := sameWork(earlier, &did); err != nil {
			t.Error(err)
		}
	}
	unknown := Row{MedianS: 1}
	if err := sameWork(unknown.result(), &did); err != nil {
		t.Errorf("a table of an earlier version: %v", err)
	}
}

func TestAnInterruptKeepsWhatIsMeasured(t *testing.T) {
	b, groups, _ := twoSides(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	// The second case never ends; the first one's round ends the program.
	groups[0][1].job.Measure = "sleep"
	b.sides[ours].command[2] = strings.Replace(b.sides[ours].command[2], "cat >/dev/null", "grep -q sleep && exec sleep 600", 1)
	b.tell = func(format string, _ ...any) {
		if strings.HasPrefix(format, "round") {
			cancel()
		}
	}
	p := &program{Command: command().Command, options: b.options}
	var table bytes.Buffer
	p.Stdout = &table
	if err := p.measure(ctx, b, groups); err != nil {
		t.Fatal(err)
	}
	if rows := rowsOf(t, b.options.out); len(rows) != 3 || !strings.Contains(table.String(), "| **0.50** | 0.50 | 400 MB |") {
		t.Errorf("%d rows:\n%s", len(rows), &table)
	}
}

// A peer that cannot run is no reason to lose the others: the table says why.
func TestAPeerThatFailsIsQuoted(t *testing.T) {
	b, groups, _ := twoSides(t)
	b.sides["pytorch-2.5"] = shell("pytorch-2.5", "echo Traceback >&2\necho 'ImportError: no module' >&2\nexit 3")
	p := &program{Command: command().Command, options: b.options}
	var table bytes.Buffer
	p.Stdout = &table
	err := p.measure(context.Background(), b, groups)
	if err == nil || !strings.Contains(err.Error(), "pytorch-2.5, measuring step: exit status 3\nTraceback\nImportError: no module") {
		t.Errorf("%v", err)
	}
	if want := "* step shapes-64 prioritycut, batch 4, pytorch-2.5 eager: could not run: ImportError: no module\n"; !strings.Contains(table.String(), want) {
		t.Errorf("the table lacks %q:\n%s", want, &table)
	}
	if rows := rowsOf(t, b.options.out); len(rows) != 3*2 {
		t.Errorf("%d rows of ours", len(rows))
	}
	b, groups, _ = twoSides(t)
	b.sides["pytorch-2.5"] = side{name: "pytorch-2.5", missing: errors.New("installing it: no network")}
	table.Reset()
	if err := p.measure(context.Background(), b, groups); err == nil || !strings.Contains(table.String(), "could not run: installing it: no network") {
		t.Errorf("%v\n%s", err, &table)
	}
	b, groups, _ = twoSides(t)
	b.sides[ours] = side{name: ours, command: []string{filepath.Join(t.TempDir(), "none")}}
	if _, err := b.run(context.Background(), groups); err == nil || !strings.Contains(err.Error(), "ours cannot be started") {
		t.Errorf("%v", err)
	}
}

// A model that a stopped run left in part is made anew, and a whole one once.
func TestPartsOfModels(t *testing.T) {
	b, groups, _ := twoSides(t)
	b.options.cache = t.TempDir()
	o := newOutcome(groups[0][0])
	path := filepath.Join(b.options.cache, b.keyOf(o.job), "saved_model")
	if err := os.MkdirAll(filepath.Join(path, "1"), 0o777); err != nil {
		t.Fatal(err)
	}
	b.sides[ours] = shell(ours, "mkdir '"+path+"'")
	for range 2 {
		if got, err := b.made(context.Background(), o, ours, exportModel, "saved_model", ""); got != path || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
}

// Ways far behind the quickest are not asked again.
func TestSlowWaysAreDropped(t *testing.T) {
	o := newOutcome(benchCase{stage: stage{peers: []string{"pytorch-2.5", "mnn"}, ways: []string{"eager", "jit", "compile@pytorch-2.15"}, isa: isaBest()},
		job: Job{Measure: measureFrame}})
	for i, t := range o.turns {
		o.results[t] = []*Result{{Seconds: []float64{[]float64{9, 1, 1.2, 3, 1}[i]}}}
	}
	o.failed[turn{"mnn", wayWhole}] = "no such file"
	for slower, want := range map[float64]string{
		0:    "ours, pytorch-2.5 eager, pytorch-2.5 jit, mnn split",
		1.15: "ours, pytorch-2.5 eager, mnn split",
	} {
		var names []string
		for _, t := range o.wanted(slower) {
			names = append(names, t.String())
		}
		if got := strings.Join(names, ", "); got != want {
			t.Errorf("%v: %s, want %s", slower, got, want)
		}
	}
}

// A step on a GPU has a target of its own, at any batch.
func TestTargetOnGPU(t *testing.T) {
	for device, want := range map[string]string{"cpu": "", "gpu": "<= 0.80"} {
		o := options{device: device, threads: 1}
		c, err := o.newCase(stage{measure: measureStep, preset: vox, variant: "fomm", batch: 8, peers: []string{"pytorch-2.5"}, ways: []string{wayEager}, isa: isaBest(), warmup: 1, repeats: 1})
		if err != nil {
			t.Fatal(err)
		}
		done := newOutcome(c)
		for i, turn := range done.turns {
			done.results[turn] = []*Result{{Seconds: []float64{[]float64{0.7, 1}[i]}}}
		}
		got := ""
		for _, v := range verdicts([]*outcome{done}) {
			if got += v.target; !v.hit || !strings.Contains(v.work, "on a GPU") {
				t.Errorf("%s: %+v", device, v)
			}
		}
		if got != want {
			t.Errorf("%s: the target is %q, not %q", device, got, want)
		}
	}
}

// What is drawn is well-formed, and as high as the times are.
func TestPlot(t *testing.T) {
	b, _, _ := twoSides(t)
	var all []*outcome
	for _, size := range []int{128, 256, 512} {
		b.options.peers = nil
		c, err := b.options.newCase(stage{measure: measureFrame, preset: vox, size: size, warmup: 1, repeats: 1})
		if err != nil {
			t.Fatal(err)
		}
		o := newOutcome(c)
		o.results[turn{side: ours}] = []*Result{{Seconds: []float64{float64(size) / 1e3}}}
		all = append(all, o)
	}
	drawing := plotGrowth(all)
	if err := xml.Unmarshal(drawing, new(struct{})); err != nil || bytes.Count(drawing, []byte("<circle")) != 3 {
		t.Errorf("%v:\n%s", err, drawing)
	}
	// Of a group the quickest alone is drawn, and with AVX2 dashed.
	var many []*outcome
	for _, isa := range []string{isaBest(), isaAVX2} {
		for _, o := range all {
			c := o.benchCase
			c.isa, c.peers, c.ways = isa, []string{"pytorch-2.5"}, []string{wayEager, partJIT}
			o = newOutcome(c)
			for i, t := range o.turns {
				o.results[t] = []*Result{{Seconds: []float64{float64((3 - i) * o.width)}}}
			}
			many = append(many, o)
		}
	}
	for word, want := range map[string]int{"<polyline": 4, "pytorch-2.5 jit, AVX2</text>": 1, "eager": 0} {
		if isaBest() == isaAVX512 && bytes.Count(plotGrowth(many), []byte(word)) != want {
			t.Errorf("%q is not there %d times:\n%s", word, want, plotGrowth(many))
		}
	}
	if none := plotGrowth(all[:1]); none != nil {
		t.Errorf("one point is drawn:\n%s", none)
	}
	// Twice the pixels in twice the time is growth by none.
	all[1].size = 0
	if list := judgeGrowth(all, all[2]); len(list) != 1 || !list[0].hit || list[0].ratio != "**0.50**" {
		t.Errorf("%+v", list)
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{4, 1}, 2.5}, {[]float64{9, 1, 2}, 2}, {[]float64{8, 1, 2, 4}, 3}} {
		if got := median(c.values); got != c.want {
			t.Errorf("median of %v is %v", c.values, got)
		}
	}
	for s, want := range map[float64]string{2.5e-5: "25 µs", 0.0123456: "12.3 ms", 0.9994: "999 ms", 1.234: "1.23 s", 0.9996: "1 s"} {
		if got := seconds(s); got != want {
			t.Errorf("%v s is shown as %s, want %s", s, got, want)
		}
	}
}

// Workers share a batch and give the losses of one process; what they tell each
// other is counted.
func TestWorkers(t *testing.T) {
	t.Setenv(asMain, "1")
	code, stdout, stderr := run(tiny("--measure=workers", "--variant=prioritycut", "--rounds=1", "--warmup=1", "--repeats=1", "--batch=2", "--cache="+t.TempDir())...)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, want := range []string{"Loopback: ", " GB/s, ", "| shapes-64 prioritycut, 2 | 2 | ", " MB | "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the report lacks %q:\n%s", want, stdout)
		}
	}
	for _, mistake := range []string{"--workers=1", "--workers=65", "--measure=workers,step", "--resume", "--batch=3"} {
		if code, _, stderr := run(tiny("--measure=workers", "--batch=2", mistake, "--cache="+t.TempDir())...); code == 0 {
			t.Errorf("%s: %s", mistake, stderr)
		}
	}
}
