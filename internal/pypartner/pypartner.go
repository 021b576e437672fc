// Package pypartner gives tests a Python to compare with: version 3.11 with
// TensorFlow, TensorBoard, scikit-image, SciPy and NumPy, in the versions that
// third_party/python/partners.txt pins. It is for tests only.
package pypartner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/runfiles"
)

const (
	// variable names the partners' Python; env.sh sets it.
	variable = "PRIORITYCUT_TEST_PYTHON"
	// runfile holds the path of the Python that Bazel's set-up made.
	runfile = "test_partners/python.txt"
	// launcher makes the environment on first use, then acts as its Python.
	launcher = "third_party/python/partner_python"
)

// Python returns the path of a program that takes Python's arguments: what
// PRIORITYCUT_TEST_PYTHON names, else what Bazel's runfiles hold, else the
// launcher of the source tree that encloses the test. The first run of the
// launcher makes the environment (a download of 250 MB and a minute or two).
// Without any of them the test fails, with the command that helps.
func Python(t testing.TB) string {
	t.Helper()
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	path, err := find(os.Getenv(variable), runfiles.Find, wd)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// find is Python with its surroundings passed in.
func find(fromEnv string, lookup func(string) (string, bool), dir string) (string, error) {
	if fromEnv != "" {
		return runnable(fromEnv, variable)
	}
	if file, ok := lookup(runfile); ok {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		return runnable(strings.TrimSpace(string(text)), file)
	}
	for ; ; dir = filepath.Dir(dir) {
		path := filepath.Join(dir, filepath.FromSlash(launcher))
		if _, err := os.Stat(path); err == nil {
			return runnable(path, "the source tree")
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no Python to compare with: type `. ./env.sh` in the source tree, or set %s to a Python that has third_party/python/partners.txt installed", variable)
		}
	}
}

// runnable checks path, which source names.
func runnable(path, source string) (string, error) {
	info, err := os.Stat(path)
	if err == nil && (info.IsDir() || info.Mode()&0o111 == 0) {
		err = fmt.Errorf("%s is not a program", path)
	}
	if err != nil {
		return "", fmt.Errorf("the Python to compare with, named by %s: %w; if the cache was deleted, type `third_party/python/partner_python --path` in the source tree to make it anew", source, err)
	}
	return path, nil
}
