package tf

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

	"github.com/prioritycut/prioritycut/internal/durable"
)

const (
	tempPrefix  = durable.TempPrefix
	trashPrefix = ".trash-"
)

// ErrNoCheckpoint says that a store has no intact checkpoint.
var ErrNoCheckpoint = errors.New("no intact checkpoint")

// ErrCheckpointExists says that a store has an intact checkpoint of a step.
var ErrCheckpointExists = errors.New("an intact checkpoint of this step exists")

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
}

// OpenStore returns the store under root. The folder is made by the first
// Save.
func OpenStore(root string) *Store { return OpenStoreOn(durable.OS{}, root) }

// OpenStoreOn is OpenStore with a file system of the caller's for all that is
// written.
func OpenStoreOn(fs durable.FileSystem, root string) *Store { return &Store{root: root, fs: fs} }

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
		return nil, nil
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
// ErrCheckpointExists; a damaged one is replaced. See WriteCheckpoint for meta
// and groups.
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
		if err := s.trash(dir); err != nil {
			return errors.Join(err, s.fs.RemoveAll(temp))
		}
	}
	return durable.Publish(s.fs, temp, dir)
}

// occupied reports whether a damaged folder has the step's name. An intact one
// is an error.
func (s *Store) occupied(step int64) (damaged bool, err error) {
	if _, err := os.Lstat(s.Dir(step)); err != nil {
		return false, nil
	}
	c, err := s.Open(step)
	if err == nil {
		c.Close()
		return false, ErrCheckpointExists
	}
	var newer *VersionError
	if errors.As(err, &newer) {
		return false, err
	}
	return true, nil
}

// Damaged is a checkpoint that Latest passed over.
type Damaged struct {
	Step int64
	Err  error
}

// Open opens and verifies the checkpoint of a step.
func (s *Store) Open(step int64) (*Checkpoint, error) {
	c, err := OpenCheckpoint(s.Dir(step))
	if err != nil {
		return nil, err
	}
	if c.Step != step {
		c.Close()
		return nil, fmt.Errorf("checkpoint %s: its manifest says step %d", s.Dir(step), c.Step)
	}
	return c, nil
}

// Latest opens the newest intact checkpoint. Newer ones that are damaged are
// reported, newest first: the caller tells the user. It is ErrNoCheckpoint
// when none is intact, and a *VersionError when a newer program wrote the
// newest one.
func (s *Store) Latest() (*Checkpoint, []Damaged, error) {
	steps, err := s.Steps()
	if err != nil {
		return nil, nil, err
	}
	slices.Reverse(steps)
	var damaged []Damaged
	for _, step := range steps {
		c, err := s.Open(step)
		if err == nil {
			return c, damaged, nil
		}
		var newer *VersionError
		if errors.As(err, &newer) {
			return nil, damaged, err
		}
		if _, gone := os.Lstat(s.Dir(step)); errors.Is(gone, iofs.ErrNotExist) {
			continue // pruned by the writer while we looked
		}
		damaged = append(damaged, Damaged{Step: step, Err: err})
	}
	return nil, damaged, fmt.Errorf("%w in %s", ErrNoCheckpoint, s.root)
}

// Prune removes all checkpoints but the newest ones and those of the steps in
// keep (the best, say), and returns the steps removed. Checkpoints whose
// manifest or file sizes are wrong do not count as newest; they are removed
// when they are older than all that do. Nothing is removed unless as many as
// newest remain.
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
		if seen < newest {
			if s.looksIntact(step) {
				seen++
			}
			continue
		}
		if slices.Contains(keep, step) {
			continue
		}
		if err := s.trash(s.Dir(step)); err != nil {
			errs = append(errs, fmt.Errorf("pruning checkpoint %s: %w", s.Dir(step), err))
			continue
		}
		removed = append(removed, step)
	}
	slices.Reverse(removed)
	return removed, errors.Join(errs...)
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
