package train

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

// TestInitFrom begins runs from one of FOMM with its discriminator, as the
// paper's fine-tuning does, and compares what they start with.
func TestInitFrom(t *testing.T) {
	from := t.TempDir()
	complete(t, from, tiny(t, model.FOMMAdv, "steps=3"))
	c, err := checkpoint.OpenStore(rundir.Dir(from).Checkpoints()).Open(3)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	given := bitsOf(t, c)

	t.Run("fresh discriminator", func(t *testing.T) {
		now := startFrom(t, from, model.PriorityCut)
		for name, was := range given {
			name = strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(name, "weights "), "state "), "optimizer ")
			switch {
			case name == "step":
				if bytes.Equal(now[name], was) {
					t.Error("the run does not begin at step 0")
				}
			case strings.Contains(name, "discriminator"):
				if bytes.Equal(now[name], was) {
					t.Errorf("%s is taken over", name)
				}
			case !bytes.Equal(now[name], was):
				t.Errorf("%s is not taken over", name)
			}
		}
	})
	t.Run("matching discriminator, frozen keypoints", func(t *testing.T) {
		now := startFrom(t, from, model.UNet, "init_discriminator=matching", "lr_kp_detector=0")
		// The first block of FOMM's discriminator is the first of the U-Net's;
		// biases are all of a width that they share.
		name := "down_blocks.0.conv.weight"
		if !bytes.Equal(now["discriminator."+name], given["weights discriminator.discs.1."+name]) {
			t.Errorf("%s is not taken over", name)
		}
		for name := range now {
			if strings.HasPrefix(name, "optimizer.kp_detector.") {
				t.Errorf("a frozen network has the slot %s", name)
			}
		}
		if was := given["optimizer optimizer.generator.step"]; !bytes.Equal(now["optimizer.generator.step"], was) {
			t.Error("Adam's count of the generator is not taken over")
		}
		for _, v := range now["optimizer.discriminator.step"] {
			if v != 0 {
				t.Error("Adam's count of the discriminator is taken over")
			}
		}
	})
	t.Run("refused", func(t *testing.T) {
		for want, sets := range map[string][]string{
			"does not fit this model": {"num_kp=4"},
			"align_corners":           {"align_corners=false"},
		} {
			_, err := beginFrom(t, from, model.UNet, sets...)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %v, want %q", sets, err, want)
			}
		}
		for _, c := range []*config.Config{tinyFamily(t, tinymodel.X2Face(), "init_from="+from), tinyFamily(t, tinymodel.MonkeyNet(), "init_from="+from)} {
			_, err := begin(t, t.TempDir(), c)
			for _, want := range []string{"variant fomm-adv", "variant " + string(c.Variant)} {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s from another family: %v, want %q", c.Variant, err, want)
				}
			}
		}
		if _, err := beginFrom(t, t.TempDir(), model.UNet); err == nil {
			t.Error("an empty folder is begun from")
		}
		for path, sets := range map[string][]string{from: {"num_kp=4"}, t.TempDir(): nil} {
			c := tiny(t, model.UNet, append(sets, "init_from="+path)...)
			if err := DryRun(context.Background(), RunOptions{Config: c, Dir: t.TempDir(), Out: io.Discard}); err == nil || !strings.Contains(err.Error(), "init_from") {
				t.Errorf("a dry run from %s with %v: %v", path, sets, err)
			}
		}
	})
}

// beginFrom prepares a run that begins from another.
func beginFrom(t *testing.T, from string, variant model.Variant, sets ...string) (*session, error) {
	t.Helper()
	c := tiny(t, variant, append(sets, "init_from="+from)...)
	return begin(t, t.TempDir(), c)
}

// startFrom is the state that such a run starts with, by name.
func startFrom(t *testing.T, from string, variant model.Variant, sets ...string) map[string][]byte {
	t.Helper()
	s, err := beginFrom(t, from, variant, sets...)
	if err != nil {
		t.Fatal(err)
	}
	return state(t, s)
}

func TestPlainNames(t *testing.T) {
	for name, want := range map[string]string{
		"discriminator.discs.1.conv.weight":   "discriminator.conv.weight",
		"discriminator.conv.weight":           "discriminator.conv.weight",
		"discriminator.discs.0-5.conv.weight": "discriminator.discs.0-5.conv.weight",
		"generator.first.conv.weight":         "generator.first.conv.weight",
	} {
		if got := plainName(name); got != want {
			t.Errorf("%s becomes %s, want %s", name, got, want)
		}
	}
}
