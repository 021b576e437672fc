package tf

import (
	"io"
	"io/fs"
	"os"
)

// FileSystem is what writing checkpoints asks of a file system. Tests put
// faults between the store and the real one.
type FileSystem interface {
	// MkdirAll makes a folder and those above it; one that exists is fine.
	MkdirAll(path string) error
	// Mkdir makes a folder; one that exists is an error.
	Mkdir(path string) error
	// Create makes a file for writing; one that exists is an error.
	Create(path string) (WriteFile, error)
	// Rename moves a file or folder; a folder with something in it at newPath
	// is an error.
	Rename(oldPath, newPath string) error
	// RemoveAll removes a file or a folder with all in it; nothing there is
	// fine.
	RemoveAll(path string) error
	// ReadDir lists a folder, sorted by name.
	ReadDir(path string) ([]fs.DirEntry, error)
	// SyncDir makes the names in a folder durable.
	SyncDir(path string) error
}

// WriteFile is a file being written.
type WriteFile interface {
	io.WriteCloser
	// Sync makes the contents durable.
	Sync() error
}

// OSFileSystem is the operating system's file system.
type OSFileSystem struct{}

// MkdirAll implements FileSystem.
func (OSFileSystem) MkdirAll(path string) error { return os.MkdirAll(path, 0o777) }

// Mkdir implements FileSystem.
func (OSFileSystem) Mkdir(path string) error { return os.Mkdir(path, 0o777) }

// Create implements FileSystem.
func (OSFileSystem) Create(path string) (WriteFile, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, err // not f: a nil *os.File would make a non-nil WriteFile
	}
	return f, nil
}

// Rename implements FileSystem.
func (OSFileSystem) Rename(oldPath, newPath string) error { return os.Rename(oldPath, newPath) }

// RemoveAll implements FileSystem.
func (OSFileSystem) RemoveAll(path string) error { return os.RemoveAll(path) }

// ReadDir implements FileSystem.
func (OSFileSystem) ReadDir(path string) ([]fs.DirEntry, error) { return os.ReadDir(path) }

// SyncDir implements FileSystem.
func (OSFileSystem) SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	return err
}
