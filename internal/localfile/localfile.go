// Package localfile opens files and lists folders that people and other programs
// name, for reading. It is the one door for them: whatever may wait for ever,
// never end or do something when it is opened (pipes, sockets, devices) is
// refused before it is opened. And it is where tests put faults between readers
// and the disk (Watch).
package localfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// NotRegularError says that a path names something else than a regular file.
type NotRegularError struct {
	Path string
	// Kind is what it is: "a folder", "a pipe", ...
	Kind string
}

// Error names path and kind.
func (e *NotRegularError) Error() string {
	return fmt.Sprintf("%s is %s, not a regular file", e.Path, e.Kind)
}

// SizeError says that a file is larger than any of its purpose.
type SizeError struct {
	Path        string
	Bytes, Most int64
}

// Error names path and sizes.
func (e *SizeError) Error() string {
	return fmt.Sprintf("%s has %d bytes, more than the %d that are read", e.Path, e.Bytes, e.Most)
}

// Open opens a regular file for reading and returns its size in bytes. All else
// is a *NotRegularError, and is not opened: opening a pipe waits for its writer,
// and some devices act when they are opened. Links are followed.
func Open(path string) (*File, int64, error) {
	if err := ask("open", path); err != nil {
		return nil, 0, err
	}
	if err := Check(path); err != nil {
		return nil, 0, err
	}
	// What was looked at may have been replaced since: then at least nothing
	// waits, and no terminal takes over.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil {
		err = regular(path, info)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return &File{f, path}, info.Size(), nil
}

// Check reports what Open would refuse, for files that another program opens.
func Check(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return regular(path, info)
}

// Read reads a regular file of at most so many bytes; a larger one is a
// *SizeError.
func Read(path string, most int64) ([]byte, error) {
	f, size, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if size > most {
		return nil, &SizeError{path, size, most}
	}
	// It may grow while it is read, and some file systems say 0 for files that
	// they make up.
	data := make([]byte, 0, size+1)
	for limited := io.LimitReader(f, most+1); ; {
		n, err := limited.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case int64(len(data)) > most:
			return nil, &SizeError{path, int64(len(data)), most}
		case errors.Is(err, io.EOF):
			return data, nil
		case err != nil:
			return nil, err
		case len(data) == cap(data):
			data = append(data, 0)[:len(data)]
		}
	}
}

func regular(path string, info fs.FileInfo) error {
	if info.Mode().IsRegular() {
		return nil
	}
	return &NotRegularError{path, Kind(info.Mode())}
}

// Kind names what a mode is of: "a file", "a folder", "a pipe", "a socket", "a
// device", "something else".
func Kind(mode fs.FileMode) string {
	switch t := mode.Type(); {
	case t.IsRegular():
		return "a file"
	case t.IsDir():
		return "a folder"
	case t&fs.ModeNamedPipe != 0:
		return "a pipe"
	case t&fs.ModeSocket != 0:
		return "a socket"
	case t&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}
