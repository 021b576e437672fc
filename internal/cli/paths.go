package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/prioritycut/prioritycut/internal/localfile"
)

// PathUse is what a program does with the path that a flag takes.
type PathUse int

// The uses of paths.
const (
	Input        PathUse = iota + 1 // a file or folder is read
	OutputFile                      // a file is written, or replaced
	OutputFolder                    // files are written into a folder, which is made
	Output                          // one of both, by name
)

// Paths says that flags take paths. Of what is typed for them the program
// refuses what no path of such use can be, before it begins: pipes, sockets and
// devices, which it would wait for or replace, and where nothing can be written.
// That a file of input is missing, or is not what it should be, is left to who
// reads it, and so are words that some flags take in a path's place.
func (c *Command) Paths(use PathUse, flags ...string) {
	if c.paths == nil {
		c.paths = map[string]PathUse{}
	}
	for _, name := range flags {
		c.paths[name] = use
	}
}

// PathFlags are the flags that take paths, with their use.
func (c *Command) PathFlags() map[string]PathUse { return c.paths }

// TextFlags are the names of the flags that take texts, paths among them,
// without those of the log.
func (c *Command) TextFlags() (names []string) {
	c.flags.VisitAll(func(f *pflag.Flag) {
		_, list := f.Value.(pflag.SliceValue)
		if (list && strings.HasPrefix(f.Value.Type(), "string") || f.Value.Type() == "string") && f.Name != logDir {
			names = append(names, f.Name)
		}
	})
	slices.Sort(names)
	return names
}

// checkPaths looks at the paths that were typed.
func (c *Command) checkPaths() (err error) {
	c.flags.Visit(func(f *pflag.Flag) {
		use, ok := c.paths[f.Name]
		if !ok {
			return
		}
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, path := range values {
			if bad := checkPath(path, use); bad != nil && err == nil {
				err = fmt.Errorf("--%s: %w", f.Name, bad)
			}
		}
	})
	return err
}

// checkPath says why a path cannot be used so.
func checkPath(path string, use PathUse) error {
	if path == "" {
		return nil // as good as not given
	}
	info, err := os.Stat(path)
	if err == nil {
		return checkKind(path, info.Mode(), use)
	}
	if use == Input {
		return nil
	}
	if named, err := os.Lstat(path); err == nil && use != OutputFile && named.Mode()&fs.ModeSymlink != 0 {
		return fmt.Errorf("%s is a link to nothing: remove it, or name another path", path)
	}
	if !errors.Is(err, fs.ErrNotExist) && use != OutputFile {
		return err
	}
	for dir := filepath.Dir(filepath.Clean(path)); ; dir = filepath.Dir(dir) {
		above, err := os.Stat(dir)
		if err == nil && !above.IsDir() {
			return fmt.Errorf("%s cannot be made: %s is %s, not a folder", path, dir, localfile.Kind(above.Mode()))
		}
		if err == nil || dir == filepath.Dir(dir) {
			return nil // who makes it says what else is in the way
		}
	}
}

// checkKind says why what is there cannot be used so.
func checkKind(path string, mode fs.FileMode, use PathUse) error {
	want := ""
	switch {
	case use == OutputFolder && !mode.IsDir():
		want = "a folder"
	case use == OutputFile && !mode.IsRegular():
		want = "a file"
	case !mode.IsDir() && !mode.IsRegular():
		want = "a file or a folder"
	default:
		return nil
	}
	return fmt.Errorf("%s is %s, not %s: name another path", path, localfile.Kind(mode), want)
}
