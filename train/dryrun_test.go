package train

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
)

// TestParameterCounts compares the networks of the 256 presets with the
// numbers of parameters counted in PyTorch.
func TestParameterCounts(t *testing.T) {
	for _, c := range []struct {
		preset        string
		variant       model.Variant
		discriminator int64
	}{
		{"vox-256", model.FOMM, 0},
		{"vox-256", model.FOMMAdv, 2769089},
		{"vox-256", model.PriorityCut, 5092930},
		{"taichi-256", model.FOMMAdv, 2769089},
		{"taichi-256", model.UNet, 5092930},
		{"bair-256", model.FOMMAdv, 2758849},
		{"bair-256", model.CutMix, 5082690},
	} {
		conf := resolve(t, config.Options{Preset: c.preset, Variant: string(c.variant), VGG19: "random", AllowMissing: true})
		s := graph.New(tensorflow.Float)
		conf.Family().NewTraining(s)
		if err := s.Err(); err != nil {
			t.Fatal(err)
		}
		want := []int64{14215368, 37730268, 7845123, c.discriminator, 12944960}
		var got []int64
		for _, n := range Counts(s, conf.Family().Parts()) {
			got = append(got, n.Parameters)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", c.preset, c.variant, diff)
		}
	}
}

// TestDryRunOfWorkers: each needs the memory of its part of the batch.
func TestDryRunOfWorkers(t *testing.T) {
	c := tiny(t, model.PriorityCut, "batch_size=4")
	for want, cluster := range map[string]*tf.Cluster{
		"a step of 4 pairs": nil, "a step of 2 pairs": {Workers: []string{"a:1", "b:1"}, Rank: 1}, "for each of 4 workers": {Workers: []string{"a:1", "b:1", "c:1", "d:1"}},
	} {
		var out bytes.Buffer
		if err := DryRun(context.Background(), RunOptions{Config: c, Dir: t.TempDir(), Out: &out, Cluster: cluster}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("a dry run does not say %q:\n%s", want, &out)
		}
	}
	for want, o := range map[string]RunOptions{
		"3 workers cannot share alike": {Config: c, Cluster: &tf.Cluster{Workers: []string{"a:1", "b:1", "c:1"}}},
		"workers do not exchange samples": {
			Config: tiny(t, model.CutMix, "batch_size=4", "cutmix_pair=other"), Cluster: &tf.Cluster{Workers: []string{"a:1", "b:1"}},
		},
	} {
		o.Out = &bytes.Buffer{}
		if err := DryRun(context.Background(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestDryRun says what a run would be and leaves its folder alone.
func TestDryRun(t *testing.T) {
	var out bytes.Buffer
	dir := t.TempDir()
	c := tiny(t, model.PriorityCut, "steps=123")
	if err := DryRun(context.Background(), RunOptions{Config: c, Dir: dir, Out: &out}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"preset: shapes-64\n", "  bg_threshold: 0.5\n", "train 200 videos", "an epoch's items are 200 videos",
		"keypoint detector", "discriminator", "123 steps of 2 pairs, 100 an epoch", "# memory\nabout ",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("a dry run does not say %q", want)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("a dry run leaves %v, %v", entries, err)
	}
	// What it prints is a configuration again.
	text := out.String()
	text = text[strings.Index(text, "\n")+1 : strings.Index(text, "\n# data")]
	again, err := config.Unmarshal([]byte(text), "dry run")
	if err != nil {
		t.Fatal(err)
	}
	if again.Hash() != c.Hash() {
		t.Error("the printed configuration means another run")
	}
}
