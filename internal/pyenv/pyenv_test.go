package pyenv

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Whatever is installed is pinned to one wheel.
func TestPackagesArePinned(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	lists, err := requirements.ReadDir("requirements")
	if err != nil || len(lists) < 5 {
		t.Fatalf("%d lists, %v", len(lists), err)
	}
	pinned := regexp.MustCompile(`^[a-zA-Z0-9._-]+==[0-9][^ ]* --hash=sha256:[0-9a-f]{64}$`)
	homes := map[string]bool{}
	for _, list := range lists {
		text, err := requirements.ReadFile("requirements/" + list.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
			if !strings.HasPrefix(line, "#") && !pinned.MatchString(line) {
				t.Errorf("%s: %s", list.Name(), line)
			}
		}
		home, err := Home(strings.TrimSuffix(list.Name(), ".txt"))
		if err != nil || homes[home] {
			t.Errorf("the home of %s is %q, %v", list.Name(), home, err)
		}
		homes[home] = true
	}
}

// fakeBase stands for Python: it makes an environment whose pip does what
// script says.
func fakeBase(t *testing.T, script string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "python")
	text := "#!/bin/sh\nmkdir -p \"$3/bin\"\nprintf '%s\\n' '#!/bin/sh' '" + script + "' >\"$3/bin/python\"\nchmod +x \"$3/bin/python\"\n"
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PYTHON_BIN_PATH", path)
}

func TestAnEnvironmentIsMadeOnce(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	fakeBase(t, `echo "$@" >>"$0.log"`)
	told := 0
	tell := func(string, ...any) { told++ }
	var python string
	for i := 0; i < 2; i++ {
		var err error
		if python, err = Python(context.Background(), "pytorch-2.5", tell); err != nil {
			t.Fatal(err)
		}
	}
	log, err := os.ReadFile(python + ".log")
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(log), "\n"); lines != 1 || told != 1 {
		t.Errorf("pip ran %d times, announced %d times", lines, told)
	}
	for _, want := range []string{"--require-hashes", "--no-deps", "--only-binary=:all:"} {
		if !strings.Contains(string(log), want) {
			t.Errorf("pip ran without %s: %s", want, log)
		}
	}
}

func TestWhatFailedIsMadeAnew(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	tell := func(string, ...any) {}
	fakeBase(t, "echo no such wheel >&2; exit 1")
	if _, err := Python(context.Background(), "converters", tell); err == nil || !strings.Contains(err.Error(), "no such wheel") {
		t.Errorf("%v", err)
	}
	fakeBase(t, "exit 0")
	if _, err := Python(context.Background(), "converters", tell); err != nil {
		t.Error(err)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("PYTHON_BIN_PATH", filepath.Join(t.TempDir(), "none"))
	if _, err := Python(context.Background(), "converters", tell); err == nil || !strings.Contains(err.Error(), "python 3.11 and its venv are needed") {
		t.Errorf("%v", err)
	}
	if _, err := Python(context.Background(), "none", tell); err == nil || !strings.Contains(err.Error(), `under "none"`) {
		t.Errorf("%v", err)
	}
}
