package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	iofs "io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/prioritycut/prioritycut/internal/durable"
)

const (
	tempPrefix  = durable.TempPrefix
	trashPrefix = ".trash-"
	// damagedPrefix begins the names of checkpoints that were set aside.
	damagedPrefix = "damaged-"
)

// ErrNone says that a store has no intact checkpoint.
var ErrNone = errors.New("no intact checkpoint")

// ErrExists says that a store has an intact checkpoint of a step.
var ErrExists = errors.New("an intact checkpoint of this step exists")

// Store keeps checkpoints as folders `step-00000700` under one root. Readers
// may use a store while one process writes to it; two writers must exclude
// each other (folderlock.Acquire).
//
// A folder gets its name when all in it is on the disk, and loses it before
// anything in it is removed: whatever moment the process or the machine stops
// at, a folder of that name is complete.
type Store struct {
	root string
	fs   durable.FileSystem

	mu sync.Mutex
	// sound are steps whose checkpoints this process has written or verified.
	sound map[int64]bool
}

// OpenStore returns the store under root. The folder is made by the first
// Save.
func OpenStore(root string) *Store { return OpenStoreOn(durable.OS{}, root) }

// OpenStoreOn is OpenStore with a file system of the caller's for all that is
// written.
func OpenStoreOn(fs durable.FileSystem, root string) *Store {
	return &Store{root: root, fs: fs, sound: map[int64]bool{}}
}

// Dir returns the folder of a step.
func (s *Store) Dir(step int64) string {
	return filepath.Join(s.root, fmt.Sprintf("step-%08d", step))
}

// stepPattern is what Dir makes. Leading zeros beyond eight digits would give
// one step two names.
var stepPattern = regexp.MustCompile(`^step-([0-9]{8}|[1-9][0-9]{8,17})$`)

// Steps returns the steps that have a folder, in rising order, whether intact
// or not. A missing root has none.
func (s *Store) Steps() ([]int64, error) {
	entries, err := s.fs.ReadDir(s.root)
	if errors.Is(err, iofs.ErrNotExist) {
		if _, named := os.Lstat(s.root); errors.Is(named, iofs.ErrNotExist) {
			return nil, nil
		}
		err = fmt.Errorf("%w (the link leads nowhere: is a disk not mounted?)", err)
	}
	if err != nil {
		return nil, fmt.Errorf("listing checkpoints: %w", err)
	}
	var steps []int64
	for _, e := range entries {
		m := stepPattern.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		step, err := strconv.ParseInt(m[1], 10, 64)
		if err == nil {
			steps = append(steps, step)
		}
	}
	slices.Sort(steps)
	return steps, nil
}

// Save writes a checkpoint, durably: when it returns nil, a crash loses
// nothing of it. An intact checkpoint of the same step is left alone and is
// ErrExists; a damaged one is set aside; one that cannot be read is an
// error. See Write for meta and groups.
func (s *Store) Save(step int64, meta json.RawMessage, groups ...Group) error {
	if err := s.save(step, meta, groups); err != nil {
		return fmt.Errorf("saving checkpoint %s: %w", s.Dir(max(step, 0)), err)
	}
	return nil
}

func (s *Store) save(step int64, meta json.RawMessage, groups []Group) error {
	if err := checkGroups(step, meta, groups); err != nil {
		return err
	}
	damaged, err := s.occupied(step)
	if err != nil {
		return err
	}
	if err := durable.MkdirAll(s.fs, s.root); err != nil {
		return err
	}
	dir := s.Dir(step)
	temp, err := writeAside(s.fs, s.root, filepath.Base(dir), step, meta, groups)
	if err != nil {
		return err
	}
	if damaged {
		if _, err := s.SetAside(step); err != nil {
			return errors.Join(err, s.fs.RemoveAll(temp))
		}
	}
	if err := durable.Publish(s.fs, temp, dir); err != nil {
		return err
	}
	s.isSound(step)
	return nil
}

// occupied reports whether a damaged folder has the step's name. An intact one
// is an error, once its name is durable.
func (s *Store) occupied(step int64) (damaged bool, err error) {
	if _, err := os.Lstat(s.Dir(step)); errors.Is(err, iofs.ErrNotExist) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	c, err := s.Open(step)
	switch {
	case err == nil:
		c.Close()
		if err := s.fs.SyncDir(s.root); err != nil {
			return false, err
		}
		return false, ErrExists
	case isDamage(err):
		return true, nil
	}
	return false, err
}

func (s *Store) isSound(step int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sound[step] = true
}

// SetAside gives a damaged checkpoint another name, `damaged-step-00000700` and
// the like, by which it is never taken for a checkpoint, counted or removed. It
// returns the new path.
func (s *Store) SetAside(step int64) (string, error) {
	dir := s.Dir(step)
	for n := 1; ; n++ {
		place := filepath.Join(s.root, damagedPrefix+filepath.Base(dir))
		if n > 1 {
			place += fmt.Sprintf("-%d", n)
		}
		if _, err := os.Lstat(place); err == nil {
			continue
		} else if !errors.Is(err, iofs.ErrNotExist) {
			return "", err
		}
		if err := s.fs.Rename(dir, place); err != nil {
			return "", fmt.Errorf("setting a damaged checkpoint aside: %w", err)
		}
		return place, s.fs.SyncDir(s.root)
	}
}

// Damaged is a checkpoint that Latest passed over.
type Damaged struct {
	Step int64
	Err  error
}

// Open opens and verifies the checkpoint of a step; see Open for its
// errors.
func (s *Store) Open(step int64, keep ...string) (*Checkpoint, error) {
	c, err := Open(s.Dir(step), keep...)
	if err != nil {
		return nil, err
	}
	if c.Step != step {
		c.Close()
		return nil, damaged("checkpoint %s: its manifest says step %d", s.Dir(step), c.Step)
	}
	s.isSound(step)
	return c, nil
}

// Latest opens the newest intact checkpoint. Newer ones that are damaged are
// reported, newest first: the caller tells the user. It is ErrNone
// when none is intact. A newer one that cannot be read (permissions, a disk that
// does not answer, a link that leads nowhere) is an error, and so is one that a
// newer program wrote, a *VersionError: what is in it is not known to be lost. Groups
// to keep are as of Open.
func (s *Store) Latest(keep ...string) (*Checkpoint, []Damaged, error) {
	steps, err := s.Steps()
	if err != nil {
		return nil, nil, err
	}
	slices.Reverse(steps)
	var wrong []Damaged
	for _, step := range steps {
		c, err := s.Open(step, keep...)
		if err == nil {
			return c, wrong, nil
		}
		if _, gone := os.Lstat(s.Dir(step)); errors.Is(gone, iofs.ErrNotExist) {
			continue // pruned by the writer while we looked
		}
		if !isDamage(err) {
			return nil, wrong, err
		}
		wrong = append(wrong, Damaged{Step: step, Err: err})
	}
	return nil, wrong, fmt.Errorf("%w in %s", ErrNone, s.root)
}

// Prune removes all checkpoints but the newest ones and those of the steps in
// keep (the best, say), and returns the steps removed. Only intact ones count as
// newest: each is verified once by a process, unless that wrote it. Damaged ones
// are set aside, never removed, and what cannot be read is left as it is.
// Nothing is removed unless as many as newest remain.
func (s *Store) Prune(newest int, keep ...int64) ([]int64, error) {
	if newest < 1 {
		return nil, fmt.Errorf("pruning checkpoints: asked to keep the newest %d, want at least 1", newest)
	}
	steps, err := s.Steps()
	if err != nil {
		return nil, err
	}
	var removed []int64
	var errs []error
	for i, seen := len(steps)-1, 0; i >= 0; i-- {
		step := steps[i]
		sound, err := s.verified(step)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("pruning checkpoints: %s is left as it is: %w", s.Dir(step), err))
		case !sound:
		case seen < newest:
			seen++
		case !slices.Contains(keep, step):
			if err := s.trash(s.Dir(step)); err != nil {
				errs = append(errs, fmt.Errorf("pruning checkpoint %s: %w", s.Dir(step), err))
				continue
			}
			removed = append(removed, step)
		}
	}
	slices.Reverse(removed)
	return removed, errors.Join(errs...)
}

// verified reports whether a checkpoint is intact; a damaged one is set aside.
func (s *Store) verified(step int64) (bool, error) {
	s.mu.Lock()
	sound := s.sound[step]
	s.mu.Unlock()
	if sound && s.looksIntact(step) {
		return true, nil
	}
	c, err := s.Open(step)
	if err == nil {
		return true, c.Close()
	}
	if isDamage(err) {
		_, err = s.SetAside(step)
	}
	return false, err
}

// looksIntact checks a manifest and the files' sizes, but reads no tensors.
func (s *Store) looksIntact(step int64) bool {
	m, err := readManifest(s.Dir(step))
	if err != nil || m.Step != step {
		return false
	}
	for _, f := range m.Files {
		info, err := os.Lstat(filepath.Join(s.Dir(step), f.Name))
		if err != nil || !info.Mode().IsRegular() || info.Size() != f.Bytes {
			return false
		}
	}
	return true
}

// trash takes a folder its name and then removes it.
func (s *Store) trash(dir string) error {
	trash := filepath.Join(s.root, durable.UniqueName(trashPrefix, filepath.Base(dir)))
	if err := s.fs.Rename(dir, trash); err != nil {
		return err
	}
	if err := s.fs.SyncDir(s.root); err != nil {
		return err
	}
	return s.fs.RemoveAll(trash)
}

// Clean removes what interrupted writers left behind. Only the process that
// may write to the store calls it.
func (s *Store) Clean() error {
	entries, err := s.fs.ReadDir(s.root)
	if errors.Is(err, iofs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cleaning up checkpoints: %w", err)
	}
	var errs []error
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), tempPrefix) || strings.HasPrefix(e.Name(), trashPrefix) {
			errs = append(errs, s.fs.RemoveAll(filepath.Join(s.root, e.Name())))
		}
	}
	return errors.Join(errs...)
}
