package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
	"github.com/prioritycut/prioritycut/internal/pypartner"
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
	for rounds, want := range map[string]int{"--rounds=1": 1, "--rounds=2": 2} {
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
	if err := os.WriteFile(file, []byte("format_version,measure\n1,step\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := run(append(args, "--rounds=1")...); code != 2 || !strings.Contains(stderr, "it cannot be gone on with") {
		t.Errorf("exit code %d: %s", code, stderr)
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

func TestLevels(t *testing.T) {
	if isaBest() == isaAVX512 {
		for side, want := range map[string]string{
			ours: "PRIORITYCUT_KERNELS=avx2 ONEDNN_MAX_CPU_ISA=AVX2", "tensorflow": "PRIORITYCUT_KERNELS=off ONEDNN_MAX_CPU_ISA=AVX2", "openvino": "ONEDNN_MAX_CPU_ISA=AVX2",
		} {
			if env, ok := environment(side, isaAVX2); !ok || strings.Join(env, " ") != want {
				t.Errorf("%s: %v, %v, want %s", side, env, ok, want)
			}
		}
		if env, ok := environment("mnn", isaAVX2); ok {
			t.Errorf("mnn obeys %v", env)
		}
	}
	for _, r := range rivals {
		if env, ok := environment(r.name, isaBest()); !ok || len(env) > 1 {
			t.Errorf("%s at the processor's own level: %v, %v", r.name, env, ok)
		}
	}
}

// Shapes are those of the graph, as many of each as it has.
func TestConvShapes(t *testing.T) {
	o := options{sets: append(tinymodel.Sets(), "batch_size=1"), threads: 1}
	c, err := o.newCase(stage{measure: measureConv, preset: shapes, variant: "prioritycut", warmup: 1, repeats: 1})
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := config.Unmarshal([]byte(c.job.Resolved), "test")
	if err != nil {
		t.Fatal(err)
	}
	list, err := convShapes(resolved)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]bool{}
	for i, shape := range list {
		if i > 0 && shape.products() > list[i-1].products() {
			t.Errorf("%s costs more than %s before it", shape, list[i-1])
		}
		kinds[fmt.Sprint(shape.kernel, shape.up, shape.before, shape.after)] = true
	}
	for _, want := range []string{"3 false 1 1", "3 true 1 1", "4 false 1 2", "7 false 3 3", "1 false 0 0"} {
		if !kinds[want] {
			t.Errorf("no convolution of the kind %s among %v", want, list)
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
	if none := plotGrowth(all[:1]); none != nil {
		t.Errorf("one point is drawn:\n%s", none)
	}
	// Twice the pixels in twice the time is growth by none.
	all[1].size = 0
	if list := judgeGrowth(all, all[2]); len(list) != 1 || !list[0].hit || list[0].ratio != "**0.50**" {
		t.Errorf("%+v", list)
	}
}

func TestParseResult(t *testing.T) {
	job := Job{Repeats: 2}
	const good = `{"engine":"PyTorch 2.5.1","seconds":[0.5,0.25],"cpu_seconds":1,"setup_seconds":2,"peak_bytes":3,"counts":{"discriminator":4},"losses":{"gen_gan":0.5}}`
	r, err := parseResult([]byte("a notice\n"+good+"\n\n"), job)
	if err != nil {
		t.Fatal(err)
	}
	want := &Result{
		Engine: "PyTorch 2.5.1", Seconds: []float64{0.5, 0.25}, CPUSeconds: 1, SetupSeconds: 2, PeakBytes: 3,
		Counts: map[string]int64{"discriminator": 4}, Losses: map[string]float64{"gen_gan": 0.5},
	}
	if diff := cmp.Diff(want, r); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for text, want := range map[string]string{
		"":                                     "printed no result",
		good + "\nbye":                         "no result",
		good[:40]:                              "no result",
		"null":                                 "0 times",
		`{"seconds":[1]}`:                      "1 times, asked for 2",
		`{"seconds":"ab"}`:                     "no result",
		strings.Replace(good, "0.25", "-1", 1): "-1 seconds",
		strings.Replace(good, `"peak_bytes":3`, `"a":1`, 1): "0 bytes",
		strings.Replace(good, `:0.5}}`, `:NaN}}`, 1):        "no result",
	} {
		if _, err := parseResult([]byte(text), job); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	r.Losses["gen_gan"] = math.Inf(1)
	if err := r.check(job); err == nil || !strings.Contains(err.Error(), "gen_gan is +Inf") {
		t.Errorf("%v", err)
	}
}

func TestFlagsThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	reference := filepath.Join(dir, "modules")
	if err := os.Mkdir(reference, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(reference, "generator.py"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want string
		args []string
	}{
		{"--rounds=0: must be 1 to 1000", []string{"--rounds=0"}},
		{"--warmup=0: must be 1", []string{"--warmup=0"}},
		{"--repeats=1001: must be 1 to 1000", []string{"--repeats=1001"}},
		{"--threads=0: must be 1 to ", []string{"--threads=0"}},
		{"--batch=-1: must be 0", []string{"--batch=-1"}},
		{"--measure=speed: there is step, frame, reconstruction, mask", []string{"--measure=step,speed"}},
		{"--measure is empty", []string{"--measure="}},
		{"shapes-64", []string{"--preset=shapes-65"}},
		{"fomm-adv", []string{"--variant=fom-adv"}},
		{"bg_threshold", []string{"--set", "bg_threshold=7"}},
		{`"fast" is no way to compute; there is eager, or channels_last, compile, jit, lean`, []string{"--peer_ways=eager,jit+fast"}},
		{"--peer_ways needs a peer", []string{"--peer_ways=jit"}},
		{"jit+compile: a network is either traced or compiled", []string{"--peer_ways=jit+compile"}},
		{"needs --reference=DIR", []string{"--peers=pytorch-2.5"}},
		{`"torch" is nobody known; there are tensorflow, pytorch-2.5, `, []string{"--peers=torch"}},
		{"no checkout of first-order-model", []string{"--peers=mnn", "--reference=" + reference}},
		{`"sse" is no level; there is avx512, avx2`, []string{"--isa=sse"}},
		{"--size=-1: must be 0 to 4096", []string{"--size=64,-1"}},
		{"exclude each other", []string{"--full", "--quick"}},
		{"there is no folder", []string{"--out=" + filepath.Join(dir, "none", "bench.csv")}},
		{"did you mean --rounds?", []string{"--round=3"}},
		{"unexpected argument", []string{"step"}},
	} {
		code, stdout, stderr := run(c.args...)
		if code != 2 || !strings.Contains(stderr, c.want) || stdout != "" {
			t.Errorf("%v: exit code %d, %q lacks %q", c.args, code, stderr, c.want)
		}
	}
}

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		o    options
		want string
	}{
		{options{presets: []string{"shapes-64", "vox-256"}}, "step shapes-64 fomm, batch 4; step shapes-64 unet, batch 4; frame shapes-64; step vox-256 fomm, batch 1; step vox-256 unet, batch 1; frame vox-256"},
		{options{presets: []string{"vox-256"}, sets: []string{"batch_size=2"}}, "step vox-256 fomm, batch 2; step vox-256 unet, batch 2; frame vox-256"},
		{options{presets: []string{"vox-256"}, sets: []string{"batch_size=2"}, batches: []int{3}}, "step vox-256 fomm, batch 3; step vox-256 unet, batch 3; frame vox-256"},
	} {
		c.o.measures, c.o.variants = []string{measureStep, measureFrame}, []string{"fomm", "unet"}
		c.o.sizes, c.o.isas, c.o.threads, c.o.rounds = []int{0}, []string{""}, 1, 1
		if c.o.batches == nil {
			c.o.batches = []int{0}
		}
		groups, err := c.o.plan()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, one := range groups[0] {
			names = append(names, one.name())
			var tree struct {
				Train struct {
					Batch int `json:"batch_size"`
				} `json:"train_params"`
			}
			if err := json.Unmarshal(one.job.Config, &tree); err != nil || one.job.Measure == measureStep && tree.Train.Batch != one.job.Pictures {
				t.Errorf("%s: the peer is told a batch of %d, %v", one.name(), tree.Train.Batch, err)
			}
		}
		if got := strings.Join(names, "; "); got != c.want {
			t.Errorf("planned are %s\nwant %s", got, c.want)
		}
	}
	for _, o := range []options{{full: true, isas: []string{isaAVX512, isaAVX2}}, {quick: true, isas: []string{isaAVX2}}} {
		groups, err := o.plan()
		if err != nil || len(groups) == 0 || groups[0][0].job.Measure != measureConv {
			t.Errorf("%d groups, %v", len(groups), err)
		}
	}
	choice := options{full: true, isas: []string{isaAVX2}, measures: []string{measureStep}, presets: []string{vox}, variants: []string{"fomm-adv"}, batches: []int{1},
		chosen: map[string]bool{"measure": true, "preset": true, "variant": true, "batch": true}}
	groups, err := choice.plan()
	if err != nil || len(groups) != 1 || len(groups[0]) != 1 || groups[0][0].name() != "step vox-256 fomm-adv, batch 1, AVX2" {
		t.Errorf("%v, %v", groups, err)
	}
	choice.batches = []int{7}
	if _, err := choice.plan(); err == nil {
		t.Error("nothing is left of what was chosen, and that is no error")
	}
	asked := []string{"eager", "lean", "jit", "channels_last", "channels_last+lean", "jit+channels_last"}
	for _, c := range []struct {
		measure       string
		discriminates bool
		want          string
	}{
		{measureStep, true, "eager lean channels_last channels_last+lean"},
		{measureStep, false, "eager channels_last"},
		{measureFrame, true, "eager jit channels_last jit+channels_last"},
		{measureMask, true, "eager"},
	} {
		got := benchCase{stage: stage{ways: asked}, job: Job{Measure: c.measure}, discriminates: c.discriminates}.waysOf("pytorch-2.5")
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", c.measure, got, c.want)
		}
	}
}

func TestCoresAreBound(t *testing.T) {
	c := exec.Command("nproc")
	c.Env = []string{"PATH=" + os.Getenv("PATH")} // OMP_NUM_THREADS would count
	var out bytes.Buffer
	c.Stdout = &out
	if err := startBound(c.Start, 0, 1); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil || strings.TrimSpace(out.String()) != "1" {
		t.Errorf("a process bound to one core sees %q, %v", &out, err)
	}
}

func TestMeter(t *testing.T) {
	m := newMeter(Job{Warmup: 2, Repeats: 3})
	begun := time.Now()
	for !m.done() {
		for spun := time.Now(); time.Since(spun) < 4*time.Millisecond; {
		}
		if err := m.lap(2); err != nil {
			t.Fatal(err)
		}
	}
	total := time.Since(begun).Seconds()
	r, err := m.result()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.check(m.job); err != nil || m.laps != 5 {
		t.Errorf("%v, %d laps", err, m.laps)
	}
	for _, s := range r.Seconds {
		if s < 2e-3 || s > total/2 {
			t.Errorf("a lap of two units of 2 ms took %v s each, all of it %v", s, total)
		}
	}
	// Ticks of the processor's clock may be as coarse as the laps.
	if r.CPUSeconds > total {
		t.Errorf("%v s of processor time in %v s", r.CPUSeconds, total)
	}
}

func TestTail(t *testing.T) {
	var kept tail
	all := strings.Repeat("0123456789", 3*tailBytes/20)
	for _, part := range []string{all[:7], all[7:tailBytes], all[tailBytes:]} {
		if n, err := kept.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	if kept.String() != all[len(all)-tailBytes:] {
		t.Errorf("%d bytes are kept", kept.Len())
	}
	if _, err := kept.Write([]byte(all)); err != nil || kept.String() != all[len(all)-tailBytes:] {
		t.Errorf("%d bytes are kept, %v", kept.Len(), err)
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

func TestJobsThatCannotBe(t *testing.T) {
	for text, want := range map[string]string{
		"":   "reading the job",
		"{}": "each must be at least 1",
		`{"measure":"step","pictures":1,"warmup":1,"repeats":1,"resolved":"no: config"}`: "no",
	} {
		var out bytes.Buffer
		if err := work(context.Background(), strings.NewReader(text), &out); err == nil || !strings.Contains(err.Error(), want) || out.Len() > 0 {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// The peer's programs need PyTorch; that they are Python at all is seen without.
func TestPeerIsPython(t *testing.T) {
	dir, _, err := writePeers(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.py"))
	if err != nil || len(files) != 4 {
		t.Fatalf("%v, %v", files, err)
	}
	c := exec.Command(pypartner.Python(t), append([]string{"-c", "import ast, sys\nfor f in sys.argv[1:]: ast.parse(open(f).read(), f)"}, files...)...)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
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

// The cores of a process begin where it is told.
func TestBoundFrom(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("one core: there is nothing to choose")
	}
	for _, from := range []int{0, 1} {
		c := exec.Command("sh", "-c", "grep Cpus_allowed_list /proc/self/status")
		var out bytes.Buffer
		c.Stdout = &out
		if err := startBound(c.Start, from, 1); err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(); err != nil {
			t.Fatal(err)
		}
		if fields := strings.Fields(out.String()); len(fields) != 2 || strings.ContainsAny(fields[1], ",-") || from == 0 && fields[1] != firstCore(t) || from == 1 && fields[1] == firstCore(t) {
			t.Errorf("from %d: %s", from, &out)
		}
	}
}

// firstCore is the first of the cores of this process.
func firstCore(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "Cpus_allowed_list:")
	return strings.FieldsFunc(rest, func(r rune) bool { return !('0' <= r && r <= '9') })[0]
}
