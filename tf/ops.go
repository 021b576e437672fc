package tf

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	tensorflow "github.com/wamuir/graft/tensorflow"
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
	quietLevel()
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
	return findOps(os.Getenv, executable, workDir)
}

// findOps is FindOps with its surroundings passed in.
func findOps(getenv func(string) string, executable, workDir string) (string, error) {
	s := opsSearch{getenv: getenv, executable: executable, workDir: workDir}
	s.fromEnv()
	s.fromRunfiles()
	s.besideExecutable()
	s.fromSourceTree()
	for _, c := range s.candidates {
		if info, err := os.Stat(c); err == nil && info.Mode().IsRegular() {
			return filepath.Abs(c)
		}
	}
	return "", s.notFound()
}

// opsSearch collects where the library may lie, in order of preference.
type opsSearch struct {
	getenv              func(string) string
	executable, workDir string
	candidates          []string
	seen                map[string]bool
}

// add names one more folder.
func (s *opsSearch) add(folder ...string) {
	s.addFile(filepath.Join(filepath.Join(folder...), opsLibrary))
}

func (s *opsSearch) addFile(path string) {
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	if !s.seen[path] {
		s.seen[path] = true
		s.candidates = append(s.candidates, path)
	}
}

func (s *opsSearch) fromEnv() {
	if d := s.getenv(opsEnv); d != "" {
		s.add(d)
	}
}

func (s *opsSearch) fromRunfiles() {
	workspaces := []string{"prioritycut", "_main"}
	if w := s.getenv("TEST_WORKSPACE"); w != "" {
		workspaces = append([]string{w}, workspaces...)
	}
	roots := []string{s.getenv("RUNFILES_DIR"), s.getenv("TEST_SRCDIR")}
	if s.executable != "" {
		roots = append(roots, s.executable+".runfiles")
	}
	for _, root := range roots {
		if root == "" {
			continue
		}
		for _, w := range workspaces {
			s.add(root, w, opsPackage)
		}
	}
	if manifest := s.getenv("RUNFILES_MANIFEST_FILE"); manifest != "" {
		for _, w := range workspaces {
			if p := manifestEntry(manifest, w+"/"+opsPackage+"/"+opsLibrary); p != "" {
				s.addFile(p)
			}
		}
	}
}

func (s *opsSearch) besideExecutable() {
	if s.executable == "" {
		return
	}
	paths := []string{s.executable}
	if real, err := filepath.EvalSymlinks(s.executable); err == nil {
		paths = append(paths, real)
	}
	for _, p := range paths {
		s.add(filepath.Dir(p))
		s.add(filepath.Dir(p), "..", "lib")
	}
}

func (s *opsSearch) fromSourceTree() {
	var starts []string
	if s.workDir != "" {
		starts = append(starts, s.workDir)
	}
	if s.executable != "" {
		starts = append(starts, filepath.Dir(s.executable))
	}
	for _, d := range starts {
		if root := sourceRoot(d); root != "" {
			s.add(root, "bazel-bin", opsPackage)
			s.add(root, opsPackage)
		}
	}
}

func (s *opsSearch) notFound() error {
	return fmt.Errorf("%s was not found; looked for\n  %s\nBuild it and say where it is: `. ./env.sh` in the source tree does both; `./bazelw run` and `./bazelw test` need nothing; "+
		"elsewhere put the library beside the executable or set %s to its folder",
		opsLibrary, strings.Join(s.candidates, "\n  "), opsEnv)
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

// manifestEntry returns the file that a runfiles manifest (lines of "key
// path") gives for key, or "".
func manifestEntry(manifest, key string) string {
	f, err := os.Open(manifest)
	if err != nil {
		return ""
	}
	defer f.Close()
	r := bufio.NewReader(f)
	for {
		line, err := r.ReadString('\n')
		if k, path, ok := strings.Cut(strings.TrimRight(line, "\r\n"), " "); ok && k == key {
			return path
		}
		if err != nil {
			return ""
		}
	}
}
