package config

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/model"
)

func TestResume(t *testing.T) {
	run, _ := resolve(t, Options{})
	for _, c := range []struct {
		set     string
		allowed bool
	}{
		{"train_params.steps=9000", true}, {"num_epochs=9", true}, {"log_steps=3", true}, {"checkpoint_steps=7", true},
		{"checkpoint_freq=7", true}, {"keep_checkpoints=9", true}, {"picture_steps=9", true}, {"validation_steps=9", true},
		{"validation_videos=3", true}, {"run_params.device=gpu", true}, {"run_params.deterministic=true", true},
		{"dataset_params.workers=3", true}, {"prefetch=9", true}, {"memory_mb=1", true}, {"kp_size=3", true},
		{"max_refused_steps=3", true}, {"adapt_movement_scale=true", true},
		{"seed=1", false}, {"variant=cutmix", false}, {"batch_size=3", false}, {"num_repeats=2", false},
		{"lr_generator=1e-4", false}, {"step_milestones=[]", false}, {"epoch_milestones=[3]", false}, {"num_kp=4", false},
		{"spectral_norm=reference", false}, {"bg_threshold=0.4", false}, {"time_flip=false", false}, {"fit=crop", false},
		{"root_dir=sample:bikes", false}, {"align_corners=false", false}, {"width_divisor=4", false}, {"perceptual=[1,1,1,1,1]", false},
		{"cons_warmup_steps=3", false}, {"max_pixels=1000", false}, {"use_kp=false", false}, {"vgg19.file=/tmp/vgg.npz", false},
		{"sigma_tps=0.01", false},
	} {
		asked, _ := resolve(t, Options{Sets: []string{c.set}})
		diffs := DiffForResume(run, asked)
		if len(diffs) == 0 {
			t.Errorf("%s: no difference", c.set)
			continue
		}
		key, _, _ := strings.Cut(c.set, "=")
		err := RefuseOnResume(diffs)
		if c.allowed != (err == nil) {
			t.Errorf("%s: %v", c.set, err)
		}
		if err != nil && !strings.Contains(err.Error(), key) {
			t.Errorf("%s is not named: %v", c.set, err)
		}
		if same := run.Hash() == asked.Hash(); same != c.allowed && key != "root_dir" {
			t.Errorf("%s: hashes equal is %t", c.set, same)
		}
	}
}

func TestResumeComparesWeightsByTheirSum(t *testing.T) {
	run, _ := resolve(t, Options{VGG19: "/a/vgg.npz"})
	asked, _ := resolve(t, Options{VGG19: "/b/vgg.npz"})
	if err := RefuseOnResume(DiffForResume(run, asked)); err != nil {
		t.Errorf("a file that moved: %v", err)
	}
	run.VGG19.SHA256 = strings.Repeat("ab", 32)
	if err := RefuseOnResume(DiffForResume(run, asked)); err != nil {
		t.Errorf("a sum not known yet: %v", err)
	}
	asked.VGG19.SHA256 = strings.Repeat("cd", 32)
	if err := RefuseOnResume(DiffForResume(run, asked)); err == nil || !strings.Contains(err.Error(), "vgg19.sha256") {
		t.Errorf("other weights: %v", err)
	}
}

// The saved file reads back as the same configuration, gives the same bytes
// again, and may be given as --config.
func TestSavedFileGivesTheSameConfiguration(t *testing.T) {
	for _, preset := range Presets() {
		for _, sets := range [][]string{
			{},
			{"lr_generator=1.2345678901234567e-5", "init_from=" + t.TempDir(), `dataset_params.root_dir="a: #b 'c'"`, "seed=-9223372036854775808",
				"picture_steps=1000000000000", "equivariance_value=999999.75"},
		} {
			c, _ := resolve(t, Options{Preset: preset, Sets: sets})
			saved, err := c.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			path := write(t, FileName, string(saved))
			loaded, err := Load(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c, loaded); diff != "" {
				t.Errorf("%s: loaded (-want +got):\n%s", preset, diff)
			}
			again, err := loaded.Marshal()
			if err != nil || !bytes.Equal(saved, again) {
				t.Errorf("%s: saved again differs, %v", preset, err)
			}
			asConfig, _ := resolve(t, Options{ConfigFile: path})
			if diffs := DiffForResume(c, asConfig); len(diffs) > 0 {
				t.Errorf("%s: as --config: %v", preset, diffs)
			}
			if c.Hash() != loaded.Hash() || c.Hash() != asConfig.Hash() {
				t.Errorf("%s: hashes differ", preset)
			}
		}
	}
}

func TestHashesOfPresetsAndVariantsDiffer(t *testing.T) {
	seen := map[string]string{}
	for _, preset := range Presets() {
		for _, variant := range model.Variants() {
			c, _ := resolve(t, Options{Preset: preset, Variant: string(variant)})
			if other, ok := seen[c.Hash()]; ok {
				t.Errorf("%s and %s share a hash", c, other)
			}
			seen[c.Hash()] = c.String()
		}
	}
}

// A run of before there was a choice was moved by Adam alone, whatever its preset says
// today, and does not go on otherwise.
func TestRunsWithoutMuon(t *testing.T) {
	c, _ := resolve(t, Options{})
	saved, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, line := range strings.Split(string(saved), "\n") {
		if !strings.Contains(line, "muon_scale") {
			lines = append(lines, line)
		}
	}
	old, err := Unmarshal([]byte(strings.Join(lines, "\n")), "config.yaml")
	if err != nil || c.Train.MuonScale == 0 || old.Train.MuonScale != 0 {
		t.Fatalf("%v, %+v", err, old)
	}
	if err := RefuseOnResume(DiffForResume(old, c)); err == nil || !strings.Contains(err.Error(), "train_params.muon_scale") {
		t.Errorf("it goes on: %v", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	c, _ := resolve(t, Options{})
	saved, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing":         "",
		"no version":      strings.Replace(string(saved), "format_version: 1", "", 1),
		"a newer version": strings.Replace(string(saved), "format_version: 1", "format_version: 2", 1),
		"no such preset":  strings.Replace(string(saved), "preset: shapes-64", "preset: circles", 1),
		"a bad value":     strings.Replace(string(saved), "batch_size: 4", "batch_size: 0", 1),
		"an unknown key":  string(saved) + "more: 1\n",
		"half a file":     string(saved[:len(saved)/2]) + "\n  [",
	} {
		if _, err := Unmarshal([]byte(text), "config.yaml"); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), FileName)); err == nil {
		t.Error("a file that is not there was loaded")
	}
}
