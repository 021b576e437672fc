package convert

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/safetensors"
)

// withNamedAdam adds the states of optimisers by name.
func withNamedAdam(entries []entry) []entry {
	for _, p := range players {
		for _, e := range parametersOf(entries, p) {
			average, square := e, e
			average.name, square.name = "optimizer_"+e.name+".exp_avg", "optimizer_"+e.name+".exp_avg_sq"
			entries = append(entries, average, square)
		}
		entries = append(entries, entry{name: "optimizer_" + p + ".step", values: []float32{6}})
	}
	return entries
}

// TestWrappers reads networks with the names of wrappers before, between and
// behind those of the networks, and gets what it gets without.
func TestWrappers(t *testing.T) {
	entries := withNamedAdam(entriesOf(t, "fomm-adv", "sn=true"))
	plain := mustRead(t, npzOf(t, entries), Options{})
	after := func(what string) func(string) string {
		return func(name string) string { return strings.Replace(name, ".", "."+what+".", 1) }
	}
	before := func(what string) func(string) string { return func(name string) string { return what + "." + name } }
	count := entry{name: "n_averaged", values: []float32{7}}
	for name, c := range map[string]struct {
		rename func(string) string
		more   []entry
		notes  []string
	}{
		"DataParallel":          {rename: after("module"), notes: []string{"module. (DataParallel"}},
		"DDP of the whole":      {rename: before("module"), notes: []string{"module. (DataParallel"}},
		"compiled":              {rename: after("_orig_mod"), notes: []string{"_orig_mod. (torch.compile)"}},
		"both":                  {rename: after("module._orig_mod"), notes: []string{"_orig_mod. (", "module. ("}},
		"a compiled part":       {rename: func(n string) string { return strings.Replace(n, ".hourglass.", ".hourglass._orig_mod.", 1) }, notes: []string{"_orig_mod. ("}},
		"compiled convolutions": {rename: func(n string) string { return strings.Replace(n, ".conv.", ".conv._orig_mod.", 1) }, notes: []string{"_orig_mod. ("}},
		"averaged":              {rename: after("module"), more: []entry{{name: "generator.n_averaged", values: []float32{7}}}, notes: []string{"generator.n_averaged is left out", "averages (of 7)"}},
		"averaged as a whole":   {rename: before("module"), more: []entry{count}, notes: []string{"n_averaged is left out"}},
		"FSDP":                  {rename: after("_fsdp_wrapped_module._checkpoint_wrapped_module"), notes: []string{"FSDP", "activation checkpointing"}},
		"Lightning": {rename: before("state_dict.model"), more: []entry{{name: "optimizer_states.0.state.0.exp_avg", values: []float32{1}}, {name: "callbacks.best", values: []float32{1}}},
			notes: []string{"state_dict.model. was taken off", "2 tensors that belong to no network of these are left out (optimizer_states, callbacks)"}},
		"Lightning, compiled":   {rename: func(n string) string { return "state_dict." + after("_orig_mod")(n) }, notes: []string{"state_dict. was", "_orig_mod. ("}},
		"wrappers of one's own": {rename: after("net.inner"), notes: []string{"net.inner. was taken off the names of generator", "net.inner. was taken off the names of discriminator"}},
		"places of their own": {rename: func(n string) string {
			if strings.Contains(n, kpDetector+".") {
				return "models.1." + n
			}
			return "models.0." + n
		}, notes: []string{"models.0. was", "models.1. was"}},
		"the reference's full model": {rename: func(n string) string { return strings.Replace(n, "kp_detector.", "kp_extractor.", 1) },
			more: []entry{{name: "vgg.slice1.0.weight", values: []float32{1}}, {name: "pyramid.downs.0-5.weight", values: []float32{1}}}, notes: []string{"(vgg, pyramid)"}},
		"an average beside": {rename: func(n string) string { return n }, more: []entry{{name: "ema.generator.first.conv.weight", values: []float32{1}}}, notes: []string{"1 tensors that belong to no network of these are left out (ema)"}},
		"parametrizations":  {rename: parametrized},
	} {
		t.Run(name, func(t *testing.T) {
			wrapped := slices.Clone(entries)
			for i := range wrapped {
				wrapped[i].name = c.rename(wrapped[i].name)
			}
			j := mustRead(t, npzOf(t, append(wrapped, c.more...)), Options{})
			sameValues(t, plain, j)
			for _, note := range c.notes {
				if !j.remarked(note) {
					t.Errorf("remarks %q lack %q", j.remarks, note)
				}
			}
			if c.notes == nil && len(j.remarks) != len(plain.remarks) {
				t.Errorf("remarks %q", j.remarks)
			}
		})
	}
}

// sameValues compares everything that two files became.
func sameValues(t *testing.T, want, got *job) {
	t.Helper()
	if len(got.values) != len(want.values) || got.notes.Step != want.notes.Step {
		t.Errorf("%d values of step %d, not %d of step %d", len(got.values), got.notes.Step, len(want.values), want.notes.Step)
	}
	for v := range want.values {
		if v.DType == tensorflow.Int64 {
			if want.count(v) != got.count(got.nets.scope.VariableNamed(v.Name)) {
				t.Errorf("%s differs", v.Name)
			}
			continue
		}
		if !slices.Equal(want.valuesNamed(t, v.Name), got.valuesNamed(t, v.Name)) {
			t.Errorf("%s differs", v.Name)
		}
	}
}

// TestWrappedPyTorch reads PyTorch's own form, below a dictionary, with an
// optimiser that numbers its states.
func TestWrappedPyTorch(t *testing.T) {
	entries := entriesOf(t, "fomm")
	steps := func(int) int64 { return 9 }
	root := dict{}
	for owner, tensors := range map[string][]entry{generator: only(slices.Clone(entries), generator), kpDetector: only(slices.Clone(entries), kpDetector)} {
		state := dict{}
		for _, e := range tensors {
			state = state.with("module."+strings.TrimPrefix(e.name, owner+"."), e)
		}
		root = root.with(owner, state).with("optimizer_"+owner, adamOf(parametersOf(entries, owner), steps))
	}
	j := mustRead(t, torchOf(t, dict{}.with("epoch", 5).with("state", root)), Options{})
	if j.notes.Step != 9 || *j.notes.Converted.Epoch != 5 || !j.remarked("state. was taken off") {
		t.Errorf("%+v, %q", j.notes, j.remarks)
	}
	first := parametersOf(entries, generator)[0]
	if moment := j.valuesNamed(t, "optimizer."+first.name+".exp_avg"); moment[0] != first.values[0]+0.25 {
		t.Errorf("a moment is %v", moment[0])
	}
}

// TestParametrizationsOut writes the newer names, and reads them again.
func TestParametrizationsOut(t *testing.T) {
	run := filepath.Join(t.TempDir(), "run")
	j := mustRead(t, npzOf(t, withNamedAdam(entriesOf(t, "fomm-adv", "sn=true"))), Options{})
	if err := j.writeRun(run); err != nil {
		t.Fatal(err)
	}
	file, again := filepath.Join(t.TempDir(), "x.safetensors"), filepath.Join(t.TempDir(), "again")
	perform(t, Options{Checkpoint: run, Out: file, Parametrizations: true})
	f, err := safetensors.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	at := "discriminator.discs.1.conv.parametrizations.weight."
	for _, name := range []string{at + "original", at + "0._u", at + "0._v", "optimizer_" + at + "original.exp_avg"} {
		if _, ok := f.Info(name); !ok {
			t.Errorf("there is no %s", name)
		}
	}
	for _, name := range f.Names() {
		if strings.Contains(name, "weight_") {
			t.Errorf("%s has an old name", name)
		}
	}
	perform(t, Options{Checkpoint: file, Out: again})
	sameFolders(t, run, again)
}

// TestForeignElements: a tensor of 8-bit floats is refused by name where it is
// wanted, and else is in nobody's way.
func TestForeignElements(t *testing.T) {
	entries := entriesOf(t, "fomm")
	file := func(odd string) []byte {
		data := npzOf(t, entries)
		j := mustRead(t, data, Options{})
		path := filepath.Join(t.TempDir(), "x.safetensors")
		if err := j.writeStateDict(path, false); err != nil {
			t.Fatal(err)
		}
		return quantised(t, path, odd)
	}
	if _, err := read(t, file("generator.first.conv.bias"), Options{}); err == nil || !strings.Contains(err.Error(), "generator.first.conv.bias: its elements are of the type F8_E4M3") {
		t.Errorf("an 8-bit bias: %v", err)
	}
	mustRead(t, file("kp_detector.down.weight"), Options{})
	mustRead(t, file("generator.dense_motion_network.down.weight"), Options{})
}
