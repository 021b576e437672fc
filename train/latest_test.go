package train

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/fault"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/internal/usage"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
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

// replaceInManifests changes the first such text in all manifests, and their
// checksums with it.
func replaceInManifests(d rundir.Dir, old, new string) error {
	paths, err := filepath.Glob(filepath.Join(d.Checkpoints(), "step-*", "manifest.json"))
	for _, path := range paths {
		data, readErr := os.ReadFile(path)
		text := strings.Replace(string(data), old, new, 1)
		if text == string(data) {
			readErr = errors.Join(readErr, errors.New(path+" has no "+old))
		}
		sum := fmt.Sprintf("%08x\n", crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli)))
		err = errors.Join(err, readErr, os.WriteFile(path, []byte(text), 0o666), os.WriteFile(path+".crc32c", []byte(sum), 0o666))
	}
	return err
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
			var usage *usage.Error
			if !errors.As(err, &usage) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "nothing was changed") {
				t.Errorf("got %v, want a refusal that names %q", err, test.want)
			}
			if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
				t.Error("the refused run was changed")
			}
		})
	}
	t.Run("of a newer program", func(t *testing.T) {
		for name, spoil := range map[string]func(d rundir.Dir) error{
			"checkpoint": func(d rundir.Dir) error { return replaceInManifests(d, `"format_version": 1,`, `"format_version": 2,`) },
			"notes": func(d rundir.Dir) error {
				return replaceInManifests(d, `    "format_version": 1,`, `    "format_version": 2,`)
			},
		} {
			dir := copyOf(t, made)
			if err := spoil(rundir.Dir(dir)); err != nil {
				t.Fatal(err)
			}
			before := tree(t, dir)
			err := Run(context.Background(), RunOptions{Config: longer, Dir: dir, Out: io.Discard})
			var usage *usage.Error
			if !errors.As(err, &usage) || !strings.Contains(err.Error(), "use a newer") {
				t.Errorf("%s: %v", name, err)
			}
			if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
				t.Errorf("%s: the refused run was changed", name)
			}
		}
	})
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
		f := &folder{dir: d, files: durableOS, store: checkpoint.OpenStore(d.Checkpoints())}
		if err := errors.Join(os.RemoveAll(d.Checkpoints()), os.Remove(d.Summary()), f.markUnsaved()); err != nil {
			t.Fatal(err)
		}
		complete(t, dir, longer)
		if f.unsaved() {
			t.Error("a run with checkpoints still says that it has none")
		}
	})
}

// TestFailedReads lets the disk fail while a run is gone on with: it stops with
// the file's name, and not a byte of it changes, or a video is left out, and
// that is told.
func TestFailedReads(t *testing.T) {
	made, data, features := t.TempDir(), films(t), writeVGG(t, 32, 0)
	sets := []string{"checkpoint_steps=1", "validation_videos=0", "dataset_params.root_dir=" + data, "vgg19.file=" + features}
	complete(t, made, tiny(t, model.FOMM, append(sets, "steps=3")...))
	longer := tiny(t, model.FOMM, append(sets, "steps=4")...)
	run := func(t *testing.T, pattern string) (dir string, err error) {
		dir = copyOf(t, made)
		before := tree(t, dir)
		files := &fault.FS{Plan: fault.On("read", pattern, fault.Fault{Err: syscall.EIO})}
		restore := files.Reads()
		err = Run(context.Background(), RunOptions{Config: longer, Dir: dir, Out: io.Discard})
		restore()
		if err != nil {
			if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
				t.Errorf("%s: it changes:\n%s", pattern, diff)
			}
		}
		return dir, err
	}
	for _, name := range []string{"manifest.json", "weights.safetensors", "optimizer.safetensors", "metrics.csv", "vgg.safetensors"} {
		if _, err := run(t, name); !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Of the five videos that are trained on the last two have such frames.
	if _, err := run(t, "009.png"); err != nil {
		t.Errorf("a frame: %v", err)
	}
}
