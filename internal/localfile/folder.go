package localfile

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
)

// ReadDir lists a folder, sorted by name, as os.ReadDir does; but what is no
// folder is an error that wraps syscall.ENOTDIR, and is not opened: os.ReadDir
// waits for the writer of a pipe for ever.
func ReadDir(path string) ([]fs.DirEntry, error) {
	if err := ask("list", path); err != nil {
		return nil, err
	}
	d, err := os.OpenFile(path, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	entries, err := d.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}
