// Package localfile opens files that others made and this program will read
// by offset.
package localfile

import (
	"errors"
	"fmt"
	"os"
)

// ErrIrregular says that a path leads to something else than a regular file.
var ErrIrregular = errors.New("no regular file")

// Open opens a regular file for reading and returns its size in bytes.
// Pipes, sockets, devices and folders are refused: they have no size to check
// a header against, and opening a pipe waits for its writer.
func Open(path string) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s is %w", path, ErrIrregular)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	if info, err = f.Stat(); err != nil {
		f.Close()
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		f.Close()
		return nil, 0, fmt.Errorf("%s is %w", path, ErrIrregular)
	}
	return f, info.Size(), nil
}
