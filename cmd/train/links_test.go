package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/rundir"
)

// linkedData is a data set of films behind links: its folder, that of its
// training videos and a test video are links, and two more lead nowhere and in a
// circle.
func linkedData(t *testing.T, elsewhere string) (path string) {
	t.Helper()
	all := filepath.Join(elsewhere, "all")
	films := filepath.Join(elsewhere, "films")
	for _, dir := range []string{films, filepath.Join(elsewhere, "of training"), filepath.Join(all, "test")} {
		must(t, os.MkdirAll(dir, 0o755))
	}
	for _, name := range []string{"a.mp4", "b.mp4", "c.mp4"} {
		film := filepath.Join(films, name)
		if out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=32x32:rate=10:duration=1", "-pix_fmt", "yuv420p", film).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s (these tests need ffmpeg in PATH)", err, out)
		}
	}
	path = filepath.Join(t.TempDir(), "data")
	must(t, os.Symlink(all, path))
	must(t, os.Symlink("../of training", filepath.Join(all, "train")))
	for link, to := range map[string]string{
		"of training/a.mp4": "../films/a.mp4", "of training/b.mp4": filepath.Join(films, "b.mp4"), "all/test/c.mp4": "../../films/c.mp4",
		"of training/gone.mp4": "nowhere", "of training/circle": ".",
	} {
		must(t, os.Symlink(to, filepath.Join(elsewhere, link)))
	}
	return path
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// moveBehind moves what lies at a path and leaves a link to it.
func moveBehind(t *testing.T, path, elsewhere string) {
	t.Helper()
	to, err := os.MkdirTemp(elsewhere, "moved-")
	must(t, err)
	to = filepath.Join(to, filepath.Base(path))
	must(t, os.Rename(path, to))
	must(t, os.Symlink(to, path))
}

// layBehindLinks lays a run's folder, its folders, its files and those of its
// checkpoint behind links, with files of somebody else's beside them, and a rotten
// checkpoint that is a link.
func layBehindLinks(t *testing.T, run, elsewhere string) {
	t.Helper()
	dir := rundir.Dir(run)
	files, err := filepath.Glob(filepath.Join(dir.Checkpoints(), "step-*", "*"))
	must(t, err)
	if len(files) < 4 {
		t.Fatalf("the checkpoint is %v", files)
	}
	for _, path := range append(files, dir.Config(), dir.Metrics(), dir.Summary(), dir.Curves(), dir.Readme()) {
		moveBehind(t, path, elsewhere)
	}
	rotten := filepath.Join(elsewhere, "rotten")
	must(t, os.Mkdir(rotten, 0o755))
	must(t, os.WriteFile(filepath.Join(rotten, "manifest.json"), []byte("{"), 0o644))
	must(t, os.Symlink(rotten, filepath.Join(dir.Checkpoints(), "step-00000009")))
	must(t, os.WriteFile(filepath.Join(elsewhere, "precious"), []byte("precious"), 0o644))
	must(t, os.Symlink(filepath.Join(elsewhere, "precious"), filepath.Join(run, ".tmp-left-1-1-1")))
	for _, path := range []string{dir.Checkpoints(), dir.Pictures(), dir.Events(), dir.Logs()} {
		for _, name := range []string{"mine.txt", ".mine", "step-1/mine.txt", "step-mine/mine.txt", "unseen-00000002.png.txt"} {
			must(t, os.MkdirAll(filepath.Dir(filepath.Join(path, name)), 0o755))
			must(t, os.WriteFile(filepath.Join(path, name), []byte("mine"), 0o644))
		}
		moveBehind(t, path, elsewhere)
	}
	moveBehind(t, run, elsewhere)
}

// unlinked are the checksums of the files below a folder that are no links, but for
// locks.
func unlinked(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() == ".lock" {
			return err
		}
		data, err := os.ReadFile(path)
		found[path] = fmt.Sprintf("%x", sha256.Sum256(data))
		return err
	}))
	return found
}

// TestLinks goes on with a run that lies behind links as a whole and in all its
// parts, on data that do. It ends with the same bits as one without links; folders
// behind links get what is new, and nothing that was there is changed, but for the
// checkpoint that the run itself had made and prunes.
func TestLinks(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	elsewhere := t.TempDir()
	data := linkedData(t, elsewhere)
	train := func(dir string, steps int, more ...string) (said string) {
		t.Helper()
		c, stdout, stderr := program(t, dir, append([]string{"--deterministic", fmt.Sprintf("--steps=%d", steps), "--data=" + data, "--set=keep_checkpoints=1", "--set=max_broken=0.5"}, more...)...)
		if err := c.Run(); err != nil {
			t.Fatalf("%v\n%s%s", err, stdout, stderr)
		}
		return stdout.String() + stderr.String()
	}
	plain, run := filepath.Join(t.TempDir(), "plain"), filepath.Join(t.TempDir(), "run")
	said := train(plain, 2)
	for _, name := range []string{"gone.mp4", "circle"} {
		if !strings.Contains(said, name) {
			t.Errorf("it does not say that %s cannot be read:\n%s", name, said)
		}
	}
	copyTree(t, plain, run)
	layBehindLinks(t, run, elsewhere)
	before := unlinked(t, elsewhere)
	train(plain, 3)
	train(run, 3)

	if diff := cmp.Diff(weightsOf(t, plain), weightsOf(t, run)); diff != "" {
		t.Errorf("behind links it ends with other weights: %s", diff)
	}
	after := unlinked(t, elsewhere)
	for path, sum := range before {
		if after[path] != sum {
			t.Errorf("%s is changed", path)
		}
	}
	dir := rundir.Dir(run)
	for _, path := range []string{run, dir.Checkpoints(), dir.Pictures(), dir.Events(), dir.Logs()} {
		if info, err := os.Lstat(path); err != nil || info.Mode()&os.ModeSymlink == 0 {
			t.Errorf("%s is no link any more: %v", path, err)
		}
	}
	aside := filepath.Join(dir.Checkpoints(), "damaged-step-00000009")
	if to, err := os.Readlink(aside); err != nil || to != filepath.Join(elsewhere, "rotten") {
		t.Errorf("the rotten checkpoint is %q, %v", to, err)
	}
	if _, err := os.Lstat(filepath.Join(dir.Checkpoints(), "step-00000002")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the older checkpoint is not pruned: %v", err)
	}
	before = unlinked(t, elsewhere)
	train(filepath.Join(t.TempDir(), "other"), 1, "--init_from="+run)
	if diff := cmp.Diff(before, unlinked(t, elsewhere)); diff != "" {
		t.Errorf("a run that began with its weights changed it: %s", diff)
	}
}

// TestLinkedCheckpointsAreLocked: a run whose checkpoints lead to those of another
// one does not write to them while that is at work.
func TestLinkedCheckpointsAreLocked(t *testing.T) {
	first, second := rundir.Dir(filepath.Join(t.TempDir(), "first")), rundir.Dir(filepath.Join(t.TempDir(), "second"))
	c, _, stderr := program(t, string(first), "--steps=1000000")
	must(t, c.Start())
	waitForSteps(t, first, 1, stderr)
	must(t, os.Mkdir(string(second), 0o755))
	must(t, os.Symlink(first.Checkpoints(), second.Checkpoints()))
	other, _, refusal := program(t, string(second), "--steps=1000000")
	if err := other.Run(); err == nil || !strings.Contains(refusal.String(), fmt.Sprintf("%s is in use by process %d", first, c.Process.Pid)) {
		t.Errorf("%v: %s", err, refusal)
	}
	must(t, c.Process.Kill())
	_ = c.Wait() // it was killed
}
