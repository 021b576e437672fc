package pypartner

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The versions here are written out, so that a changed pin is noticed.
func TestPartnersAreThePinnedOnes(t *testing.T) {
	script := `
import importlib.metadata as m, json, sys
names = ["tensorflow-cpu", "tensorboard", "scikit-image", "scipy", "numpy"]
print(json.dumps(dict({n: m.version(n) for n in names}, python="%d.%d" % sys.version_info[:2])))
`
	out, err := exec.Command(Python(t), "-c", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	want := map[string]string{
		"python": "3.11", "tensorflow-cpu": "2.18.1", "tensorboard": "2.18.0",
		"scikit-image": "0.26.0", "scipy": "1.17.1", "numpy": "2.0.2",
	}
	for name, version := range want {
		if got[name] != version {
			t.Errorf("%s is %q, want %q", name, got[name], version)
		}
	}
}

func program(t *testing.T, path string, mode os.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFindOrder(t *testing.T) {
	dir := t.TempDir()
	named := program(t, filepath.Join(dir, "named"), 0o755)
	made := program(t, filepath.Join(dir, "made"), 0o755)
	inTree := program(t, filepath.Join(dir, "tree", filepath.FromSlash(launcher)), 0o755)
	list := filepath.Join(dir, "python.txt")
	if err := os.WriteFile(list, []byte(made+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	deep := filepath.Join(dir, "tree", "a", "b")
	withBazel := func(string) (string, bool) { return list, true }
	without := func(string) (string, bool) { return "", false }

	for _, c := range []struct {
		name, fromEnv string
		lookup        func(string) (string, bool)
		want          string
	}{
		{"variable first", named, withBazel, named},
		{"then runfiles", "", withBazel, made},
		{"then the source tree", "", without, inTree},
	} {
		got, err := find(c.fromEnv, c.lookup, deep)
		if err != nil || got != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}

func TestFindSaysWhatToType(t *testing.T) {
	dir := t.TempDir()
	without := func(string) (string, bool) { return "", false }
	for _, c := range []struct{ name, fromEnv, hint string }{
		{"nothing there", "", ". ./env.sh"},
		{"a path that is gone", filepath.Join(dir, "gone"), "partner_python --path"},
		{"not a program", program(t, filepath.Join(dir, "plain"), 0o644), "not a program"},
	} {
		if got, err := find(c.fromEnv, without, dir); err == nil || !strings.Contains(err.Error(), c.hint) {
			t.Errorf("%s: got %q, %v, want an error with %q", c.name, got, err, c.hint)
		}
	}
}
