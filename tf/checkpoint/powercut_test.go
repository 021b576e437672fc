package checkpoint

import (
	"errors"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prioritycut/prioritycut/internal/durable"
)

var errPowerCut = errors.New("power cut")

// powerCut is a file system whose power fails after so many calls. What was
// written until then is in a page cache: a file's contents are safe once the
// file is synced, a name once its folder is. strike then loses, by chance,
// what was not safe.
type powerCut struct {
	quick
	mu      sync.Mutex
	left    int
	dirty   map[string]bool // files with contents that are not safe
	pending []nameChange    // not safe, in order
	random  *rand.Rand
}

// nameChange is a renamed file or folder, or a new one when from is empty.
type nameChange struct{ from, to string }

func newPowerCut(calls int) *powerCut {
	return &powerCut{left: calls, dirty: map[string]bool{}, random: rand.New(rand.NewSource(int64(calls)))}
}

// call runs f unless the power is off.
func (p *powerCut) call(f func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left <= 0 {
		return errPowerCut
	}
	p.left--
	return f()
}

func (p *powerCut) Mkdir(path string) error {
	return p.call(func() error {
		p.pending = append(p.pending, nameChange{to: path})
		return p.quick.Mkdir(path)
	})
}

func (p *powerCut) Create(path string) (file durable.File, err error) {
	err = p.call(func() error {
		p.pending = append(p.pending, nameChange{to: path})
		p.dirty[path] = true
		f, err := p.quick.Create(path)
		file = powerCutFile{f, p, path}
		return err
	})
	return file, err
}

func (p *powerCut) Rename(from, to string) error {
	return p.call(func() error {
		if err := p.quick.Rename(from, to); err != nil {
			return err
		}
		p.move(from, to)
		p.pending = append(p.pending, nameChange{from, to})
		return nil
	})
}

// move renames what is remembered of a folder.
func (p *powerCut) move(from, to string) {
	moved := func(path string) string {
		if rest, err := filepath.Rel(from, path); err == nil && filepath.IsLocal(rest) {
			return filepath.Join(to, rest)
		}
		return path
	}
	dirty := map[string]bool{}
	for path := range p.dirty {
		dirty[moved(path)] = true
	}
	p.dirty = dirty
	for i, c := range p.pending {
		if c.from == "" {
			p.pending[i].to = moved(c.to)
		}
	}
}

// RemoveAll can stop half way through.
func (p *powerCut) RemoveAll(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil // nothing there
	}
	for _, e := range entries {
		if err := p.call(func() error { return os.RemoveAll(filepath.Join(path, e.Name())) }); err != nil {
			return err
		}
	}
	return p.call(func() error { return os.Remove(path) })
}

func (p *powerCut) SyncDir(path string) error {
	return p.call(func() error {
		p.pending = slices.DeleteFunc(p.pending, func(c nameChange) bool { return filepath.Dir(c.to) == path })
		return nil
	})
}

// powerCutFile is a file on a powerCut.
type powerCutFile struct {
	durable.File
	fs   *powerCut
	path string
}

// Write writes a part when the power fails.
func (f powerCutFile) Write(b []byte) (int, error) {
	err := f.fs.call(func() error { return nil })
	if err != nil {
		n, _ := f.File.Write(b[:len(b)/2])
		return n, err
	}
	return f.File.Write(b)
}

func (f powerCutFile) Sync() error {
	return f.fs.call(func() error {
		delete(f.fs.dirty, f.path)
		return nil
	})
}

// strike loses what was not safe, newest names first.
func (p *powerCut) strike(t *testing.T) {
	t.Helper()
	for path := range p.dirty {
		if info, err := os.Stat(path); err == nil && info.Size() > 0 {
			noError(t, os.Truncate(path, p.random.Int63n(info.Size())))
		}
	}
	for i := len(p.pending) - 1; i >= 0; i-- {
		if p.random.Intn(2) == 0 {
			continue // the kernel had written it anyway
		}
		c := p.pending[i]
		if c.from == "" {
			noError(t, os.RemoveAll(c.to))
		} else if os.Rename(c.to, c.from) != nil {
			noError(t, os.MkdirAll(c.from, 0o777)) // removed since: its name comes back empty
		}
	}
}

// TestPowerCut cuts the power at every call of a history of checkpoints. A
// folder with a checkpoint's name is always whole, and what was reported as
// saved is there.
func TestPowerCut(t *testing.T) {
	for calls := 0; ; calls++ {
		root := t.TempDir()
		fs := newPowerCut(calls)
		saved, broken, err := writeHistory(t, fs, root)
		if err != nil && !errors.Is(err, errPowerCut) {
			t.Fatalf("cut at call %d: %v", calls, err)
		}
		fs.strike(t)
		checkAfterCut(t, root, calls, saved, broken)
		if err == nil {
			t.Logf("the power was cut at %d places", calls)
			return
		}
		if t.Failed() {
			return
		}
	}
}

// writeHistory saves steps 1 to 4 and prunes, with step 3 damaged and saved
// anew in between. It returns the newest step reported as saved and whether
// step 3 may be found damaged.
func writeHistory(t *testing.T, fs durable.FileSystem, root string) (saved int64, broken bool, err error) {
	s := OpenStoreOn(fs, root)
	save := func(step int64) error {
		err := s.Save(step, someMeta(step), someGroups(t, step)...)
		if err == nil {
			saved = step
		}
		return err
	}
	for step := int64(1); step <= 3; step++ {
		if err := save(step); err != nil {
			return saved, false, err
		}
	}
	if _, err := s.Prune(2); err != nil {
		return saved, false, err
	}
	noError(t, os.Truncate(filepath.Join(s.Dir(3), "weights.safetensors"), 100))
	saved = 2
	if err := save(3); err != nil {
		return saved, true, err
	}
	if err := save(4); err != nil {
		return saved, false, err
	}
	_, err = s.Prune(1, 3)
	return saved, false, err
}

func checkAfterCut(t *testing.T, root string, calls int, saved int64, broken bool) {
	t.Helper()
	s := OpenStoreOn(quick{}, root)
	noError(t, s.Clean())
	have, err := s.Steps()
	noError(t, err)
	for _, step := range have {
		c, err := s.Open(step)
		if err != nil {
			if !broken || step != 3 {
				t.Errorf("cut at call %d: a broken folder has a checkpoint's name: %v", calls, err)
			}
			continue
		}
		if err := checkCheckpoint(c, someGroups(t, step)); err != nil {
			t.Errorf("cut at call %d: step %d: %v", calls, step, err)
		}
		noError(t, c.Close())
	}
	c, _, err := s.Latest()
	if err != nil {
		if saved > 0 || !errors.Is(err, ErrNone) {
			t.Errorf("cut at call %d, after step %d was saved: %v", calls, saved, err)
		}
		return
	}
	defer c.Close()
	if c.Step < saved {
		t.Errorf("cut at call %d: step %d was saved, the newest is %d", calls, saved, c.Step)
	}
	entries, err := os.ReadDir(root)
	noError(t, err)
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), damagedPrefix) })
	if len(entries) != len(have) {
		t.Errorf("cut at call %d: left behind: %v", calls, entries)
	}
}
