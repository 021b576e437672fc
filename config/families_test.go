package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/model"
)

var otherFamilies = []model.Variant{model.MonkeyNet, model.X2Face}

func TestEveryPresetWithOtherFamilies(t *testing.T) {
	for _, preset := range Presets() {
		for _, variant := range otherFamilies {
			c, _ := resolve(t, Options{Preset: preset, Variant: string(variant), Data: Shapes})
			if (c.MonkeyNet != nil) != (variant == model.MonkeyNet) || (c.X2Face != nil) != (variant == model.X2Face) {
				t.Errorf("%s %s has sections of other families", preset, variant)
			}
			text, err := c.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			for _, foreign := range []string{"\nprioritycut_params:", "\nvgg19:", "perceptual", "num_bottleneck_blocks", "estimate_jacobian"} {
				if strings.Contains(string(text), foreign) {
					t.Errorf("%s %s: the saved file speaks of %s", preset, variant, foreign)
				}
			}
			again, err := Unmarshal(text, "saved")
			if err != nil {
				t.Fatal(err)
			}
			if diffs := DiffForResume(c, again); len(diffs) > 0 || again.Hash() != c.Hash() {
				t.Errorf("%s %s read back: %v", preset, variant, diffs)
			}
		}
	}
	for _, preset := range nativePresets {
		c, _ := resolve(t, Options{Preset: preset, Variant: "monkeynet"})
		if c.Dataset.FrameShape != [3]int{64, 64, 3} || c.MonkeyNet.KPDetector.ScaleFactor != 1 {
			t.Errorf("%s is %v", preset, c.Dataset.FrameShape)
		}
		if _, _, err := Resolve(Options{Preset: preset, Variant: "fomm", AllowMissing: true}); err == nil || !strings.Contains(err.Error(), "monkeynet") {
			t.Errorf("%s with fomm: %v", preset, err)
		}
	}
}

// What belongs to another family is refused by its name.
func TestForeignKeysAreRefused(t *testing.T) {
	for _, c := range []struct{ variant, set, want string }{
		{"monkeynet", "prioritycut_params.k_min=0.1", "prioritycut_params.k_min"},
		{"monkeynet", "k_max=0.5", "prioritycut_params.k_max"},
		{"monkeynet", "decoder_scale=0.5", "discriminator_params.decoder_scale"},
		{"monkeynet", "estimate_jacobian=false", "estimate_jacobian"},
		{"monkeynet", "use_relative_jacobian=false", "use_relative_jacobian"},
		{"monkeynet", "model_params.common_params.num_kp=5", "set monkeynet_params.common_params.num_kp instead"},
		{"monkeynet", "vgg19.file=random", "vgg19.file"},
		{"x2face", "use_relative_movement=false", "use_relative_movement"},
		{"x2face", "lr_kp_detector=1e-4", "lr_kp_detector"},
		{"x2face", "monkeynet_params.clip_mean=true", "it is of monkeynet"},
		{"prioritycut", "x2face_params.momentum=0.5", "it is of x2face"},
	} {
		_, _, err := Resolve(Options{Variant: c.variant, Sets: []string{c.set}})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "`set`") {
			t.Errorf("%s %s: %v", c.variant, c.set, err)
		}
	}
	c, _ := resolve(t, Options{Variant: "monkeynet", Sets: []string{"num_kp=5", "align_corners=false"}})
	if c.MonkeyNet.Common.NumKP != 5 || c.Model.AlignCorners {
		t.Errorf("num_kp is %d, align_corners %t", c.MonkeyNet.Common.NumKP, c.Model.AlignCorners)
	}
}

func TestValuesOfOtherFamilies(t *testing.T) {
	for _, c := range []struct{ variant, set, want string }{
		{"monkeynet", "kp_variance=round", "monkeynet_params.common_params.kp_variance"},
		{"monkeynet", "frame_shape=[60, 64, 3]", "num_blocks"},
		{"monkeynet", "monkeynet_params.discriminator_params.num_blocks=5", "block 4"},
		{"monkeynet", "monkeynet_params.loss_weights.discriminator_gan=0", "above 0"},
		{"monkeynet", "monkeynet_params.loss_weights.reconstruction=[1, 1, 1, 1, 1, 1]", "6 weights"},
		{"x2face", "num_levels=7", "128x128"},
		{"x2face", "momentum=1", "[0, 1)"},
		{"x2face", "up_sampling=cubic", "up_sampling"},
		{"x2face", "lr_generator=0", "lr_generator"},
	} {
		if _, _, err := Resolve(Options{Variant: c.variant, Sets: []string{c.set}}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %s: %v", c.variant, c.set, err)
		}
	}
}

// A file of the public code is read with its own keys and meaning.
func TestPublicFileOfMonkeyNet(t *testing.T) {
	data, err := golden.Bytes(golden.Baselines + "monkey.yaml")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "monkey.yaml")
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	c, warnings := resolve(t, Options{ConfigFile: path})
	if c.Variant != model.MonkeyNet || c.Preset != ReferencePreset || !strings.Contains(about(warnings, "config"), "prediction_params") {
		t.Errorf("variant %s, preset %s, warnings %v", c.Variant, c.Preset, warnings)
	}
	m := c.MonkeyNet
	for what, pair := range map[string][2]any{
		"keypoints":     {m.Common.NumKP, 4},
		"widths":        {m.KPDetector.MaxFeatures, 20},
		"clip":          {m.KPDetector.ClipVariance, 0.01},
		"norm":          {string(m.Generator.KPEmbedding.NormConst), "100"},
		"groups":        {m.Generator.DenseMotion.NumGroupBlocks, 2},
		"weights":       {m.LossWeights.Reconstruction, []float64{10, 10, 10, 1}},
		"rates":         {[]float64{c.Train.LRGenerator, c.Train.LRKPDetector, c.Train.LRDiscriminator}, []float64{2e-4, 2e-4, 2e-4}},
		"milestones":    {len(c.Train.EpochMilestones), 0},
		"epochs":        {c.Train.NumEpochs, 20},
		"checkpoints":   {c.Train.CheckpointFreq, 5},
		"relative":      {c.Animate.Normalization.UseRelativeMovement, true},
		"movement_mult": {c.Animate.Normalization.AdaptMovementScale, false},
		"shape":         {c.Dataset.FrameShape, [3]int{64, 64, 3}},
		"detector":      {string(m.Discriminator.KPEmbedding.HeatmapType), "gaussian"},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s: %v, want %v", what, pair[0], pair[1])
		}
	}
	attached := strings.Replace(string(data), "detach_kp_discriminator: true", "detach_kp_discriminator: false", 1)
	if err := os.WriteFile(path, []byte(attached), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Resolve(Options{ConfigFile: path}); err == nil || !strings.Contains(err.Error(), "detach_kp_discriminator") {
		t.Errorf("attached keypoints: %v", err)
	}
}
