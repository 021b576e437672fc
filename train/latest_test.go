package train

import (
	"context"
	"errors"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
)

// copyOf copies a folder.
func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "run")
	err := filepath.WalkDir(dir, func(path string, e iofs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		place := filepath.Join(to, strings.TrimPrefix(path, dir))
		if e.IsDir() {
			return os.MkdirAll(place, 0o777)
		}
		data, err := os.ReadFile(path)
		return errors.Join(err, os.WriteFile(place, data, 0o666))
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// tree lists what is in a folder, with contents and links; locks do not count.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e iofs.DirEntry, err error) error {
		if err != nil || e.Name() == ".lock" {
			return err
		}
		text := ""
		switch {
		case e.Type()&os.ModeSymlink != 0:
			text, err = os.Readlink(path)
		case e.Type().IsRegular():
			var data []byte
			data, err = os.ReadFile(path)
			text = string(data)
		}
		all[path] = text
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// eachWeights calls f for every checkpoint's weights.
func eachWeights(t *testing.T, dir string, f func(path string) error) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(rundir.Dir(dir).Checkpoints(), "step-*", "weights.safetensors"))
	if err != nil || len(paths) < 2 {
		t.Fatalf("%v, %v", paths, err)
	}
	for _, path := range paths {
		if err := f(path); err != nil {
			t.Fatal(err)
		}
	}
}

func rot(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	data[len(data)-1] ^= 1
	return os.WriteFile(path, data, 0o666)
}

// TestRunWithoutReadableCheckpoint goes on with runs whose checkpoints are lost
// or cannot be read: each is refused by name, and not a byte of it changes.
func TestRunWithoutReadableCheckpoint(t *testing.T) {
	made := t.TempDir()
	complete(t, made, tiny(t, model.FOMM, "steps=4", "checkpoint_steps=1", "keep_checkpoints=3"))
	longer := tiny(t, model.FOMM, "steps=6", "checkpoint_steps=1", "keep_checkpoints=3")
	tests := map[string]struct {
		spoil func(dir rundir.Dir) error
		want  string
	}{
		"folder of checkpoints is missing": {func(d rundir.Dir) error { return os.RemoveAll(d.Checkpoints()) }, "metrics.csv"},
		"folder of checkpoints is empty": {func(d rundir.Dir) error {
			return errors.Join(os.RemoveAll(d.Checkpoints()), os.Mkdir(d.Checkpoints(), 0o777))
		}, "metrics.csv"},
		"folder of checkpoints is a link to nothing": {func(d rundir.Dir) error {
			return errors.Join(os.RemoveAll(d.Checkpoints()), os.Symlink("/mnt/not/mounted", d.Checkpoints()))
		}, "not mounted"},
		"weights are links to nothing": {func(d rundir.Dir) error {
			eachWeights(t, string(d), func(path string) error {
				return errors.Join(os.Remove(path), os.Symlink("/mnt/not/mounted", path))
			})
			return nil
		}, "not mounted"},
		"all weights rotted": {func(d rundir.Dir) error {
			eachWeights(t, string(d), rot)
			return nil
		}, "step-00000004: "},
		"only a summary is left": {func(d rundir.Dir) error {
			return errors.Join(os.RemoveAll(d.Checkpoints()), os.Remove(d.Metrics()), os.RemoveAll(d.Pictures()))
		}, "summary.csv"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := copyOf(t, made)
			if err := test.spoil(rundir.Dir(dir)); err != nil {
				t.Fatal(err)
			}
			before := tree(t, dir)
			err := Run(context.Background(), RunOptions{Config: longer, Dir: dir, Out: io.Discard})
			var usage *cli.UsageError
			if !errors.As(err, &usage) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "nothing was changed") {
				t.Errorf("got %v, want a refusal that names %q", err, test.want)
			}
			if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
				t.Error("the refused run was changed")
			}
		})
	}
	t.Run("newest rotted", func(t *testing.T) {
		dir := copyOf(t, made)
		for _, step := range []string{"3", "4"} {
			if err := rot(filepath.Join(rundir.Dir(dir).Checkpoints(), "step-0000000"+step, "weights.safetensors")); err != nil {
				t.Fatal(err)
			}
		}
		complete(t, dir, longer)
		compareCheckpoints(t, dir, undisturbed(t, longer), 6)
		for _, step := range []string{"3", "4"} {
			if _, err := os.Stat(filepath.Join(rundir.Dir(dir).Checkpoints(), "damaged-step-0000000"+step)); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("killed before the first checkpoint", func(t *testing.T) {
		dir := copyOf(t, made)
		d := rundir.Dir(dir)
		f := &folder{dir: d, files: durableOS, store: tf.OpenStore(d.Checkpoints())}
		if err := errors.Join(os.RemoveAll(d.Checkpoints()), os.Remove(d.Summary()), f.markUnsaved()); err != nil {
			t.Fatal(err)
		}
		complete(t, dir, longer)
		if f.unsaved() {
			t.Error("a run with checkpoints still says that it has none")
		}
	})
}
