// Package folderlock gives one process at a time the right to write to a folder.
package folderlock

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lockName is the lock file in a run directory. It stays when the lock is
// released, so that the next process finds it.
const lockName = ".lock"

// Lock is the exclusive right to write to a folder.
type Lock struct{ file *os.File }

// lockHolder is what the holder writes into the lock file.
type lockHolder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Since   time.Time `json:"since"`
	Command string    `json:"command"`
}

// LockedError says that another process has the lock.
type LockedError struct {
	// Dir is the folder.
	Dir string
	// Holder describes the process, as far as it is known.
	Holder string
}

// Error implements error.
func (e *LockedError) Error() string {
	return fmt.Sprintf("%s is in use by %s: wait for it, stop it, or choose another folder", e.Dir, e.Holder)
}

// Acquire locks an existing folder. It does not wait: when another process has
// the lock, the error is a *LockedError that names it. The system releases the
// lock when the process ends, however it ends.
func Acquire(dir string) (*Lock, error) { return acquire(filepath.Join(dir, lockName), dir) }

// AcquireFor locks the name of a file or folder that is to be made, as Acquire
// locks a folder, by a hidden file beside it; folders above it are made. Discard
// ends it.
func AcquireFor(path string) (*Lock, error) {
	path = filepath.Clean(path)
	parent := filepath.Dir(path)
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return nil, err
	}
	return acquire(filepath.Join(parent, "."+filepath.Base(path)+lockName), path)
}

// acquire locks what dir names by the file at path.
func acquire(path, dir string) (*Lock, error) {
	var f *os.File
	for named := false; !named; {
		var err error
		if f, err = openLocked(path, dir); err != nil {
			return nil, err
		}
		// A file that was discarded between the two calls locks nothing: the
		// next process makes another of that name.
		if named = names(path, f); !named {
			f.Close()
		}
	}
	l := &Lock{file: f}
	if err := l.sign(); err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", dir, err), f.Close())
	}
	return l, nil
}

// openLocked opens the lock file of a folder and locks it.
func openLocked(path, dir string) (*os.File, error) {
	// It is written to: in a folder that somebody else has made it may be a link to
	// a file that is dear to us.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o666)
	if errors.Is(err, unix.ELOOP) {
		return nil, fmt.Errorf("locking %s: %s is a link, which no program of ours has made: remove it", dir, path)
	}
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	err = TryFile(f)
	if err == nil {
		return f, nil
	}
	defer f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, &LockedError{Dir: dir, Holder: describeHolder(f)}
	}
	return nil, fmt.Errorf("locking %s: %w (does its file system have locks?)", path, err)
}

// names reports whether path is the name of the open file.
func names(path string, f *os.File) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && os.SameFile(open, info)
}

// TryFile locks an open file without waiting: unix.EWOULDBLOCK says that another
// one has it. The lock ends with the file.
func TryFile(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// sign writes who has the lock, for the message that others get.
func (l *Lock) sign() error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	text, err := json.Marshal(lockHolder{PID: os.Getpid(), Host: host, Since: time.Now().UTC().Truncate(time.Second), Command: filepath.Base(os.Args[0])})
	if err != nil {
		return err
	}
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err = l.file.WriteAt(append(text, '\n'), 0)
	return err
}

// maxHolder bounds what is read of a lock file.
const maxHolder = 4096

func describeHolder(f *os.File) string {
	text, err := io.ReadAll(io.NewSectionReader(f, 0, maxHolder))
	if err != nil {
		return "another process"
	}
	var h lockHolder
	if json.Unmarshal(text, &h) != nil || h.PID == 0 {
		return "another process" // it has locked, but not signed yet
	}
	return fmt.Sprintf("process %d (%.80q) on %.80s since %s", h.PID, h.Command, h.Host, h.Since.Format("2006-01-02 15:04:05 MST"))
}

// Unlock releases the lock. Unlocking twice is fine.
func (l *Lock) Unlock() error {
	if l == nil || l.file == nil {
		return nil
	}
	f := l.file
	l.file = nil
	return errors.Join(f.Truncate(0), f.Close())
}

// Discard removes the lock file and releases the lock, for a folder that is to
// be removed.
func (l *Lock) Discard() error {
	if l == nil || l.file == nil {
		return nil
	}
	// While it is locked: who locks it later sees that its name is gone.
	err := os.Remove(l.file.Name())
	return errors.Join(err, l.Unlock())
}
