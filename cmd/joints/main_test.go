package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/evaluate/joints"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

func TestDocumented(t *testing.T) { clitest.Documented(t, "../..", command().Command) }

// run is the program with flags, as from a shell.
func run(t *testing.T, ctx context.Context, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	p := command()
	var out, errs bytes.Buffer
	p.Stdout, p.Stderr = &out, &errs
	code = p.Run(args, func([]string) error { return p.run(ctx) })
	return code, out.String(), errs.String()
}

func TestDetectorOnDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sub", "detector")
	args := []string{"--data=shapes:people", "--size=48x32", "--steps=3", "--batch=2", "--held_out=5", "--device=cpu", "--seed=2", "--out=" + dir}
	code, out, errs := run(t, context.Background(), args...)
	if code != cli.ExitOK {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	for _, want := range []string{"step 3/3", "pixels off per coordinate", "5 frames", "--keypoint_model=" + dir} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	text, err := savedmodel.Extra(dir, joints.DescriptionName)
	if err != nil {
		t.Fatal(err)
	}
	var d joints.Description
	if err := json.Unmarshal(text, &d); err != nil || d.Width != 48 || d.Height != 32 || d.Steps != 3 || d.Seed != 2 || d.HeldOut.Frames != 5 || d.TrainedOn != "shapes:people" {
		t.Errorf("description %+v, %v", d, err)
	}
	// The second time the name is taken.
	if code, _, errs = run(t, context.Background(), args...); code != cli.ExitUsage || !strings.Contains(errs, "exists") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

func TestStoppedWritesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	folder := t.TempDir()
	code, _, errs := run(t, ctx, "--size=32", "--steps=5", "--batch=2", "--device=cpu", "--out="+filepath.Join(folder, "d"))
	if code != cli.ExitFailed || !strings.Contains(errs, "nothing was written") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestWrongFlags(t *testing.T) {
	for _, c := range []struct{ flag, want string }{
		{"--size=huge", "WIDTHxHEIGHT"}, {"--size=60", "multiples of 16"}, {"--size=64x", "WIDTHxHEIGHT"},
		{"--data=films", "program detectors"}, {"--data=shapes:ghosts", "ghosts"}, {"--data=shapes@7", "--seed"}, {"--steps=0", "number of steps"}, {"--device=toaster", "toaster"},
	} {
		code, _, errs := run(t, context.Background(), c.flag, "--out="+filepath.Join(t.TempDir(), "d"))
		if code != cli.ExitUsage || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit code %d: %s", c.flag, code, errs)
		}
	}
}
