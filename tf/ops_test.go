package tf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

// touch makes a file and the folders above it.
func touch(t *testing.T, text string, path ...string) string {
	t.Helper()
	p := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestFindOpsOrder(t *testing.T) {
	root := t.TempDir()
	if real, err := filepath.EvalSymlinks(root); err == nil {
		root = real
	}
	runfiles := filepath.Join(root, "runfiles")
	touch(t, "// a comment\nmodule github.com/prioritycut/prioritycut\n", root, "tree", "go.mod")
	touch(t, "module example.com/other\n", root, "tree", "sub", "go.mod")
	workDir := filepath.Join(root, "tree", "sub", "deep")
	if err := os.MkdirAll(workDir, 0o777); err != nil {
		t.Fatal(err)
	}
	executable := filepath.Join(root, "bin", "train")
	find := func() (string, error) {
		s := opsSearch{
			fromEnv: filepath.Join(root, "env"),
			runfile: func(name string) (string, bool) {
				path := filepath.Join(runfiles, name)
				_, err := os.Stat(path)
				return path, err == nil
			},
			executable: executable,
			workDir:    workDir,
		}
		return s.find()
	}

	_, err := find()
	if err == nil {
		t.Fatal("found a library in empty folders")
	}
	for _, part := range []string{filepath.Join(root, "env"), filepath.Join(root, "bin"), filepath.Join(root, "tree", "bazel-bin"), "env.sh", "PRIORITYCUT_OPS", "runfiles"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error lacks %q:\n%v", part, err)
		}
	}
	if strings.Contains(err.Error(), filepath.Join(root, "tree", "sub")) {
		t.Errorf("looked in another module's tree:\n%v", err)
	}

	// From the last place to the first: each one found hides those before.
	places := []struct{ name, path string }{
		{"kernels folder", filepath.Join(root, "tree", "prioritycut/kernels", opsLibrary)},
		{"bazel-bin", filepath.Join(root, "tree/bazel-bin/prioritycut/kernels", opsLibrary)},
		{"../lib", filepath.Join(root, "lib", opsLibrary)},
		{"executable", filepath.Join(root, "bin", opsLibrary)},
		{"runfiles without WORKSPACE", filepath.Join(runfiles, "_main/prioritycut/kernels", opsLibrary)},
		{"runfiles", filepath.Join(runfiles, "prioritycut/prioritycut/kernels", opsLibrary)},
		{"environment", filepath.Join(root, "env", opsLibrary)},
	}
	for _, p := range places {
		touch(t, "so", p.path)
		if got, err := find(); err != nil || got != p.path {
			t.Errorf("%s: found %q, %v; want %q", p.name, got, err, p.path)
		}
	}
}

func TestLoadLibraryFails(t *testing.T) {
	path := touch(t, "no library", t.TempDir(), opsLibrary)
	err := loadLibrary(path)
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "env.sh") {
		t.Errorf("got %v", err)
	}
}

func TestLoadOps(t *testing.T) {
	for range 2 {
		if err := LoadOps(); err != nil {
			t.Fatal(err)
		}
	}
	// An op that is not registered is NotFound; this one misses its inputs.
	_, err := tensorflow.NewGraph().AddOperation(tensorflow.OpSpec{Type: "PriorityCutMask", Name: "mask"})
	if got := Code(err); got != InvalidArgument {
		t.Errorf("PriorityCutMask without inputs: %v, want InvalidArgument (%v)", got, err)
	}
}
