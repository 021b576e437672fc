package figure

import (
	"context"
	"errors"
	"image"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
)

// TestRefusals: what cannot be shown is an error that says why.
func TestRefusals(t *testing.T) {
	cut := saved(t, resolve(t, model.PriorityCut), 1, func(m *rundir.Meta) { m.Data = "aa" })
	fomm := saved(t, resolve(t, model.FOMM), 1, nil)
	patches := saved(t, resolve(t, model.FOMMAdv), 1, nil)
	headless := saved(t, resolve(t, model.PriorityCut), 1, nil, "discriminator.")
	broken := saved(t, resolve(t, model.PriorityCut), 1, nil, "generator.final")
	bright := saved(t, resolve(t, model.FOMM, "estimate_occlusion_map=false"), 1, nil)
	wide := saved(t, resolve(t, model.PriorityCut, "frame_shape=[32,64,3]"), 1, nil)
	padded := saved(t, resolve(t, model.PriorityCut, "fit=pad"), 1, nil)
	elsewhere := saved(t, resolve(t, model.PriorityCut, "root_dir="+t.TempDir()), 1, nil)
	other := saved(t, resolve(t, model.PriorityCut), 1, func(m *rundir.Meta) { m.Data = "bb" })
	list := func(paths ...string) []string { return paths }
	for name, c := range map[string]struct {
		o    Options
		want string
	}{
		"number":          {Options{Number: 6, Checkpoints: list(cut)}, "there are 1 to 5"},
		"no checkpoint":   {Options{Number: 1}, "no checkpoint"},
		"two":             {Options{Number: 1, Checkpoints: list(cut, cut)}, "shows one model"},
		"labels":          {Options{Number: 4, Checkpoints: list(cut), Labels: list("a", "b")}, "2 labels for 1"},
		"both":            {Options{Number: 4, Checkpoints: list(cut), Videos: list("test-0001"), NumVideos: 2}, "not both"},
		"less than none":  {Options{Number: 4, Checkpoints: list(cut), NumVideos: -1}, "-1 videos"},
		"needless share":  {Options{Number: 4, Checkpoints: list(cut), Percent: []float64{10}}, "figures 1 and 2"},
		"shares":          {Options{Number: 1, Checkpoints: list(cut), Percent: []float64{10, 20}}, "figure 2 compares several"},
		"share":           {Options{Number: 2, Checkpoints: list(cut), Percent: []float64{101}}, "[0, 100]"},
		"needless box":    {Options{Number: 5, Checkpoints: list(cut), Box: image.Rect(0, 0, 2, 2)}, "only figure 4"},
		"box":             {Options{Number: 4, Checkpoints: list(cut), Box: image.Rect(0, 0, 33, 2)}, "32x32"},
		"flat box":        {Options{Number: 4, Checkpoints: list(cut), Box: image.Rectangle{Max: image.Pt(3, 0)}}, "does not lie in"},
		"video":           {Options{Number: 1, Checkpoints: list(cut), Videos: list("test-0099")}, "test-0000"},
		"frame":           {Options{Number: 1, Checkpoints: list(cut), Frames: []int{24}}, "frames 0 to 23"},
		"many":            {Options{Number: 1, Checkpoints: list(cut), NumVideos: 16, Frames: []int{1, 2, 3, 4, 5}}, "more than a figure holds"},
		"many shares":     {Options{Number: 2, Checkpoints: list(cut), NumVideos: 16, Percent: []float64{1, 2, 3, 4, 5}}, "more than a figure holds"},
		"absent":          {Options{Number: 1, Checkpoints: list(filepath.Join(t.TempDir(), "none"))}, "none"},
		"no mask":         {Options{Number: 1, Checkpoints: list(bright)}, "no occlusion map"},
		"no critic":       {Options{Number: 3, Checkpoints: list(cut, fomm)}, "variant fomm has no discriminator"},
		"no decoder":      {Options{Number: 3, Checkpoints: list(patches)}, "variant fomm-adv has no discriminator with a decoder"},
		"critic left out": {Options{Number: 3, Checkpoints: list(headless)}, "holds no discriminator"},
		"tensor left out": {Options{Number: 4, Checkpoints: list(broken)}, "generator.final"},
		"sizes":           {Options{Number: 4, Checkpoints: list(cut, wide)}, "64x32"},
		"fits":            {Options{Number: 4, Checkpoints: list(cut, padded)}, "pad"},
		"data":            {Options{Number: 4, Checkpoints: list(cut, elsewhere)}, "say `data`"},
		"videos":          {Options{Number: 4, Checkpoints: list(cut, other)}, "were not the same"},
	} {
		c.o.Device = "cpu"
		_, err := Draw(ctx, c.o)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
	// With --data the videos are the same for all.
	if _, err := Draw(ctx, Options{Number: 4, Checkpoints: list(cut, elsewhere, other), Data: "shapes", NumVideos: 1, Device: "cpu"}); err != nil {
		t.Error(err)
	}
	done, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := Draw(done, Options{Number: 4, Checkpoints: list(cut), NumVideos: 1, Device: "cpu"}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled figure gives %v", err)
	}
}

func TestNames(t *testing.T) {
	if got := shorten("a-very-long-name-of-a-video#12", 12); got != "..a-video#12" || len(got) != 12 {
		t.Errorf("shortened to %q", got)
	}
	for path, want := range map[string]string{
		"runs/seed2/": "seed2", "runs/seed2/checkpoints": "seed2", "runs/seed2/checkpoints/step-00000900": "seed2/step-00000900", "x": "x",
	} {
		if got := runName(path); got != want {
			t.Errorf("%s is called %q, want %q", path, got, want)
		}
	}
	subjects := []subject{{label: "fomm"}, {label: "unet"}, {label: "fomm"}}
	tellApart(subjects, []string{"runs/a", "runs/b", "runs/c"})
	if subjects[0].label != "fomm (a)" || subjects[1].label != "unet" || subjects[2].label != "fomm (c)" {
		t.Errorf("labels %v", subjects)
	}
	subjects = []subject{{label: "fomm"}, {label: "fomm"}}
	if tellApart(subjects, []string{"a/run", "b/run"}); subjects[0].label != "fomm (1)" || subjects[1].label != "fomm (2)" {
		t.Errorf("labels %v", subjects)
	}
}
