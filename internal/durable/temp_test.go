package durable

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// asWriter makes this test's binary a program that is killed while it writes
// into the folder that the variable names.
const asWriter = "DURABLE_TEST_WRITER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asWriter); dir != "" {
		if _, err := NewFile(dir, ".film-"); err != nil {
			os.Exit(3)
		}
		folder, err := NewFolder(dir, ".frames-")
		if err != nil || os.WriteFile(filepath.Join(folder.Path, "0.png"), nil, 0o644) != nil {
			os.Exit(3)
		}
		self, _ := os.FindProcess(os.Getpid())
		_ = self.Kill()
		select {}
	}
	os.Exit(m.Run())
}

func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// What a killed process left goes; what a living one writes, and what only
// looks alike, stays.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	kept, err := NewFile(dir, ".film-")
	if err != nil {
		t.Fatal(err)
	}
	keptFolder, err := NewFolder(dir, ".frames-")
	if err != nil {
		t.Fatal(err)
	}
	alike := []string{".film-1.mp4", ".film-", ".filmed-12", "film-12"}
	for _, name := range alike {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "film-12"), filepath.Join(dir, ".film-99")); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), asWriter+"="+dir)
	if err := c.Run(); err == nil || c.ProcessState.ExitCode() != -1 {
		t.Fatalf("the writer was not killed: %v", err)
	}
	want := len(alike) + 3
	if got := list(t, dir); len(got) != want+2 {
		t.Fatalf("the writer left nothing: %v", got)
	}
	swept = sync.Map{} // as a new process
	for _, prefix := range []string{".film-", ".frames-"} {
		next, err := NewFile(dir, prefix)
		if err != nil {
			t.Fatal(err)
		}
		next.Remove()
	}
	if got := list(t, dir); len(got) != want {
		t.Errorf("there are %v", got)
	}
	for _, temp := range []*Temp{kept, keptFolder} {
		if !isNamed(temp.File) {
			t.Errorf("%s of a living process is gone", temp.Path)
		}
		temp.Remove()
	}
}

func TestPublish(t *testing.T) {
	dir := t.TempDir()
	f, err := NewFile(dir, ".film-")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.File.WriteString("all of it"); err != nil {
		t.Fatal(err)
	}
	folder, err := NewFolder(dir, ".frames-")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		temp *Temp
		name string
	}{{f, "film"}, {folder, "frames"}} {
		if err := c.temp.Publish(filepath.Join(dir, c.name)); err != nil {
			t.Fatal(err)
		}
		c.temp.Remove() // does nothing now
	}
	if got := strings.Join(list(t, dir), " "); got != "film frames" {
		t.Errorf("there are %s", got)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "film")); err != nil || string(text) != "all of it" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := NewFile(filepath.Join(dir, "none"), ".film-"); err == nil {
		t.Error("a file in a folder that is not there")
	}
}

// Many begin in one folder at once, while others sweep it.
func TestTogether(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for i := 0; i < 8; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for j := 0; j < 40; j++ {
				make := NewFile
				if j%2 == 1 {
					make = NewFolder
				}
				temp, err := make(dir, ".film-")
				if err != nil {
					t.Error(err)
					return
				}
				sweep(dir, ".film-")
				if !isNamed(temp.File) {
					t.Errorf("%s was swept away", temp.Path)
				}
				temp.Remove()
			}
		}()
	}
	all.Wait()
	if got := list(t, dir); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}
