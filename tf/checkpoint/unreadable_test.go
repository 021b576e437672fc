package checkpoint

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/prioritycut/prioritycut/internal/fault"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// unreadable are ways in which a checkpoint is there and cannot be read, which
// says nothing about what is in it.
func unreadable() map[string]func(t *testing.T, s *Store, step int64) {
	replace := func(target string) func(t *testing.T, s *Store, step int64) {
		return func(t *testing.T, s *Store, step int64) {
			path := filepath.Join(s.Dir(step), "weights.safetensors")
			noError(t, os.Rename(path, path+".elsewhere"))
			noError(t, os.Symlink(target, path))
		}
	}
	ways := map[string]func(t *testing.T, s *Store, step int64){
		"link to nothing": replace("/mnt/not/mounted/weights.safetensors"),
		"link to itself":  replace("weights.safetensors"),
		"folder is a link to nothing": func(t *testing.T, s *Store, step int64) {
			noError(t, os.Rename(s.Dir(step), s.root+".elsewhere"))
			noError(t, os.Symlink("/mnt/not/mounted", s.Dir(step)))
		},
	}
	if os.Getuid() != 0 { // root may read everything
		ways["no permission"] = func(t *testing.T, s *Store, step int64) {
			noError(t, os.Chmod(filepath.Join(s.Dir(step), manifestName), 0))
		}
	}
	return ways
}

// TestUnreadableIsNoDamage looks for the newest checkpoint, saves and prunes
// while one cannot be read: it is never passed over, replaced or removed.
func TestUnreadableIsNoDamage(t *testing.T) {
	for name, make := range unreadable() {
		t.Run(name, func(t *testing.T) {
			old := quickStore(t)
			save(t, old, 1)
			save(t, old, 2)
			make(t, old, 2)
			s := OpenStoreOn(quick{}, old.root) // as the next process
			_, wrong, err := s.Latest()
			if err == nil || errors.Is(err, ErrNone) || isDamage(err) || wrong != nil {
				t.Errorf("latest: %v, damaged %v", err, wrong)
			}
			if err := s.Save(2, nil, someGroups(t, 2)...); err == nil || errors.Is(err, ErrExists) {
				t.Errorf("saved over it: %v", err)
			}
			save(t, s, 3)
			save(t, s, 4)
			if removed, err := s.Prune(1); err == nil || !slices.Equal(removed, []int64{1, 3}) {
				t.Errorf("removed %v, %v", removed, err)
			}
			if got := steps(t, s); !slices.Equal(got, []int64{2, 4}) {
				t.Errorf("left %v", got)
			}
		})
	}
	t.Run("all of them", func(t *testing.T) {
		root := filepath.Join(t.TempDir(), "checkpoints")
		noError(t, os.Symlink("/mnt/not/mounted", root))
		if _, _, err := OpenStoreOn(quick{}, root).Latest(); err == nil || errors.Is(err, ErrNone) {
			t.Errorf("a link to nothing: %v", err)
		}
	})
}

// TestRottenNeverCount has newer checkpoints of the right size whose contents
// rotted: what is saved after the last intact one stays.
func TestRottenNeverCount(t *testing.T) {
	old := quickStore(t)
	for _, step := range []int64{10, 20, 30, 40} {
		save(t, old, step)
	}
	for _, step := range []int64{20, 30, 40} {
		path := filepath.Join(old.Dir(step), "weights.safetensors")
		text, err := os.ReadFile(path)
		noError(t, err)
		text[len(text)-1] ^= 1
		noError(t, os.WriteFile(path, text, 0o666))
	}
	s := OpenStoreOn(quick{}, old.root)
	if step, wrong := latest(t, s); step != 10 || !slices.Equal(wrong, []int64{40, 30, 20}) {
		t.Fatalf("latest is %d, damaged %v", step, wrong)
	}
	save(t, s, 15)
	if removed, err := s.Prune(2); err != nil || removed != nil {
		t.Errorf("removed %v, %v", removed, err)
	}
	if step, wrong := latest(t, s); step != 15 || wrong != nil {
		t.Errorf("latest is %d, damaged %v", step, wrong)
	}
	for _, name := range []string{"20", "30", "40"} {
		if _, err := os.Stat(filepath.Join(s.root, "damaged-step-000000"+name, manifestName)); err != nil {
			t.Error(err)
		}
	}
}

// TestFaultAtEveryCallOfASave fails each call of saving and pruning, in each
// way. The error comes through; older checkpoints are intact; the next save
// succeeds, and after Clean nothing else is there.
func TestFaultAtEveryCallOfASave(t *testing.T) {
	faults := 0
	some := func(step int64) []Group {
		return []Group{{Name: "weights", Tensors: []NamedTensor{{"w", tftest.Of(t, []float32{float32(step), 2, 3}, 3)}}}}
	}
	for _, f := range []fault.Fault{{Err: syscall.ENOSPC}, {Err: syscall.ENOSPC, Short: true}, {Err: syscall.EIO}, {Err: syscall.EROFS}} {
		for n := 0; ; n++ {
			before := quickStore(t)
			for _, step := range []int64{1, 2} {
				noError(t, before.Save(step, nil, some(step)...))
			}
			fs := &fault.FS{Base: quick{}, Plan: fault.At(n, 1, f)}
			s := OpenStoreOn(fs, before.root)
			err := s.Save(3, someMeta(3), some(3)...)
			if err == nil {
				_, err = s.Prune(1)
			}
			calls := fs.Calls()
			if len(calls) <= n {
				noError(t, err)
				break
			}
			faults++
			if !errors.Is(err, f.Err) {
				t.Errorf("%v at call %d (%v): %v", f, n, calls[n], err)
			}
			c, wrong, err := OpenStoreOn(quick{}, before.root).Latest()
			noError(t, err)
			if err := checkCheckpoint(c, some(c.Step)); err != nil || c.Step < 2 || wrong != nil {
				t.Errorf("%v at call %d (%v): %v; latest is %d, damaged %v", f, n, calls[n], err, c.Step, wrong)
			}
			noError(t, c.Close())
			if err := s.Save(3, someMeta(3), some(3)...); err != nil && !errors.Is(err, ErrExists) {
				t.Errorf("again after call %d (%v): %v", n, calls[n], err)
			}
			noError(t, s.Clean())
			_, err = s.Prune(1)
			noError(t, err)
			entries, err := os.ReadDir(before.root)
			noError(t, err)
			c, err = s.Open(3)
			noError(t, err)
			if err := checkCheckpoint(c, some(3)); err != nil || len(entries) != 1 {
				t.Errorf("after call %d (%v): %v; there are %v", n, calls[n], err, entries)
			}
			noError(t, c.Close())
		}
	}
	t.Logf("%d faults", faults)
}

// A read that fails says nothing about what is on the disk: no checkpoint is
// passed over for it.
func TestFailedReadsAreNoDamage(t *testing.T) {
	old := quickStore(t)
	save(t, old, 1)
	save(t, old, 2)
	for _, keep := range [][]string{nil, {"weights", "optimizer"}} {
		failReads(t, old.root, keep)
	}
}

// failReads has each read fail once, one by one.
func failReads(t *testing.T, root string, keep []string) {
	read := func() error {
		c, wrong, err := OpenStore(root).Latest(keep...)
		if err != nil {
			if wrong != nil || errors.Is(err, ErrNone) || isDamage(err) {
				t.Errorf("taken for damage: %v, %v", err, wrong)
			}
			return err
		}
		defer c.Close()
		for _, group := range c.Groups() {
			if _, err := c.Tensors(group); err != nil {
				return err
			}
		}
		return nil
	}
	fault.EachRead(t, read, func(c fault.Call, err error) {
		if !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), filepath.Base(c.Path)) {
			t.Errorf("%v: %v", c, err)
		}
	})
	if err := read(); err != nil {
		t.Error(err)
	}
}
