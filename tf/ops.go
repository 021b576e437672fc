package tf

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/runfiles"
)

const (
	// opsLibrary is the file name of the library of custom ops.
	opsLibrary = "libprioritycut_ops.so"
	// opsPackage is the folder of the source tree that builds it.
	opsPackage = "prioritycut/kernels"
	// opsEnv names the environment variable with the library's folder.
	opsEnv = "PRIORITYCUT_OPS"
	// module is the Go module whose source tree may hold a built library.
	module = "github.com/prioritycut/prioritycut"
)

var ops struct {
	sync.Mutex
	loaded bool
}

// LoadOps loads the library of custom ops into TensorFlow. The first call that
// succeeds does the work, later calls return nil.
func LoadOps() error {
	ops.Lock()
	defer ops.Unlock()
	if ops.loaded {
		return nil
	}
	path, err := FindOps()
	if err != nil {
		return err
	}
	if err := loadLibrary(path); err != nil {
		return err
	}
	ops.loaded = true
	return nil
}

func loadLibrary(path string) error {
	doing := "loading the op library " + path
	err := guard(doing, func() error {
		_, err := tensorflow.LoadLibrary(path)
		return err
	})
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w\n(built against another TensorFlow than %s? rebuild it: `./bazelw build //%s/...`, or `. ./env.sh` for plain Go)",
		wrap(doing, err), tensorflow.Version(), opsPackage)
}

// FindOps returns the path of the library of custom ops. It looks in the
// folder that the environment variable PRIORITYCUT_OPS names, in Bazel's
// runfiles, beside the executable (and in ../lib), and among the build outputs
// of the source tree that holds the working directory or the executable. The
// error lists every place.
func FindOps() (string, error) {
	executable, _ := os.Executable() // empty when unknown: those places drop out
	workDir, _ := os.Getwd()
	s := opsSearch{fromEnv: os.Getenv(opsEnv), runfile: runfiles.Find, executable: executable, workDir: workDir}
	return s.find()
}

// opsSearch looks for the library in its surroundings.
type opsSearch struct {
	fromEnv             string                      // folder, or ""
	runfile             func(string) (string, bool) // as runfiles.Find
	executable, workDir string                      // paths, or ""
	looked              []string
}

func (s *opsSearch) find() (string, error) {
	for _, look := range []func() string{s.inEnv, s.inRunfiles, s.besideExecutable, s.inSourceTree} {
		if path := look(); path != "" {
			return filepath.Abs(path)
		}
	}
	return "", s.notFound()
}

// in returns the library's path when it is in that folder, else "".
func (s *opsSearch) in(folder ...string) string {
	path := filepath.Join(filepath.Join(folder...), opsLibrary)
	if slices.Contains(s.looked, path) {
		return ""
	}
	s.looked = append(s.looked, path)
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		return path
	}
	return ""
}

func (s *opsSearch) inEnv() string {
	if s.fromEnv == "" {
		return ""
	}
	return s.in(s.fromEnv)
}

func (s *opsSearch) inRunfiles() string {
	// The repository's name with a WORKSPACE, and without.
	for _, repository := range []string{"prioritycut", "_main"} {
		name := repository + "/" + opsPackage + "/" + opsLibrary
		if path, ok := s.runfile(name); ok {
			return path
		}
		s.looked = append(s.looked, "Bazel's runfiles: "+name)
	}
	return ""
}

func (s *opsSearch) besideExecutable() string {
	if s.executable == "" {
		return ""
	}
	folders := []string{filepath.Dir(s.executable)}
	if target, err := filepath.EvalSymlinks(s.executable); err == nil {
		folders = append(folders, filepath.Dir(target))
	}
	for _, folder := range folders {
		if path := s.in(folder); path != "" {
			return path
		}
		if path := s.in(folder, "..", "lib"); path != "" {
			return path
		}
	}
	return ""
}

func (s *opsSearch) inSourceTree() string {
	var starts []string
	if s.workDir != "" {
		starts = append(starts, s.workDir)
	}
	if s.executable != "" {
		starts = append(starts, filepath.Dir(s.executable))
	}
	for _, start := range starts {
		root := sourceRoot(start)
		if root == "" {
			continue
		}
		if path := s.in(root, "bazel-bin", opsPackage); path != "" {
			return path
		}
		if path := s.in(root, opsPackage); path != "" {
			return path
		}
	}
	return ""
}

func (s *opsSearch) notFound() error {
	return fmt.Errorf("%s was not found; looked for\n  %s\nBuild it and say where it is: `. ./env.sh` in the source tree does both; `./bazelw run` and `./bazelw test` need nothing; "+
		"elsewhere put the library beside the executable or set %s to its folder",
		opsLibrary, strings.Join(s.looked, "\n  "), opsEnv)
}

// sourceRoot returns the nearest folder from dir upwards that is the root of
// this module's source tree, or "".
func sourceRoot(dir string) string {
	for {
		if isSourceRoot(dir) {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

func isSourceRoot(dir string) bool {
	f, err := os.Open(filepath.Join(dir, "go.mod"))
	if err != nil {
		return false
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		if fields := strings.Fields(sc.Text()); len(fields) == 2 && fields[0] == "module" {
			return fields[1] == module
		}
	}
	return false
}
