package config

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestUnknownAndMistypedKeys(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"top", "\ntrain_param: {}", "my.yaml:2: train_param: unknown key; did you mean train_params?"},
		{"nested", "train_params:\n  batchsize: 3", "my.yaml:2: train_params.batchsize: unknown key; did you mean train_params.batch_size?"},
		{"elsewhere", "batch_size: 3", "my.yaml:1: batch_size: unknown key; it belongs to train_params.batch_size"},
		{"elsewhere and mistyped", "batch_sizes: 3", "my.yaml:1: batch_sizes: unknown key; did you mean train_params.batch_size?"},
		{"nothing near", "xyzzyxyzzy: 3", "--help_config"},
		{"twice", "seed: 1\nvariant: unet\nseed: 2", "my.yaml:3: seed: given twice (also in line 1)"},
		{"twice by an alias", "dataset_params: {image_shape: [64,64,3], frame_shape: [64,64,3]}", "given twice"},
		{"key that is a list", "[a, b]: 3", "a key must be a word"},
		{"list for a section", "train_params: [1, 2]", "my.yaml:1: train_params: is a list, must be a mapping"},
		{"word for a section", "train_params: fast", `is "fast", must be a mapping`},
		{"list as file", "- 1\n- 2", "my.yaml:1: is a list, must be a mapping"},
		{"word for a number", "train_params:\n  batch_size: many", `my.yaml:2: train_params.batch_size: is "many", must be a whole number`},
		{"fraction for a whole number", "train_params: {batch_size: 2.5}", "must be a whole number"},
		{"huge whole number", "train_params: {batch_size: 99999999999999999999}", "must be a whole number"},
		{"huge float for a whole number", "train_params: {batch_size: 1e300}", "must be a whole number"},
		{"text for a number", "train_params: {lr_generator: '1'}", "must be a finite number"},
		{"NaN", "train_params: {lr_generator: .nan}", "must be a finite number"},
		{"infinity", "train_params: {lr_generator: .inf}", "must be a finite number"},
		{"overflow", "train_params: {lr_generator: 1e999}", "must be a finite number"},
		{"number for a truth", "model_params: {align_corners: 1}", "must be true or false"},
		{"empty truth", "model_params: {align_corners: }", "is empty, must be true or false"},
		{"number for a list", "train_params: {scales: 1}", `is "1", must be a list`},
		{"list in a list", "train_params: {scales: [[1]]}", "is a list, must be a finite number"},
		{"wrong length", "dataset_params: {frame_shape: [64, 64]}", "has 2 elements, must have 3"},
		{"mapping for a text", "init_from: {a: b}", "must be a text"},
		{"binary", "init_from: !!binary aGk=", "is binary"},
		{"incomplete record", "train_params: {step_milestones: [{step: 3}]}", "lacks its key factor"},
		{"unknown key in a record", "train_params: {step_milestones: [{stepp: 3, factor: 1}]}", "did you mean train_params.step_milestones.step?"},
		{"not YAML", "a: [1, 2", "my.yaml: not YAML: line"},
		{"tabs", "a:\n\tb: 1", "my.yaml: not YAML"},
		{"two documents", "seed: 1\n---\nseed: 2", "more than one YAML document"},
		{"deep", strings.Repeat("[", 100) + strings.Repeat("]", 100), "nested deeper"},
		{"deep, over lines", strings.Repeat("[\n", 100), "nested deeper"},
		{"deep blocks", strings.Repeat("- ", 1000), "nested deeper"},
		{"large", strings.Repeat("# no\n", maxFileSize), "more than the 262144 that are read"},
		{"long text", "init_from: " + strings.Repeat("x", maxString+1), "bytes: at most"},
		{"long list", "train_params: {scales: [" + strings.Repeat("1, ", maxList) + "1]}", "elements: at most"},
	} {
		_, _, err := Resolve(Options{ConfigFile: write(t, "my.yaml", c.text)})
		if err == nil {
			t.Errorf("%s: accepted", c.name)
			continue
		}
		text := strings.ReplaceAll(err.Error(), "\n", " | ")
		if i := strings.Index(text, "/my.yaml"); i >= 0 {
			text = text[i+1:]
		}
		if !strings.Contains(text, c.want) {
			t.Errorf("%s: %q lacks %q", c.name, text, c.want)
		}
	}
}

func TestAllErrorsOfAFileAreReported(t *testing.T) {
	_, _, err := Resolve(Options{ConfigFile: write(t, "my.yaml", "sed: 1\ntrain_params: {batch_size: x, stepps: 4}\n")})
	for _, want := range []string{"seed?", "batch_size: is", "train_params.steps?"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
	_, _, err = Resolve(Options{ConfigFile: write(t, "my.yaml", func() (s string) {
		for i := 0; i < 1000; i++ {
			s += fmt.Sprintf("key%d: 1\n", i)
		}
		return s
	}())})
	if n := strings.Count(err.Error(), "\n"); n > maxErrors {
		t.Errorf("%d lines of errors", n)
	}
}

func TestAnchorsAndMerges(t *testing.T) {
	c, _ := resolve(t, Options{ConfigFile: write(t, "my.yaml", `
model_params:
  kp_detector_params: &sizes {block_expansion: 4, max_features: 32, num_blocks: 2}
  generator_params:
    dense_motion_params:
      <<: *sizes
      num_blocks: 3
train_params: {lr_generator: &lr 1e-4, lr_discriminator: *lr}
`)})
	if m := c.Model.Generator.DenseMotion; m.BlockExpansion != 4 || m.MaxFeatures != 32 || m.NumBlocks != 3 {
		t.Errorf("merged: %+v", m)
	}
	if c.Train.LRDiscriminator != 1e-4 {
		t.Errorf("alias: %v", c.Train.LRDiscriminator)
	}
}

func TestBombsEndSoon(t *testing.T) {
	laughs := "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n"
	merges := "a0: &a0 {seed: 1}\n"
	for i := 1; i < 30; i++ {
		laughs += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
		merges += fmt.Sprintf("a%d: &a%d {<<: [%s]}\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
	}
	for name, text := range map[string]string{
		"laughs as scales": laughs + "train_params: {scales: *a29}\n",
		"merges":           merges + "<<: *a29\n",
		"merge of itself":  "&a\n<<: *a\n",
		"list of itself":   "train_params: {scales: &a [*a]}\n",
		"loop of merges":   "x: &x {<<: *x}\n<<: *x\n",
	} {
		start := time.Now()
		if _, _, err := Resolve(Options{ConfigFile: write(t, "my.yaml", text)}); err == nil {
			t.Errorf("%s: accepted", name)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
}

func TestEmptyFilesChangeNothing(t *testing.T) {
	want, _ := resolve(t, Options{})
	for _, text := range []string{"", "# nothing\n", "---\n", "null\n", "train_params:\n", "{}\n"} {
		got, warnings := resolve(t, Options{ConfigFile: write(t, "my.yaml", text)})
		if diffs := DiffForResume(want, got); len(diffs) > 0 || len(warnings) > 0 {
			t.Errorf("%q changes %v, warns %v", text, diffs, warnings)
		}
	}
}

func TestSet(t *testing.T) {
	c, _ := resolve(t, Options{Sets: []string{
		"train_params.scales=[1, 0.5]", "kp_detector_params.num_blocks=2", "num_kp = 4",
		"loss_weights={equivariance_value: 3}", "step_milestones=[{step: 2, factor: 0.5}]", "flip_param.time_flip=false",
		"pairs_list=", "checkpoint_steps=1e3", "image_shape=[32, 64, 3]", "dataset_params.image_shape=[64, 64, 3]",
	}})
	if len(c.Train.Scales) != 2 || c.Model.KPDetector.NumBlocks != 2 || c.Model.Common.NumKP != 4 ||
		c.Train.LossWeights.EquivarianceValue != 3 || c.Train.LossWeights.EquivarianceJacobian != 10 ||
		c.Train.StepMilestones[0] != (StepMilestone{Step: 2, Factor: 0.5}) || c.Dataset.AugmentationParams.FlipParam.TimeFlip ||
		c.Train.CheckpointSteps != 1000 || c.Dataset.FrameShape != [3]int{64, 64, 3} {
		t.Errorf("%+v", c)
	}
	for set, want := range map[string]string{
		"batch_size":               "must read key=value",
		"=3":                       "must read key=value",
		"num_blocks=3":             "say which of model_params.kp_detector_params.num_blocks, model_params.generator_params.dense_motion_params.num_blocks",
		"lr=3":                     "did you mean train_params.lr_generator?",
		"batchsize=3":              "did you mean train_params.batch_size?",
		"train_param.batch_siz=3":  "did you mean train_params.batch_size?",
		"dense_motion.num_block=3": "did you mean model_params.generator_params.dense_motion_params.num_blocks?",
		"discriminator.scale=[1]":  "did you mean model_params.discriminator_params.scales?",
		"batch_size=[":             "not YAML",
		"batch_size=":              "is empty, must be a whole number",
		"batch_size=3: 4":          "must be a whole number",
		"train_params.scales=1":    "must be a list",
	} {
		_, _, err := Resolve(Options{Sets: []string{set}})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "`set` "+set) {
			t.Errorf("`set` %s: %v lacks %q", set, err, want)
		}
	}
}
