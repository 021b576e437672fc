// Package fault puts faults between a writer or reader and its file system, for
// tests: any call can fail, once, for a while or from then on for ever, and a
// write can come to half of what it was asked for. What is written goes through
// an FS; what is read goes through package localfile, which Reads makes ask an
// FS.
package fault

import (
	iofs "io/fs"
	"path/filepath"
	"sync"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/localfile"
)

// Call is one call of a file system.
type Call struct {
	// Op is "mkdir", "create", "append", "write", "sync", "truncate", "close",
	// "rename", "remove", "list" or "syncdir"; where Reads was called, "open" or
	// "read" too.
	Op string
	// Path is what it is about; of a rename the new name.
	Path string
}

// Fault is what happens instead of a call.
type Fault struct {
	// Err is returned.
	Err error
	// Short lets the first half of a write happen before it fails.
	Short bool
}

// FS is a file system that counts its calls, and fails where Plan says so.
type FS struct {
	// Base does the work; nil is the operating system.
	Base durable.FileSystem
	// Plan is asked before each call, numbered from 0; nil lets it happen. It
	// must not be changed while calls are made.
	Plan func(n int, c Call) *Fault
	// Quick leaves out the waiting for the disk.
	Quick bool

	mu    sync.Mutex
	calls []Call
}

// At returns a plan that fails the n-th call, and the times-1 calls behind it.
func At(n, times int, f Fault) func(int, Call) *Fault {
	return func(i int, _ Call) *Fault {
		if i >= n && i < n+times {
			return &f
		}
		return nil
	}
}

// On returns a plan that fails calls of an operation on files whose name
// matches a pattern of filepath.Match.
func On(op, pattern string, f Fault) func(int, Call) *Fault {
	return func(_ int, c Call) *Fault {
		if named, err := filepath.Match(pattern, filepath.Base(c.Path)); err == nil && named && (op == "" || op == c.Op) {
			return &f
		}
		return nil
	}
}

// Reads lets the plan fail what is read through package localfile as well, in
// all of this process, until restore is called.
func (f *FS) Reads() (restore func()) {
	return localfile.Watch(func(op, path string) error {
		if bad := f.fault(op, path); bad != nil {
			return bad.Err
		}
		return nil
	})
}

// Calls returns all calls so far.
func (f *FS) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Call(nil), f.calls...)
}

func (f *FS) base() durable.FileSystem {
	if f.Base == nil {
		return durable.OS{}
	}
	return f.Base
}

// fault notes a call and returns what is to happen instead of it.
func (f *FS) fault(op, path string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := Call{Op: op, Path: path}
	n := len(f.calls)
	f.calls = append(f.calls, c)
	if f.Plan == nil {
		return nil
	}
	return f.Plan(n, c)
}

func (f *FS) do(op, path string, call func() error) error {
	if bad := f.fault(op, path); bad != nil {
		return &iofs.PathError{Op: op, Path: path, Err: bad.Err}
	}
	return call()
}

// MkdirAll implements durable.FileSystem.
func (f *FS) MkdirAll(path string) error {
	return f.do("mkdir", path, func() error { return f.base().MkdirAll(path) })
}

// Mkdir implements durable.FileSystem.
func (f *FS) Mkdir(path string) error {
	return f.do("mkdir", path, func() error { return f.base().Mkdir(path) })
}

// Create implements durable.FileSystem.
func (f *FS) Create(path string) (durable.File, error) {
	return f.open("create", path, f.base().Create)
}

// Append implements durable.FileSystem.
func (f *FS) Append(path string) (durable.File, error) {
	return f.open("append", path, f.base().Append)
}

func (f *FS) open(op, path string, open func(string) (durable.File, error)) (file durable.File, err error) {
	err = f.do(op, path, func() error {
		opened, err := open(path)
		if err == nil {
			file = &faultFile{File: opened, fs: f, path: path}
		}
		return err
	})
	return file, err
}

// Rename implements durable.FileSystem.
func (f *FS) Rename(oldPath, newPath string) error {
	return f.do("rename", newPath, func() error { return f.base().Rename(oldPath, newPath) })
}

// RemoveAll implements durable.FileSystem.
func (f *FS) RemoveAll(path string) error {
	return f.do("remove", path, func() error { return f.base().RemoveAll(path) })
}

// ReadDir implements durable.FileSystem.
func (f *FS) ReadDir(path string) (entries []iofs.DirEntry, err error) {
	err = f.do("list", path, func() error {
		var err error
		entries, err = f.base().ReadDir(path)
		return err
	})
	return entries, err
}

// SyncDir implements durable.FileSystem.
func (f *FS) SyncDir(path string) error {
	return f.do("syncdir", path, func() error {
		if f.Quick {
			return nil
		}
		return f.base().SyncDir(path)
	})
}

// faultFile is a file of an FS.
type faultFile struct {
	durable.File
	fs   *FS
	path string
}

// Write implements io.Writer.
func (f *faultFile) Write(p []byte) (int, error) {
	bad := f.fs.fault("write", f.path)
	if bad == nil {
		return f.File.Write(p)
	}
	n := 0
	if bad.Short {
		n, _ = f.File.Write(p[:len(p)/2])
	}
	return n, &iofs.PathError{Op: "write", Path: f.path, Err: bad.Err}
}

// Sync implements durable.File.
func (f *faultFile) Sync() error {
	return f.fs.do("sync", f.path, func() error {
		if f.fs.Quick {
			return nil
		}
		return f.File.Sync()
	})
}

// Truncate implements durable.File.
func (f *faultFile) Truncate(size int64) error {
	return f.fs.do("truncate", f.path, func() error { return f.File.Truncate(size) })
}

// Close implements io.Closer. The file is closed in any case, as the system
// does it.
func (f *faultFile) Close() error {
	bad := f.fs.fault("close", f.path)
	err := f.File.Close()
	if bad != nil {
		return &iofs.PathError{Op: "close", Path: f.path, Err: bad.Err}
	}
	return err
}
