package convert

import (
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/tf"
)

// read reads a file of the smallest networks.
func read(t testing.TB, data []byte, o Options) (*job, error) {
	t.Helper()
	o.Checkpoint, o.Out = fileOf(t, "checkpoint", data), filepath.Join(t.TempDir(), "out")
	if o.ConfigFile == "" && o.Preset == "" {
		o.ConfigFile = smallestFile(t)
	}
	j, err := Read(o)
	if err != nil {
		return nil, err
	}
	return j.(*job), nil
}

func mustRead(t testing.TB, data []byte, o Options) *job {
	t.Helper()
	j, err := read(t, data, o)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// valuesNamed are the values of a variable.
func (j *job) valuesNamed(t testing.TB, name string) []float32 {
	t.Helper()
	v := j.nets.scope.VariableNamed(name)
	if v == nil || j.values[v] == nil {
		t.Fatalf("%s has no value", name)
	}
	values, err := tf.Values[float32](j.values[v])
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func (j *job) remarked(text string) bool {
	return strings.Contains(strings.Join(j.remarks, "\n"), text)
}

// TestDiscriminators converts every kind of discriminator by what the file
// holds, whatever the configuration says of it.
func TestDiscriminators(t *testing.T) {
	for name, c := range map[string]struct {
		variant string   // of the file
		sets    []string // the file's discriminator
		want    string   // the variant that it becomes
		owns    string   // a variable that there must be
		options Options
		remark  string
	}{
		"plain":        {variant: "fomm-adv", want: "fomm-adv", owns: "discriminator.discs.1.down_blocks.0.conv.weight"},
		"sn":           {variant: "fomm-adv", sets: []string{"sn=true"}, want: "fomm-adv", owns: "discriminator.discs.1.conv.weight_u", remark: "params.sn is false"},
		"keypoints":    {variant: "fomm-adv", sets: []string{"use_kp=true"}, want: "fomm-adv", owns: "discriminator.discs.1.conv.bias", remark: "params.use_kp is false"},
		"none":         {variant: "fomm", want: "fomm", owns: "generator.final.bias"},
		"left out":     {variant: "fomm-adv", want: "fomm", owns: "generator.final.bias", options: Options{Variant: "fomm"}},
		"U-Net":        {variant: "unet", want: "prioritycut", owns: "discriminator.conv_dec.weight"},
		"U-Net, asked": {variant: "cutmix", sets: []string{"sn=true"}, want: "cutmix", owns: "discriminator.conv_dec.weight_v", options: Options{Variant: "cutmix"}, remark: "params.sn is false"},
		"two scales": {variant: "fomm-adv", sets: []string{"discriminator_params.scales=[1,0.5]"}, want: "fomm-adv", owns: "discriminator.discs.0-5.conv.weight",
			options: Options{Sets: []string{"discriminator_params.scales=[1,0.5]"}}},
	} {
		t.Run(name, func(t *testing.T) {
			entries := entriesOf(t, c.variant, c.sets...)
			j := mustRead(t, npzOf(t, entries), c.options)
			if string(j.config.Variant) != c.want || j.notes.Variant != c.want {
				t.Errorf("variant %s, notes say %s", j.config.Variant, j.notes.Variant)
			}
			j.valuesNamed(t, c.owns)
			if !j.remarked(c.remark) {
				t.Errorf("remarks %q", j.remarks)
			}
			// The networks of the checkpoint are those of its own configuration.
			out := filepath.Join(t.TempDir(), "run")
			if err := j.writeRun(out); err != nil {
				t.Fatal(err)
			}
			again, err := Read(Options{Checkpoint: out, Out: filepath.Join(t.TempDir(), "x.safetensors")})
			if err != nil {
				t.Fatal(err)
			}
			if n := len(again.(*job).values); n != len(j.values) {
				t.Errorf("%d values, %d after writing", len(j.values), n)
			}
		})
	}
}

// TestNeverTrainedDiscriminator: the reference saves one that took no step
// where generator_gan is 0.
func TestNeverTrainedDiscriminator(t *testing.T) {
	entries := entriesOf(t, "fomm-adv", "sn=true")
	root := tensorsOf(entries)
	count := func(int) int64 { return 7 }
	for _, player := range []string{generator, kpDetector} {
		root = root.with("optimizer_"+player, adamOf(parametersOf(entries, player), count))
	}
	root = root.with("optimizer_discriminator", adamOf(parametersOf(entries, discriminator), func(int) int64 { return -1 }))
	data := torchOf(t, root)
	j := mustRead(t, data, Options{})
	if j.config.Variant != "fomm" || j.nets.player(discriminator) != nil || !j.remarked("`variant`=fomm-adv keeps it") {
		t.Errorf("variant %s, remarks %q", j.config.Variant, j.remarks)
	}
	if j.notes.Step != 7 || j.count(j.nets.counter) != 7 {
		t.Errorf("step %d", j.notes.Step)
	}
	kept := mustRead(t, data, Options{Variant: "fomm-adv"})
	kept.valuesNamed(t, "discriminator.discs.1.conv.weight_orig")
	if p := kept.nets.player(discriminator); kept.hasOptimiser(p) || !kept.remarked("never took a step") {
		t.Error("an optimiser without steps is taken for one with")
	}
}

// TestNumberedAdam maps positions to parameters, of networks with buffers
// between them.
func TestNumberedAdam(t *testing.T) {
	entries := entriesOf(t, "fomm-adv", "sn=true")
	count := func(int) int64 { return 5 }
	whole := func(step func(int) int64) dict {
		root := tensorsOf(entries).with("epoch", 3)
		for _, player := range players {
			root = root.with("optimizer_"+player, adamOf(parametersOf(entries, player), step))
		}
		return root
	}
	j := mustRead(t, torchOf(t, whole(count)), Options{})
	for _, p := range j.nets.players {
		if j.count(p.step) != 5 {
			t.Errorf("%s: %d steps", p.Name, j.count(p.step))
		}
		for _, v := range p.weights() {
			weight := j.valuesNamed(t, v.Name)
			for i, add := range []float32{0.25, 0.5} {
				moment := j.valuesNamed(t, p.moments[v][i].Name)
				if !slices.EqualFunc(moment, weight, func(m, w float32) bool { return m == w+add }) {
					t.Errorf("moment %d of %s is that of another", i, v.Name)
				}
			}
		}
	}
	if j.notes.Converted == nil || *j.notes.Converted.Epoch != 3 || j.notes.Converted.Format != "torch-zip" {
		t.Errorf("%+v", j.notes.Converted)
	}

	// The first parameter has had no gradient, the second fewer steps.
	j = mustRead(t, torchOf(t, whole(func(i int) int64 { return int64(min(i, 2)*3 - 1) })), Options{})
	if p := j.nets.player(kpDetector); j.count(p.step) != 5 || !j.remarked("1 parameters have had no gradient and 1 fewer steps") {
		t.Errorf("%d steps, %q", j.count(p.step), j.remarks)
	}
	first := parametersOf(entries, kpDetector)[0].name
	if moment := j.valuesNamed(t, "optimizer."+first+".exp_avg"); slices.ContainsFunc(moment, func(m float32) bool { return m != 0 }) {
		t.Errorf("a moment that there was not is %v", moment)
	}

	// Muon goes on from no Adam.
	j = mustRead(t, torchOf(t, whole(count)), Options{Sets: []string{"muon_scale=0.4"}})
	if !j.remarked("Adam's state for generator, which Muon") || j.hasOptimiser(j.nets.player(kpDetector)) || !j.hasOptimiser(j.nets.player(discriminator)) {
		t.Errorf("%q", j.remarks)
	}

	plain := mustRead(t, torchOf(t, whole(count)), Options{WeightsOnly: true})
	if plain.hasOptimiser(plain.nets.players[0]) || plain.notes.Step != 0 {
		t.Error("`weights_only` takes an optimiser")
	}
	for name, c := range map[string]struct {
		root dict
		want string
	}{
		"one state too few": {whole(count).with("optimizer_generator", adamOf(parametersOf(entries, generator)[1:], count)), "the network has"},
		"another order":     {whole(count).with("optimizer_kp_detector", adamOf(reversed(parametersOf(entries, kpDetector)), count)), "has shape"},
		"too many steps":    {whole(func(int) int64 { return 1 << 50 }), "must lie in"},
		"no state at all":   {whole(count).with("optimizer_generator", dict{}.with("state", 1)), "the optimiser of generator"},
		"amsgrad":           {whole(count).with("optimizer_generator", amsgrad(parametersOf(entries, generator))), "amsgrad"},
	} {
		data := torchOf(t, c.root)
		if _, err := read(t, data, Options{}); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "`weights_only`") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if _, err := read(t, data, Options{WeightsOnly: true}); err != nil {
			t.Errorf("%s, weights only: %v", name, err)
		}
	}
}

func reversed(entries []entry) []entry {
	slices.Reverse(entries)
	return entries
}

func amsgrad(entries []entry) dict {
	state := adamOf(entries, func(int) int64 { return 1 })
	groups := state[1].value.([]any)
	return state.with("param_groups", []any{groups[0].(dict).with("amsgrad", true)})
}

// TestNamedAdam reads states by name, with counts of other types.
func TestNamedAdam(t *testing.T) {
	entries := entriesOf(t, "fomm")
	for _, p := range []string{generator, kpDetector} {
		for _, e := range parametersOf(entries, p) {
			average, square := e, e
			average.name, square.name = "optimizer_"+e.name+".exp_avg", "optimizer_"+e.name+".exp_avg_sq"
			entries = append(entries, average, square)
		}
	}
	steps := []entry{
		{name: "optimizer_generator.step", values: []float32{12}},
		{name: "optimizer_kp_detector.step", shape: []int64{1}, values: []float32{9}},
	}
	j := mustRead(t, npzOf(t, append(slices.Clone(entries), steps...)), Options{})
	if j.count(j.nets.players[0].step) != 12 || j.count(j.nets.players[1].step) != 9 || j.notes.Step != 12 {
		t.Errorf("notes %+v", j.notes.Meta)
	}
	if _, err := read(t, npzOf(t, append(slices.Clone(entries), steps...)), Options{Sets: []string{"muon_scale=0.4"}}); err == nil || !strings.Contains(err.Error(), "set muon_scale=0") {
		t.Errorf("Adam's moments for Muon: %v", err)
	}
	for name, c := range map[string]struct {
		entries []entry
		want    string
	}{
		"no count":        {append(slices.Clone(entries), steps[0]), "optimizer_kp_detector.step is missing"},
		"half a count":    {append(slices.Clone(entries), steps[0], entry{name: steps[1].name, values: []float32{0.5}}), "no count"},
		"two counts":      {append(slices.Clone(entries), steps[0], entry{name: steps[1].name, shape: []int64{2}, values: []float32{1, 1}}), "a count has one"},
		"a moment less":   {append(slices.Clone(entries[:len(entries)-1]), steps...), "1 missing"},
		"a moment more":   {append(slices.Clone(entries), append(steps, entry{name: "optimizer_generator.x.exp_avg", shape: []int64{1}, values: []float32{1}})...), "1 not expected"},
		"another network": {append(slices.Clone(entries), append(steps, entry{name: "optimizer_x.step", values: []float32{1}})...), "no network here has"},
	} {
		if _, err := read(t, npzOf(t, c.entries), Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestTensorsBeside leaves out what a program kept beside whole networks, and tells
// it; what has a network's name is never left out.
func TestTensorsBeside(t *testing.T) {
	entries := entriesOf(t, "fomm")
	more := func(names ...string) []byte {
		all := slices.Clone(entries)
		for _, name := range names {
			all = append(all, entry{name: name, shape: []int64{2}, values: []float32{1, 2}})
		}
		return npzOf(t, all)
	}
	j := mustRead(t, more("rng_state", "scaler.scale", "a", "b"), Options{})
	if !j.remarked("4 tensors that belong to no network of these are left out (rng_state, scaler, a, b)") || !slices.Contains(j.ignored, "b") {
		t.Errorf("remarks %q, ignored %q", j.remarks, j.ignored)
	}
	for _, name := range []string{"generator.more", "kp_detector.more", "optimizer_more.step"} {
		if _, err := read(t, more("rng_state", name), Options{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFolderForm compares the folder with what training's own tools expect.
func TestFolderForm(t *testing.T) {
	j := mustRead(t, npzOf(t, entriesOf(t, "fomm-adv")), Options{})
	out := filepath.Join(t.TempDir(), "a", "b")
	if err := j.writeRun(out); err != nil {
		t.Fatal(err)
	}
	c, meta := newest(t, out)
	if !slices.Equal(c.Groups(), []string{rundir.Weights, rundir.State, rundir.Optimizer}) || !rundir.Dir(out).Is() {
		t.Errorf("groups %v", c.Groups())
	}
	if meta.ConfigHash != j.config.Hash() || meta.VGG19 != unknownVGG19 || meta.Fit != "stretch" || meta.Preset != "reference" {
		t.Errorf("%+v", meta)
	}
	if list, err := c.Tensors(rundir.Optimizer); err != nil || len(list) != 1 || list[0].Name != "step" {
		t.Errorf("a file without optimisers gives %v (%v)", list, err)
	}
}

// TestFrozenNetwork carries a run out whose keypoint detector was not trained:
// it has no optimiser for it, which is no damage; half of one is.
func TestFrozenNetwork(t *testing.T) {
	entries := entriesOf(t, "fomm")
	root := tensorsOf(entries)
	for _, p := range []string{generator, kpDetector} {
		root = root.with("optimizer_"+p, adamOf(parametersOf(entries, p), func(int) int64 { return 4 }))
	}
	j := mustRead(t, torchOf(t, root), Options{})
	slots := j.nets.player(kpDetector).slots()
	for i, drop := range []int{1, len(slots)} {
		for _, v := range slots[:drop] {
			delete(j.values, v)
		}
		run := filepath.Join(t.TempDir(), "run")
		if err := j.writeRun(run); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(t.TempDir(), "x.safetensors")
		again, err := Read(Options{Checkpoint: run, Out: out})
		if i == 0 {
			if err == nil || !strings.Contains(err.Error(), "the optimiser of kp_detector has") {
				t.Errorf("a part of an optimiser: %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if p := again.(*job).nets.player(kpDetector); again.(*job).hasOptimiser(p) {
			t.Error("an optimiser that was not stored")
		}
		if err := again.Write(io.Discard); err != nil {
			t.Error(err)
		}
	}
}
