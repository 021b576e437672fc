package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

func TestDocumented(t *testing.T) { clitest.Documented(t, "../..", command().Command) }

// measure runs the program and returns its exit code and what it printed.
func measure(flags ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	p := command()
	p.Stdout, p.Stderr = &out, &errs
	code = p.Run(flags, p.run)
	return code, out.String(), errs.String()
}

func TestMeasure(t *testing.T) {
	dir := t.TempDir()
	frames, out := filepath.Join(dir, "frames"), filepath.Join(dir, "out")
	run := untrained(t, "prioritycut")
	code, stdout, stderr := measure("--checkpoint="+run, "--out="+out, "--num_videos=1", "--metric_on=png", "--write_frames="+frames, "--name=mine", "--device=cpu")
	if code != cli.ExitOK || stderr != "" {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	for _, want := range []string{"mine (prioritycut, step 1) on shapes: 24 frames of 1 video, 32x32 pixels", "PSNR ↑", "non salient", "--masks=truth", "AED: not measured", "summary.csv"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the report lacks %q:\n%s", want, stdout)
		}
	}
	again := filepath.Join(dir, "again")
	code, _, stderr = measure("--predictions="+frames, "--data=shapes", "--num_videos=1", "--out="+again, "--frame_rows=false", "--masks=none")
	if code != cli.ExitOK || stderr != "" {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}
	a, err := result.Read(out)
	if err != nil {
		t.Fatal(err)
	}
	b, err := result.Read(again)
	if err != nil {
		t.Fatal(err)
	}
	if a.Summary[0].Mean != b.Summary[0].Mean || !a.HasFrames || b.HasFrames || b.Summary[2].Mean.Known() {
		t.Errorf("the checkpoint has %+v, its frames %+v", a.Summary[0], b.Summary[0])
	}
	code, _, stderr = measure("--checkpoint="+run, "--out="+out, "--num_videos=1")
	if code != cli.ExitUsage || !strings.Contains(stderr, "metric_on (png, now float)") {
		t.Errorf("another protocol in the same folder: exit code %d, %s", code, stderr)
	}
}

func TestWrongFlags(t *testing.T) {
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chdir(t.TempDir()); err != nil { // without a default run
		t.Fatal(err)
	}
	defer func() {
		if err := os.Chdir(wd); err != nil {
			t.Error(err)
		}
	}()
	for _, c := range []struct {
		flags []string
		want  string
	}{
		{nil, "train it in minutes"},
		{[]string{"stray"}, `unexpected argument "stray"`},
		{[]string{"--checkpoint=nowhere"}, "nowhere"},
		{[]string{"--predictions=nowhere", "--data=shapes"}, "nowhere"},
		{[]string{"--predictions=x"}, "needs --data"},
		{[]string{"--checkpoint=x", "--saved_model=y"}, "give one of"},
		{[]string{"--checkpoint=x", "--num_videos=0"}, "at least 1"},
		{[]string{"--checkpoint=x", "--ssim_window=box"}, "uniform or gaussian"},
		{[]string{"--checkpoint=x", "--size=64by64"}, "WIDTHxHEIGHT"},
	} {
		code, stdout, stderr := measure(c.flags...)
		if code != cli.ExitUsage || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit code %d, %q lacks %q", c.flags, code, stderr, c.want)
		}
	}
	if left, err := filepath.Glob("evaluations/*"); err != nil || len(left) > 0 {
		t.Errorf("refused requests leave %v, %v", left, err)
	}
}

func TestSize(t *testing.T) {
	if w, h, err := parseSize("80x48"); w != 80 || h != 48 || err != nil {
		t.Errorf("%d, %d, %v", w, h, err)
	}
	if w, h, err := parseSize("64"); w != 64 || h != 64 || err != nil {
		t.Errorf("%d, %d, %v", w, h, err)
	}
}
