package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/prioritycut/prioritycut/internal/folderlock"
	"github.com/prioritycut/prioritycut/internal/localfile"
)

// Temp is a hidden file or folder of a name of its own. It is locked: the lock
// ends with the process, however that ends, and so tells whether anybody still
// writes here.
type Temp struct {
	Path string
	// File is open for reading and writing; of a folder it can only be synced.
	File *os.File
}

// NewFile makes an empty file in dir, called prefix and a number. Files of that
// prefix that belong to no living process are removed first. On a file system
// without locks they stay.
func NewFile(dir, prefix string) (*Temp, error) {
	return newTemp(dir, prefix, func() (*os.File, error) { return os.CreateTemp(dir, prefix) })
}

// NewFolder makes an empty folder as NewFile makes a file.
func NewFolder(dir, prefix string) (*Temp, error) {
	return newTemp(dir, prefix, func() (*os.File, error) {
		path, err := os.MkdirTemp(dir, prefix)
		if err != nil {
			return nil, err
		}
		f, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			err = errSwept
		}
		return f, err
	})
}

// errSwept says that another process took a new file for an abandoned one,
// before it was locked.
var errSwept = errors.New("another process removes it")

func newTemp(dir, prefix string, create func() (*os.File, error)) (*Temp, error) {
	sweepOnce(dir, prefix)
	const tries = 100
	var err error
	for i := 0; i < tries; i++ {
		var f *os.File
		if f, err = create(); err == nil {
			if err = own(f); err == nil {
				return &Temp{Path: f.Name(), File: f}, nil
			}
			f.Close()
		}
		if !errors.Is(err, errSwept) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s: %w", dir, err)
}

// own locks a new file. Where there are no locks nobody else can have one and
// remove it either.
func own(f *os.File) error {
	if errors.Is(folderlock.TryFile(f), unix.EWOULDBLOCK) || !isNamed(f) {
		return errSwept
	}
	return nil
}

// isNamed tells whether a file still has the name that it was opened by.
func isNamed(f *os.File) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(f.Name())
	return err == nil && os.SameFile(open, named)
}

// Publish syncs it, makes it readable for all, or for all who may read new
// folders, and gives it its final name, durably. A file takes the place of
// what is Replaceable only.
func (t *Temp) Publish(path string) error {
	// What is made aside is for its owner alone.
	mode := os.FileMode(0o644)
	if info, err := t.File.Stat(); err != nil {
		return err
	} else if info.IsDir() {
		mode = 0o755
	} else if err := Replaceable(path); err != nil {
		return err
	}
	if err := t.File.Chmod(mode); err != nil {
		return err
	}
	if err := t.File.Sync(); err != nil {
		return err
	}
	if err := os.Rename(t.Path, path); err != nil {
		return err
	}
	t.Path = ""
	return errors.Join(t.File.Close(), OS{}.SyncDir(filepath.Dir(path)))
}

// Remove removes it, unless it has its final name.
func (t *Temp) Remove() {
	if t.Path != "" {
		os.RemoveAll(t.Path)
		t.Path = ""
		t.File.Close()
	}
}

// swept are the folders and prefixes that this process has looked through: a
// program that writes thousands of files into a folder lists it once.
var swept sync.Map

func sweepOnce(dir, prefix string) {
	if _, done := swept.LoadOrStore([2]string{filepath.Clean(dir), prefix}, true); !done {
		sweep(dir, prefix)
	}
}

var (
	// number is what the system adds to the name of a Temp.
	number = regexp.MustCompile(`^[0-9]+$`)
	// unique is what UniqueName adds.
	unique = regexp.MustCompile(`^.*-[0-9]+-[0-9a-f]+-[0-9]+$`)
)

// sweep removes what no living process has locked. It is a service to whoever
// sees the folder: what cannot be removed stays.
func sweep(dir, prefix string) {
	entries, err := localfile.ReadDir(dir)
	if err != nil {
		return // whoever writes there will report that
	}
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), prefix)
		if !ours {
			continue
		}
		isTemp := number.MatchString(rest) && (e.IsDir() || e.Type().IsRegular())
		if isTemp || prefix == TempPrefix && unique.MatchString(rest) && e.Type().IsRegular() {
			removeAbandoned(filepath.Join(dir, e.Name()), e.IsDir())
		}
	}
}

func removeAbandoned(path string, isDir bool) {
	how := os.O_RDWR // some file systems lock only what may be written
	if isDir {
		how = os.O_RDONLY
	}
	f, err := os.OpenFile(path, how|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer f.Close()
	// Its name may have gone, or become the final one, between the two calls.
	if folderlock.TryFile(f) == nil && isNamed(f) {
		os.RemoveAll(path)
	}
}
