package durable

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/prioritycut/prioritycut/internal/localfile"
)

// TempPrefix begins the names of files and folders that are being written by
// Write or under UniqueName. They begin with a dot: whoever lists a folder for
// its contents passes over them.
const TempPrefix = ".tmp-"

// WriteFile replaces or makes a file with this content.
func WriteFile(path string, data []byte) error { return WriteFileOn(OS{}, path, data) }

// WriteFileOn is WriteFile on a file system of the caller's.
func WriteFileOn(fs FileSystem, path string, data []byte) error {
	return WriteOn(fs, path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Write replaces or makes a file with what write writes; small writes are
// gathered. The folder must exist. What is no regular file, such as /dev/null,
// is not replaced but a *localfile.NotRegularError.
func Write(path string, write func(io.Writer) error) error { return WriteOn(OS{}, path, write) }

// WriteOn is Write on a file system of the caller's.
func WriteOn(fs FileSystem, path string, write func(io.Writer) error) error {
	dir, name := filepath.Split(filepath.Clean(path))
	if dir == "" {
		dir = "."
	}
	if err := Replaceable(path); err != nil {
		return err
	}
	sweepOnce(dir, TempPrefix)
	temp := filepath.Join(dir, UniqueName(TempPrefix, name))
	f, err := fs.Create(temp)
	if err != nil {
		return err
	}
	if err := writeInto(f, write); err != nil {
		return errors.Join(err, fs.RemoveAll(temp))
	}
	return Publish(fs, temp, path)
}

// Replaceable reports what a file must not take the name of: a folder, or a
// pipe, socket or device, which whoever else uses it would lose. Renaming asks
// for leave to write in the folder only, and who runs as root has it in /dev.
func Replaceable(path string) error {
	err := localfile.Check(path)
	var other *localfile.NotRegularError
	if errors.As(err, &other) {
		return err
	}
	return nil // whoever writes there reports all else
}

// WriteNew makes a file in a folder that nobody looks at yet, and syncs it; one
// that exists is an error. The folder is published as a whole.
func WriteNew(fs FileSystem, path string, write func(io.Writer) error) error {
	f, err := fs.Create(path)
	if err != nil {
		return err
	}
	return writeInto(f, write)
}

// writeInto fills a new file, syncs and closes it.
func writeInto(f File, write func(io.Writer) error) error {
	b := bufio.NewWriterSize(f, 1<<16)
	err := write(b)
	if err == nil {
		err = b.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// Publish gives a finished, synced file or folder its name, durably; it is
// removed where that fails.
func Publish(fs FileSystem, temp, path string) error {
	if err := fs.Rename(temp, path); err != nil {
		return errors.Join(err, fs.RemoveAll(temp))
	}
	return fs.SyncDir(filepath.Dir(path))
}

var (
	nameCounter atomic.Int64
	processID   = fmt.Sprintf("%d-%x", os.Getpid(), time.Now().UnixNano())
)

// mostOfName is what a unique name has of another one: file systems take names of
// 255 bytes, and whoever is given one that long must be able to write it.
const mostOfName = 180

// UniqueName returns a name that no other process uses or has used.
func UniqueName(prefix, name string) string {
	name = name[:min(len(name), mostOfName)]
	return fmt.Sprintf("%s%s-%s-%d", prefix, name, processID, nameCounter.Add(1))
}
