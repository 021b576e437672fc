package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
)

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

// Steps have the peers' optimiser, unless another is asked for.
func TestStepsByAdam(t *testing.T) {
	for set, want := range map[string]float64{"": 0, "muon_scale=0.3": 0.3} {
		o := options{threads: 1}
		if set != "" {
			o.sets = []string{set}
		}
		c, err := o.newCase(stage{measure: measureStep, preset: shapes, variant: "fomm-adv", warmup: 1, repeats: 1})
		if err != nil {
			t.Fatal(err)
		}
		resolved, err := config.Unmarshal([]byte(c.job.Resolved), "test")
		if err != nil {
			t.Fatal(err)
		}
		if got := resolved.Train.MuonScale; got != want {
			t.Errorf("with %q a step has muon_scale %v, want %v", set, got, want)
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
		{`"mnn" behind @ is no PyTorch`, []string{"--peer_ways=lean@mnn"}},
		{"of their own for each case", []string{"--full", "--repeats=3"}},
		{"holds nothing of what is asked for", []string{"--full", "--report_only", "--out=" + filepath.Join(dir, "none.csv")}},
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

// turnsOf are the cases of a plan, each with its turns.
func turnsOf(t *testing.T, o options) []string {
	t.Helper()
	groups, err := o.plan()
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, c := range slices.Concat(groups...) {
		var names []string
		for _, turn := range c.turns() {
			names = append(names, turn.String())
		}
		list = append(list, c.name()+": "+strings.Join(names, ", "))
	}
	return list
}

// What is asked for is left of the whole comparison, and nothing else.
func TestChoices(t *testing.T) {
	steps := options{full: true, isas: []string{isaBest()}, measures: []string{measureStep}, variants: []string{"fomm-adv"}, presets: []string{vox}, threads: 1,
		peers: rivalNames(), ways: []string{"lean@pytorch-2.5", "channels_last+lean", "compile+lean", "lean@pytorch-2.5", "jit"},
		chosen: map[string]bool{"measure": true, "preset": true, "variant": true, "peer_ways": true}}
	isa := isaNames[isaBest()]
	few := "ours, tensorflow, pytorch-2.5 channels_last+lean, pytorch-2.5 lean, pytorch-2.15 channels_last+lean, pytorch-2.15 compile+lean"
	want := []string{"step vox-256 fomm-adv, batch 1, " + isa + ": " + few, "step vox-256 fomm-adv, batch 2, " + isa + ": " + few, "step vox-256 fomm-adv, batch 4, " + isa + ": ours"}
	got := turnsOf(t, steps)
	for i := range got {
		name, turns, _ := strings.Cut(got[i], ": ")
		list := strings.Split(turns, ", ")
		slices.Sort(list[1:])
		wanted := strings.Split(strings.TrimPrefix(want[i], name+": "), ", ")
		slices.Sort(wanted[1:])
		if diff := cmp.Diff(wanted, list); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d cases: %v", len(got), got)
	}
	quick := options{quick: true, isas: []string{isaBest()}, variants: []string{"fomm"}, peers: []string{"tensorflow", "pytorch-2.5"}, threads: 1}
	frame, step := "ours, pytorch-2.5 jit", "ours, pytorch-2.5 channels_last+lean"
	if isaBest() == isaAVX2 {
		step = "ours, pytorch-2.5 lean"
	}
	if diff := cmp.Diff([]string{
		"conv vox-256, " + isa + ": ours, tensorflow", "frame vox-256, " + isa + ": " + frame, "step vox-256 fomm-adv, batch 1, " + isa + ": " + step,
		"frame shapes-64, " + isa + ": ours, pytorch-2.5 channels_last",
		"step shapes-64 prioritycut, batch 4, " + isa + ": ours, pytorch-2.5 channels_last+lean", "fidelity vox-256, " + isa + ": ours",
	}, turnsOf(t, quick)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	sizes := options{full: true, isas: []string{isaBest()}, measures: []string{measureFrame}, presets: []string{vox}, variants: []string{"fomm"}, sizes: []int{128, 512}, threads: 1,
		chosen: map[string]bool{"measure": true, "preset": true, "size": true}}
	if diff := cmp.Diff([]string{"frame vox-256, 128x128, " + isa + ": ours", "frame vox-256, 512x512, " + isa + ": ours"}, turnsOf(t, sizes)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Every row of the targets is in the whole comparison, with each set of
// instructions.
func TestFullHasEveryTarget(t *testing.T) {
	o := options{full: true, isas: []string{isaAVX512, isaAVX2}, peers: rivalNames(), threads: 1}
	groups, err := o.plan()
	if err != nil {
		t.Fatal(err)
	}
	var all []*outcome
	for _, c := range slices.Concat(groups...) {
		done := newOutcome(c)
		for _, turn := range done.turns {
			done.results[turn] = []*Result{{Seconds: []float64{1}, PeakBytes: 1, Parts: []Part{{Name: "one", Seconds: 1}}}}
		}
		all = append(all, done)
	}
	got := map[string][]string{}
	for _, v := range verdicts(all) {
		if v.open {
			t.Errorf("%+v", v)
		}
		got[v.work+" "+v.target] = append(got[v.work+" "+v.target], v.isa)
	}
	want := []string{
		"a frame's PSNR to the plain graph, vox-256 >= 80 dB",
		"conv vox-256, geometric mean of the shapes <= 0.45", "conv vox-256, the worst: one <= 1.00",
		"frame vox-256 <= 0.35", "frame vox-256 <= 0.50", "frame vox-256 <= 0.60", "reconstruction vox-256 <= 0.35", "start vox-256 <= 0.25",
		"frame shapes-64 <= 0.60", "step shapes-64 prioritycut, batch 4 <= 0.35", "step shapes-64 fomm-adv, batch 4 <= 0.35",
		"frame vox-256, 128x128, time per million pixels <= 2.00", "frame vox-256, 512x512, time per million pixels <= 1.10",
	}
	for _, variant := range []string{"prioritycut", "fomm-adv"} {
		for _, batch := range []string{"1", "2"} {
			want = append(want, "step vox-256 "+variant+", batch "+batch+" <= 0.45", "step vox-256 "+variant+", batch "+batch+", peak memory <= 0.90")
		}
		for _, batch := range []string{"2", "4"} {
			want = append(want, "step vox-256 "+variant+", batch "+batch+", time per pair <= 1.00")
		}
	}
	for _, work := range want {
		if diff := cmp.Diff([]string{isaAVX512, isaAVX2}, got[work]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", work, diff)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d rows, want %d: %v", len(got), len(want), sortedKeys(got))
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
