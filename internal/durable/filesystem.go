// Package durable writes files and folders that are there whole or not at all,
// whatever moment the process or the machine stops at.
//
// What is written grows under another name beside its place, is synced, then
// renamed, and then its folder is synced: when a call returns nil, a crash
// loses nothing of it, and until then what was there before is untouched.
//
// Write and WriteFile are for files that are written at once; Temp is for those
// that grow, and for folders. FileSystem is where tests put faults.
package durable

import (
	"errors"
	"io"
	iofs "io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/prioritycut/prioritycut/internal/localfile"
)

// FileSystem is what writing asks of a file system. Tests put faults between a
// writer and the real one.
type FileSystem interface {
	// MkdirAll makes a folder and those above it; one that exists is fine.
	MkdirAll(path string) error
	// Mkdir makes a folder; one that exists is an error.
	Mkdir(path string) error
	// Create makes a file for writing; one that exists is an error.
	Create(path string) (File, error)
	// Append opens an existing file for writing behind its end; a link is an error.
	Append(path string) (File, error)
	// Rename moves a file or folder; a folder with something in it at newPath
	// is an error.
	Rename(oldPath, newPath string) error
	// RemoveAll removes a file or a folder with all in it; nothing there is
	// fine.
	RemoveAll(path string) error
	// ReadDir lists a folder, sorted by name.
	ReadDir(path string) ([]iofs.DirEntry, error)
	// SyncDir makes the names in a folder durable.
	SyncDir(path string) error
}

// File is a file being written.
type File interface {
	io.WriteCloser
	// Sync makes the contents durable.
	Sync() error
	// Truncate cuts the file off behind so many bytes.
	Truncate(size int64) error
}

// OS is the operating system's file system.
type OS struct{}

// MkdirAll implements FileSystem.
func (OS) MkdirAll(path string) error { return os.MkdirAll(path, 0o777) }

// Mkdir implements FileSystem.
func (OS) Mkdir(path string) error { return os.Mkdir(path, 0o777) }

// Create implements FileSystem. The file is locked as long as it is open, so
// that whoever removes what killed processes left behind leaves it alone.
func (OS) Create(path string) (File, error) {
	const tries = 100
	var err error
	for range tries {
		var f *os.File
		if f, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666); err != nil {
			return nil, err // not f: a nil *os.File would make a non-nil File
		}
		if err = own(f); err == nil {
			return f, nil
		}
		f.Close() // its name has been taken from it: again
	}
	return nil, err
}

// Append implements FileSystem.
func (OS) Append(path string) (File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Rename implements FileSystem.
func (OS) Rename(oldPath, newPath string) error { return os.Rename(oldPath, newPath) }

// RemoveAll implements FileSystem.
func (OS) RemoveAll(path string) error { return os.RemoveAll(path) }

// ReadDir implements FileSystem.
func (OS) ReadDir(path string) ([]iofs.DirEntry, error) { return localfile.ReadDir(path) }

// SyncDir implements FileSystem.
func (OS) SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// MkdirAll makes a folder and those above it, and their names durable.
func MkdirAll(fs FileSystem, path string) error {
	var parents []string
	for dir := filepath.Clean(path); ; {
		if _, err := os.Stat(dir); err == nil {
			break
		} else if !errors.Is(err, iofs.ErrNotExist) {
			return err
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		parents = append(parents, parent)
		dir = parent
	}
	if len(parents) == 0 {
		return nil
	}
	if err := fs.MkdirAll(path); err != nil {
		return err
	}
	for _, parent := range parents {
		if err := fs.SyncDir(parent); err != nil {
			return err
		}
	}
	return nil
}
