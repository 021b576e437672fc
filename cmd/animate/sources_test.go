package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/dataset/samples"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/video"
)

// TestX2Face drives several pictures of a face; what keypoints would be needed
// for is refused by name.
func TestX2Face(t *testing.T) {
	dir := inputs(t)
	if err := tinymodel.WriteVariant(filepath.Join(dir, "x2face"), 1, model.X2Face); err != nil {
		t.Fatal(err)
	}
	flags := []string{"--checkpoint=x2face", "--source_image=source.png", "--source_image=frames/007.png", "--driving_video=frames"}
	out, _ := complete(t, dir, append(flags, "--result_video=driven")...)
	if !strings.Contains(out, "driven: 7 frames") {
		t.Errorf("it says\n%s", out)
	}
	for flag, want := range map[string]string{
		"--relative": "no keypoints", "--find_best_frame": "no keypoints", "--adapt_scale": "no keypoints", "--keypoints_csv=kp.csv": "no keypoints", "--keypoints": "x2face has no keypoints",
	} {
		p := start(t, dir, append(flags, flag)...)
		exit, _ := p.Run().(*exec.ExitError)
		if exit == nil || exit.ExitCode() != 2 || !strings.Contains(p.Errs.String(), want) {
			t.Errorf("%s: want %q:\n%s", flag, want, &p.Errs)
		}
	}
}

// Pairs and the clip take several frames of a source, where the model does;
// they are part of what results of pairs follow from.
func TestSourceFrames(t *testing.T) {
	dir := inputs(t)
	if err := tinymodel.WriteVariant(filepath.Join(dir, "x2face"), 1, model.X2Face); err != nil {
		t.Fatal(err)
	}
	for clip, frames := range map[string]string{"test/a": "6", "test/b": "2", "train/c": "2"} {
		clip = filepath.Join(dir, "data", clip)
		if err := os.MkdirAll(clip, 0o777); err != nil {
			t.Fatal(err)
		}
		ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=size=32x32:rate=1:duration="+frames, filepath.Join(clip, "%03d.png"))
	}
	if err := os.WriteFile(filepath.Join(dir, "pairs.csv"), []byte("source,driving\na,b\nb,a\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	pairs := []string{"--checkpoint=x2face", "--data=data", "--pairs=pairs.csv", "--format=png"}
	complete(t, dir, append(pairs, "--out=one")...)
	complete(t, dir, append(pairs, "--out=three", "--source_frames=3")...)
	// The same by hand: frames 0, 2 and 4 of six.
	complete(t, dir, "--checkpoint=x2face", "--driving_video=data/test/b", "--result_video=hand/",
		"--source_image=data/test/a/001.png", "--source_image=data/test/a/003.png", "--source_image=data/test/a/005.png")
	read := func(path string) string {
		text, err := os.ReadFile(filepath.Join(dir, path))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	frame := "/" + strings.Fields(files(t, filepath.Join(dir, "hand")))[1]
	if three := read("three/b-a" + frame); three != read("hand"+frame) || three == read("one/b-a"+frame) {
		t.Error("three frames of a source are not what they are by hand, or are one")
	}
	complete(t, dir, "--checkpoint=x2face", "--data=data", "--source_frames=2", "--result_video=clip.mp4")
	for _, c := range []struct{ flags, want string }{
		{"--checkpoint=x2face --data=data --pairs=pairs.csv --out=three", "other flags"},
		{"--checkpoint=" + run + " --data=data --pairs=pairs.csv --source_frames=2 --out=x", "takes one picture"},
		{"--checkpoint=" + run + " --data=data --source_frames=2", "takes one picture"},
		{"--checkpoint=x2face --pairs --source_frames=0", "--source_frames=0"},
		{"--checkpoint=x2face --source_image=source.png --driving_video=frames --source_frames=2", "about test videos"},
	} {
		p := start(t, dir, strings.Fields(c.flags)...)
		exit, _ := p.Run().(*exec.ExitError)
		if exit == nil || exit.ExitCode() != 2 || !strings.Contains(p.Errs.String(), c.want) {
			t.Errorf("%s: want %q:\n%s", c.flags, c.want, &p.Errs)
		}
	}
}

// A sample stands for its film as driving video, and for the film's first frame as
// source.
func TestSamples(t *testing.T) {
	dir := inputs(t)
	film := filepath.Join(dir, "driving.mp4")
	p := command()
	var asked []string
	p.sample = func(_ context.Context, name string) (string, error) {
		asked = append(asked, name)
		return film, nil
	}
	ctx := context.Background()
	if path, err := p.file(ctx, "sample:bikes"); path != film || err != nil {
		t.Errorf("the driving video is %q, %v", path, err)
	}
	if path, err := p.file(ctx, "bikes"); path != "bikes" || err != nil {
		t.Errorf("a file of that name is %q, %v", path, err)
	}
	got, err := p.sourcePicture(ctx, "sample:talking-head")
	if err != nil {
		t.Fatal(err)
	}
	r, err := video.OpenFilm(ctx, film, video.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if first, err := r.Next(); err != nil || !bytes.Equal(first.Pix, got.Pix) {
		t.Errorf("the source is another picture than the first frame, %v", err)
	}
	if strings.Join(asked, " ") != "bikes talking-head" {
		t.Errorf("fetched were %v", asked)
	}
}

// Samples that cannot be fetched, and those that there are not, are named with what
// to type; nothing is made.
func TestSamplesThatCannotBeFetched(t *testing.T) {
	dir, bin := inputs(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "python3"), []byte("#!/bin/sh\necho no network >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv(samples.WheelVariable, "")
	for sample, wants := range map[string][]string{
		"sample:bunny": {"sample bunny", "no network", samples.WheelVariable}, "sample:nobody": {`"nobody"`, "bikes, bunny, talking-head"},
	} {
		p := start(t, dir, "--checkpoint="+run, "--source_image=source.png", "--driving_video="+sample, "--result_video=none.mp4")
		exit, _ := p.Run().(*exec.ExitError)
		for _, want := range wants {
			if exit == nil || !strings.Contains(p.Errs.String(), want) {
				t.Errorf("%s: want %q:\n%s", sample, want, &p.Errs)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "none.mp4")); err == nil {
			t.Errorf("%s: a film is there", sample)
		}
	}
}
