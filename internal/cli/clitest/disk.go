package clitest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// FilmsOn makes films of 32x32 pixels and ten frames at the paths, and returns a
// PATH under which a disk gives an I/O error in the middle of those whose names
// begin with "bad": ffmpeg delivers five whole frames of them, says so in the words
// that ffmpeg has for it (5.1, of any container) and ends with its exit code.
func FilmsOn(t testing.TB, paths ...string) (path string) {
	t.Helper()
	real, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatal("these tests need ffmpeg in PATH")
	}
	for i, film := range paths {
		if err := os.MkdirAll(filepath.Dir(film), 0o777); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(real, "-v", "error", "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=32x32:rate=10:duration=1,hue=h=%d", 70*i), "-pix_fmt", "yuv420p", film).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	const frame = len("P6\n32 32\n255\n") + 3*32*32
	script := strings.Join([]string{
		"#!/bin/sh",
		`case "$*" in`,
		`*/bad*image2pipe*) "` + real + `" "$@" 2>/dev/null | head -c ` + fmt.Sprint(5*frame),
		`  echo "[error] file:bad: Input/output error" >&2; exit 1;;`,
		`*) exec "` + real + `" "$@";;`,
		"esac", "",
	}, "\n")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ffmpeg"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return "PATH=" + dir + string(filepath.ListSeparator) + os.Getenv("PATH")
}
