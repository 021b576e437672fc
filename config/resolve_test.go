package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/localfile/localfiletest"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/video"
)

// write puts a file into a fresh folder.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// resolve resolves without data and VGG-19 weights.
func resolve(t *testing.T, o Options) (*Config, []Warning) {
	t.Helper()
	o.AllowMissing = true
	c, warnings, err := Resolve(o)
	if err != nil {
		t.Fatalf("Resolve(%+v): %v", o, err)
	}
	return c, warnings
}

func about(warnings []Warning, key string) string {
	for _, w := range warnings {
		if w.Key == key {
			return w.Text
		}
	}
	return ""
}

func TestEveryPresetWithEveryVariant(t *testing.T) {
	for _, preset := range Presets() {
		for _, variant := range model.Variants() {
			for _, fineTune := range []string{"", t.TempDir()} {
				c, _, err := Resolve(Options{
					Preset: preset, Variant: string(variant), InitFrom: fineTune,
					Data: Shapes, VGG19: RandomVGG19,
				})
				if err != nil {
					t.Errorf("%s %s: %v", preset, variant, err)
					continue
				}
				adversary := variant != model.FOMM
				mixes := variant == model.CutMix || variant == model.PriorityCut
				if got := c.Train.LossWeights.GeneratorGAN != 0; got != adversary {
					t.Errorf("%s %s: generator_gan on is %t", preset, variant, got)
				}
				if got := c.HasConsistency(); got != mixes {
					t.Errorf("%s %s: consistency on is %t", preset, variant, got)
				}
				if got := c.HasUNet(); got != (mixes || variant == model.UNet) {
					t.Errorf("%s %s: U-Net is %t", preset, variant, got)
				}
			}
		}
	}
}

// What the reference's configurations and the recipe of its adversarial ones
// say, from the table of published configurations.
func TestPresetsHaveTheReferencesHyperparameters(t *testing.T) {
	type row struct {
		epochs, repeats, batch int
		milestones             []int
		sn, useKP, ids         bool
		kpFineTuned            float64
	}
	for preset, want := range map[string]row{
		"vox-256":    {100, 75, 40, []int{60, 90}, false, true, true, 2e-4},
		"taichi-256": {100, 150, 30, []int{60, 90}, false, true, true, 0},
		"bair-256":   {20, 1, 36, []int{12, 18}, true, false, false, 2e-4},
	} {
		c, _ := resolve(t, Options{Preset: preset})
		tuned, _ := resolve(t, Options{Preset: preset, InitFrom: t.TempDir()})
		got := row{
			c.Train.NumEpochs, c.Train.NumRepeats, c.Train.BatchSize, c.Train.EpochMilestones,
			c.Model.Discriminator.SN, c.Model.Discriminator.UseKP, c.Dataset.IDSampling, tuned.Train.LRKPDetector,
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(row{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", preset, diff)
		}
		if c.Train.LRGenerator != 2e-4 || c.Train.LRDiscriminator != 2e-4 || c.Train.LRKPDetector != 2e-4 {
			t.Errorf("%s: learning rates %v", preset, c.Train)
		}
		if tuned.Train.NumEpochs != 50 || len(tuned.Train.EpochMilestones) != 0 || tuned.Train.LRGenerator != 2e-4 ||
			tuned.Train.ConsWarmupEpochs != 0 || tuned.Train.Steps != 0 {
			t.Errorf("%s with init_from: %+v", preset, tuned.Train)
		}
		if diff := cmp.Diff([]float64{1, 0.5, 0.25, 0.125}, c.Train.Scales); diff != "" {
			t.Errorf("%s: scales %s", preset, diff)
		}
		if got := c.Train.ConsWarmupEpochs; got != float64(want.epochs)/10 {
			t.Errorf("%s: warm-up of %v epochs", preset, got)
		}
		m := c.Model
		if m.KPDetector.BlockExpansion != 32 || m.KPDetector.MaxFeatures != 1024 || m.KPDetector.NumBlocks != 5 ||
			m.KPDetector.ScaleFactor != 0.25 || m.Generator.BlockExpansion != 64 || m.Generator.NumBottleneckBlocks != 6 ||
			m.Generator.DenseMotion.BlockExpansion != 64 || m.Discriminator.BlockExpansion != 32 || m.Discriminator.NumBlocks != 4 {
			t.Errorf("%s: networks %+v", preset, m)
		}
	}
}

func TestDefaultsNeedNothing(t *testing.T) {
	c, warnings, err := Resolve(Options{})
	if err != nil || len(warnings) != 0 {
		t.Fatalf("%v, %v", warnings, err)
	}
	if c.Preset != "shapes-64" || c.Variant != DefaultVariant || c.Dataset.RootDir != Shapes ||
		c.VGG19 != (VGG19Params{File: RandomVGG19, WidthDivisor: 8}) {
		t.Errorf("defaults: %s %s %s %+v", c.Preset, c.Variant, c.Dataset.RootDir, c.VGG19)
	}
}

func TestPrecedence(t *testing.T) {
	file := write(t, "my.yaml", "preset: bair-256\nseed: 3\ntrain_params: {batch_size: 7, num_epochs: 9}\n")
	five, eight := int64(5), int64(8)
	for _, c := range []struct {
		name    string
		options Options
		batch   int
		seed    int64
		preset  string
	}{
		{"preset", Options{Preset: "vox-256"}, 40, 0, "vox-256"},
		{"file over its preset", Options{ConfigFile: file}, 7, 3, "bair-256"},
		{"flag over the file's preset", Options{Preset: "vox-256", ConfigFile: file}, 7, 3, "vox-256"},
		{"setting over file", Options{ConfigFile: file, Sets: []string{"batch_size=11"}}, 11, 3, "bair-256"},
		{"later setting over earlier", Options{Sets: []string{"batch_size=11", "train_params.batch_size=12"}}, 12, 0, "shapes-64"},
		{"preset by setting", Options{Sets: []string{"preset=taichi-256"}}, 30, 0, "taichi-256"},
		{"flag over setting", Options{Sets: []string{"seed=4"}, Seed: &five}, 4, 5, "shapes-64"},
		{"flag over file", Options{ConfigFile: file, Seed: &eight}, 7, 8, "bair-256"},
	} {
		got, _ := resolve(t, c.options)
		if got.Train.BatchSize != c.batch || got.Seed != c.seed || got.Preset != c.preset {
			t.Errorf("%s: batch %d, seed %d, preset %s; want %d, %d, %s",
				c.name, got.Train.BatchSize, got.Seed, got.Preset, c.batch, c.seed, c.preset)
		}
	}
}

func TestFlagsThatWinOverSomethingElseSaySo(t *testing.T) {
	file := write(t, "my.yaml", "preset: bair-256\nvariant: unet\nseed: 3\n")
	seed := int64(9)
	_, warnings := resolve(t, Options{
		Preset: "vox-256", Variant: "cutmix", ConfigFile: file, Sets: []string{"seed=4"}, Seed: &seed,
	})
	for key, want := range map[string]string{"preset": "bair-256", "variant": "unet", "seed": "`set` seed=4"} {
		if !strings.Contains(about(warnings, key), want) {
			t.Errorf("no warning about %s naming %s: %v", key, want, warnings)
		}
	}
}

func TestVariantWinsOverYAML(t *testing.T) {
	file := write(t, "my.yaml", "train_params:\n  loss_weights:\n    generator_gan: 0\n    discriminator_gan: 0.5\n    consistency: 2\n")
	c, warnings := resolve(t, Options{ConfigFile: file, Variant: "unet"})
	w := c.Train.LossWeights
	if w.GeneratorGAN != 1 || w.DiscriminatorGAN != 1 || w.Consistency != 0 {
		t.Errorf("weights %+v", w)
	}
	for key, parts := range map[string][]string{
		"train_params.loss_weights.generator_gan":     {"my.yaml:3", "says 0", "unet", "1"},
		"train_params.loss_weights.discriminator_gan": {"my.yaml:4", "says 0.5", "unet", "1"},
		"train_params.loss_weights.consistency":       {"my.yaml:5", "says 2", "unet", "0"},
	} {
		for _, part := range parts {
			if !strings.Contains(about(warnings, key), part) {
				t.Errorf("warning about %s is %q, lacks %q", key, about(warnings, key), part)
			}
		}
	}
	if _, warnings := resolve(t, Options{Variant: "unet"}); len(warnings) != 0 {
		t.Errorf("a variant alone warns: %v", warnings)
	}
	c, warnings = resolve(t, Options{Variant: "prioritycut", Sets: []string{"consistency=0.25"}})
	if c.Train.LossWeights.Consistency != 0.25 || len(warnings) != 0 {
		t.Errorf("the weight of the variant's own loss: %v, %v", c.Train.LossWeights.Consistency, warnings)
	}
}

func TestDiscriminatorFollowsTheDataSet(t *testing.T) {
	for preset, want := range map[string][2]bool{
		"shapes-64": {false, true}, "vox-256": {false, true}, "taichi-256": {false, true}, "bair-256": {true, false},
	} {
		for _, v := range model.Variants() {
			c, _ := resolve(t, Options{Preset: preset, Variant: string(v)})
			if got := [2]bool{c.Model.Discriminator.SN, c.Model.Discriminator.UseKP}; got != want {
				t.Errorf("%s %s: sn, use_kp = %v, want %v", preset, v, got, want)
			}
		}
	}
}

func TestLaterKeyOfTheReferenceClearsOurs(t *testing.T) {
	c, _ := resolve(t, Options{Sets: []string{"num_epochs=3", "cons_warmup_epochs=1", "epoch_milestones=[2]"}})
	if c.Train.Steps != 0 || c.Train.ConsWarmupSteps != 0 || len(c.Train.StepMilestones) != 0 {
		t.Errorf("the preset's keys still act: %+v", c.Train)
	}
	c, _ = resolve(t, Options{Sets: []string{"num_epochs=3", "train_params.steps=5"}})
	if c.Train.Steps != 5 {
		t.Errorf("steps = %d, want the 5 asked for", c.Train.Steps)
	}
}

func TestStepsMoveNoMilestone(t *testing.T) {
	steps := int64(5000)
	before, _ := resolve(t, Options{})
	after, warnings := resolve(t, Options{Steps: &steps})
	if diff := cmp.Diff(before.Train.StepMilestones, after.Train.StepMilestones); diff != "" || len(before.Train.StepMilestones) == 0 {
		t.Errorf("milestones moved: %s", diff)
	}
	_, later, found := strings.Cut(about(warnings, "train_params.step_milestones"), "`set` '")
	if after.Train.Steps != steps || !found {
		t.Fatalf("steps %d, warnings %v", after.Train.Steps, warnings)
	}
	asAdvised, warnings := resolve(t, Options{Steps: &steps, Sets: []string{strings.TrimSuffix(later, "'")}})
	if m := asAdvised.Train.StepMilestones; len(m) != 12 || m[0].Step != 2125 || len(warnings) != 0 {
		t.Errorf("as advised: %v, warnings %v", m, warnings)
	}
	zero := int64(0)
	if _, _, err := Resolve(Options{Steps: &zero}); err == nil {
		t.Error("`steps`=0 was accepted")
	}
}

func TestSamples(t *testing.T) {
	c, _ := resolve(t, Options{Data: "sample:talking-head"})
	if c.Dataset.Fit != video.Crop || c.Dataset.RootDir != "sample:talking-head" {
		t.Errorf("fit %s, root %s", c.Dataset.Fit, c.Dataset.RootDir)
	}
	if n, err := c.Train.StepsPerEpoch(1); err != nil || n < 1 {
		t.Errorf("one video makes %d steps an epoch, %v", n, err)
	}
	c, _ = resolve(t, Options{Data: "sample:talking-head", Sets: []string{"fit=pad", "num_repeats=4"}})
	if c.Dataset.Fit != video.Pad || c.Train.NumRepeats != 4 {
		t.Errorf("fit %s, repeats %d", c.Dataset.Fit, c.Train.NumRepeats)
	}
}

func TestVGG19(t *testing.T) {
	weights := write(t, "vgg.npz", "x")
	if _, _, err := Resolve(Options{Preset: "vox-256", Data: Shapes}); err == nil || !strings.Contains(err.Error(), "`vgg19`=random") {
		t.Errorf("vox-256 without weights: %v", err)
	}
	c, warnings, err := Resolve(Options{Preset: "vox-256", Data: Shapes, VGG19: "random"})
	if err != nil || about(warnings, "vgg19.file") == "" || c.VGG19.WidthDivisor != 1 {
		t.Errorf("random: %+v, %v, %v", c, warnings, err)
	}
	c, _, err = Resolve(Options{VGG19: weights})
	if err != nil || c.VGG19.WidthDivisor != 1 || c.VGG19.File != weights {
		t.Errorf("weights of a file: %+v, %v", c.VGG19, err)
	}
	c, _, err = Resolve(Options{VGG19: weights, Sets: []string{"vgg19.width_divisor=8"}})
	if err != nil || c.VGG19.WidthDivisor != 8 {
		t.Errorf("weights of a narrow file by flag: %+v, %v", c.VGG19, err)
	}
	saved := write(t, "saved.yaml", "vgg19: {file: random, width_divisor: 8}\n")
	c, _, err = Resolve(Options{ConfigFile: saved, VGG19: weights})
	if err != nil || c.VGG19.WidthDivisor != 1 {
		t.Errorf("a file by flag over random features: %+v, %v", c.VGG19, err)
	}
	c, _, err = Resolve(Options{Sets: []string{"vgg19={file: " + weights + ", width_divisor: 8}"}})
	if err != nil || c.VGG19.WidthDivisor != 8 {
		t.Errorf("weights of a narrow file: %+v, %v", c, err)
	}
	for _, bad := range []string{t.TempDir(), filepath.Join(t.TempDir(), "no.npz")} {
		if _, _, err := Resolve(Options{VGG19: bad}); err == nil {
			t.Errorf("`vgg19`=%s was accepted", bad)
		}
	}
}

func TestPathsStartAtTheUsersFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "my.yaml"), []byte("dataset_params: {root_dir: data/vox}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "run"), 0o700); err != nil {
		t.Fatal(err)
	}
	c, _ := resolve(t, Options{ConfigFile: "my.yaml", InitFrom: "run", BaseDir: dir})
	if c.Dataset.RootDir != filepath.Join(dir, "data/vox") || c.InitFrom != filepath.Join(dir, "run") {
		t.Errorf("root %s, init_from %s", c.Dataset.RootDir, c.InitFrom)
	}
}

func TestWhatIsMissing(t *testing.T) {
	for name, o := range map[string]Options{
		"no data":                {Preset: "vox-256", VGG19: "random"},
		"no file":                {ConfigFile: filepath.Join(t.TempDir(), "no.yaml")},
		"a folder as file":       {ConfigFile: t.TempDir()},
		"init_from not there":    {InitFrom: filepath.Join(t.TempDir(), "no")},
		"unknown preset":         {Preset: "vox-265"},
		"unknown variant":        {Variant: "priority-cut"},
		"frozen without weights": {Sets: []string{"lr_kp_detector=0"}},
		"a newer format":         {Sets: []string{"format_version=2"}},
	} {
		if c, _, err := Resolve(o); err == nil {
			t.Errorf("%s: accepted as %v", name, c)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
	if _, _, err := Resolve(Options{Preset: "vox-265"}); !strings.Contains(err.Error(), "vox-256?") {
		t.Errorf("no suggestion: %v", err)
	}
}

func TestPipesAreRefused(t *testing.T) {
	pipe := localfiletest.Pipe(t, "mine.yaml")
	_, _, err := Resolve(Options{ConfigFile: pipe})
	localfiletest.Refused(t, pipe, err)
	pipe = localfiletest.Pipe(t, "vgg19.pth")
	_, _, err = Resolve(Options{VGG19: pipe, Data: Shapes})
	if err == nil || !strings.Contains(err.Error(), "a pipe, not a regular file") {
		t.Errorf("`vgg19` of a pipe: %v", err)
	}
	pipe = localfiletest.Pipe(t, "run")
	if _, _, err = Resolve(Options{InitFrom: pipe}); err == nil || !strings.Contains(err.Error(), "no folder") {
		t.Errorf("`init_from` of a pipe: %v", err)
	}
}

// The beginning of a preset's name is enough to be told the whole, and warnings
// speak of flags as they are typed.
func TestNamesAsTheyAreTyped(t *testing.T) {
	if _, _, err := Resolve(Options{Preset: "vox"}); err == nil || !strings.Contains(err.Error(), "did you mean vox-256?") {
		t.Errorf("%v", err)
	}
	_, warnings, err := Resolve(Options{Preset: "vox-256", Data: "folder", VGG19: "random"})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, w := range warnings {
		all = append(all, w.String())
	}
	if text := strings.Join(all, "\n"); !strings.Contains(text, "`vgg19`: random features") {
		t.Errorf("%s", text)
	}
}
