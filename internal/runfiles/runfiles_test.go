package runfiles

import (
	"os"
	"path/filepath"
	"testing"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func environment(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	inRunfiles := write(t, filepath.Join(dir, "runfiles", "ws", "a", "x"), "1")
	inTests := write(t, filepath.Join(dir, "tests", "ws", "a", "x"), "2")
	besideProgram := write(t, filepath.Join(dir, "train.runfiles", "ws", "a", "x"), "3")
	elsewhere := write(t, filepath.Join(dir, "elsewhere", "with space", "x"), "4")
	manifest := write(t, filepath.Join(dir, "MANIFEST"),
		"ws/a/y "+inTests+"\nws/a/x "+elsewhere+"\nws/a/gone "+filepath.Join(dir, "gone")+"\n")

	for _, c := range []struct {
		name, path, executable string
		env                    map[string]string
		want                   string
	}{
		{"directory", "ws/a/x", "", map[string]string{"RUNFILES_DIR": filepath.Join(dir, "runfiles")}, inRunfiles},
		{"test", "ws/a/x", "", map[string]string{"TEST_SRCDIR": filepath.Join(dir, "tests")}, inTests},
		{"beside the program", "ws/a/x", filepath.Join(dir, "train"), nil, besideProgram},
		{"manifest", "ws/a/x", "", map[string]string{"RUNFILES_MANIFEST_FILE": manifest}, elsewhere},
		{"manifest names a file that is gone", "ws/a/gone", "", map[string]string{"RUNFILES_MANIFEST_FILE": manifest}, ""},
		{"manifest is gone", "ws/a/x", filepath.Join(dir, "train"), map[string]string{"RUNFILES_MANIFEST_FILE": manifest + "?"}, besideProgram},
		{"not there", "ws/a/z", filepath.Join(dir, "train"), map[string]string{"RUNFILES_DIR": filepath.Join(dir, "runfiles")}, ""},
		{"no Bazel", "ws/a/x", "", nil, ""},
	} {
		got, ok := find(c.path, environment(c.env), c.executable)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, ok, c.want)
		}
	}
}

func TestFindMakesRelativeDirectoriesAbsolute(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "r", "ws", "x"), "")
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chdir(dir); err != nil {
		t.Fatal(err)
	}
	defer os.Chdir(wd)
	got, ok := find("ws/x", environment(map[string]string{"RUNFILES_DIR": "r"}), "")
	if !ok || !filepath.IsAbs(got) {
		t.Errorf("got %q, %v, want an absolute path", got, ok)
	}
}
