// Package runfiles finds files that Bazel lays beside programs and tests.
package runfiles

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
)

// Find returns the absolute path of a runfile, such as
// "prioritycut/video/testdata/a.gif" or "test_partners/python.txt": the name of
// its Bazel repository, then its path in there. It reports false when there is
// no such file, as in a program that Bazel did not start.
func Find(path string) (string, bool) {
	executable, _ := os.Executable() // empty when unknown: that place drops out
	return find(path, os.Getenv, executable)
}

// find is Find with its surroundings passed in.
func find(path string, getenv func(string) string, executable string) (string, bool) {
	if manifest := getenv("RUNFILES_MANIFEST_FILE"); manifest != "" {
		if p, ok := manifestEntry(manifest, path); ok && exists(p) {
			return p, true
		}
	}
	roots := []string{getenv("RUNFILES_DIR"), getenv("TEST_SRCDIR")}
	if executable != "" {
		roots = append(roots, executable+".runfiles")
	}
	for _, root := range roots {
		if root == "" {
			continue
		}
		if p, err := filepath.Abs(filepath.Join(root, filepath.FromSlash(path))); err == nil && exists(p) {
			return p, true
		}
	}
	return "", false
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// manifestEntry looks path up in a runfiles manifest: lines of a runfile's
// path, a space, and the path of the file that it stands for.
func manifestEntry(manifest, path string) (string, bool) {
	f, err := os.Open(manifest)
	if err != nil {
		return "", false
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if name, target, ok := strings.Cut(lines.Text(), " "); ok && name == path {
			return target, true
		}
	}
	return "", false
}
