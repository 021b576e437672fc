package localfile

import (
	"io/fs"
	"os"
	"sync/atomic"
)

// File is a file that is open for reading.
type File struct {
	file *os.File
	path string
}

// Name is the path that it was opened by.
func (f *File) Name() string { return f.path }

// Read implements io.Reader.
func (f *File) Read(p []byte) (int, error) {
	if err := ask("read", f.path); err != nil {
		return 0, err
	}
	return f.file.Read(p)
}

// ReadAt implements io.ReaderAt.
func (f *File) ReadAt(p []byte, offset int64) (int, error) {
	if err := ask("read", f.path); err != nil {
		return 0, err
	}
	return f.file.ReadAt(p, offset)
}

// Seek implements io.Seeker.
func (f *File) Seek(offset int64, whence int) (int64, error) { return f.file.Seek(offset, whence) }

// Stat describes the open file.
func (f *File) Stat() (fs.FileInfo, error) { return f.file.Stat() }

// Close implements io.Closer.
func (f *File) Close() error { return f.file.Close() }

// watcher is asked before anything is read; nil outside of tests.
var watcher atomic.Pointer[func(op, path string) error]

// Watch lets a test see, and fail, what is about to be read: op is "open",
// "read" or "list". Until it is called again with the function that it returns,
// all of this process asks watch. package fault is built on it.
func Watch(watch func(op, path string) error) (restore func()) {
	was := watcher.Swap(&watch)
	return func() { watcher.Store(was) }
}

func ask(op, path string) error {
	watch := watcher.Load()
	if watch == nil {
		return nil
	}
	if err := (*watch)(op, path); err != nil {
		return &fs.PathError{Op: op, Path: path, Err: err}
	}
	return nil
}
