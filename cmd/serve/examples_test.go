package main

import (
	"bytes"
	"context"
	"image/png"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/animate"
	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/serve"
)

// TestExamples: whose data are shown to whom.
func TestExamples(t *testing.T) {
	folder := t.TempDir()
	for name, c := range map[string]struct {
		root, flag string
		loopback   bool
		examples   int
		fails      string
	}{
		"drawn, to all":        {root: config.Shapes, examples: mostExamples},
		"none":                 {root: config.Shapes, flag: noExamples, loopback: true},
		"nothing known":        {loopback: true},
		"private, to others":   {root: folder},
		"private, not there":   {root: filepath.Join(folder, "gone"), loopback: true},
		"named, not there":     {root: config.Shapes, flag: filepath.Join(folder, "gone"), fails: "--examples="},
		"named, for a private": {root: folder, flag: config.Shapes, examples: mostExamples},
	} {
		p := command()
		p.examples, p.options.Loopback = c.flag, c.loopback
		model, _, err := config.Resolve(config.Options{})
		if err != nil {
			t.Fatal(err)
		}
		model.Dataset.RootDir, model.Dataset.FrameShape = c.root, [3]int{32, 48, 3}
		b := serve.Backend{Animator: serve.NewAnimator(&animate.Animator{})}
		err = p.addExamples(context.Background(), &b, model)
		if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
			t.Errorf("%s: %v", name, err)
		}
		if len(b.Examples) != c.examples {
			t.Errorf("%s: %d examples", name, len(b.Examples))
		}
		for _, e := range b.Examples {
			if m, err := png.Decode(bytes.NewReader(e.Picture)); err != nil || m.Bounds().Dx() != 48 || m.Bounds().Dy() != 32 || !bytes.Contains(e.Film[:32], []byte("ftyp")) {
				t.Errorf("%s: an example is %v, %.32q", name, err, e.Film)
			}
		}
	}
	for root, want := range map[string]string{"": "", "shapes": "drawn figures, 48x32 pixels", "sample:bikes": "the film bikes, 48x32 pixels", "/data/vox": "the videos vox, 48x32 pixels"} {
		c := config.Config{}
		c.Dataset.RootDir, c.Dataset.FrameShape = root, [3]int{32, 48, 3}
		if got := about(&c); got != want {
			t.Errorf("%q is told as %q, want %q", root, got, want)
		}
	}
	if about(nil) != "" {
		t.Error("something is told of a model that tells nothing")
	}
}
