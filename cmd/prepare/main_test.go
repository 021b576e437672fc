package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
	"github.com/prioritycut/prioritycut/video"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

func TestDocumented(t *testing.T) { clitest.Documented(t, "../..", command().Command) }

// clips writes folders of pictures in which a square moves.
func clips(t *testing.T, dir string, names ...string) {
	t.Helper()
	for k, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		for i := 0; i < 30; i++ {
			f := video.NewFrame(64, 64)
			for p := range f.Pix {
				x, y := p/3%64, p/3/64
				f.Pix[p] = byte(40*k + x + y)
				if x >= i && x < i+20 && y >= 20+k && y < 40+k {
					f.Pix[p] = 240
				}
			}
			if err := video.WritePNG(filepath.Join(path, fmt.Sprintf("%03d.png", i)), f); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() != ".prepare" {
			return err
		}
		if d.IsDir() {
			return filepath.SkipDir
		}
		data, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[name] = fmt.Sprintf("%x", sha256.Sum256(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// A program that is killed, by a signal that nothing can catch, leaves no half
// of a clip under its name; the second run ends with the bytes of an
// undisturbed one.
func TestKilledAndBegunAgain(t *testing.T) {
	in := t.TempDir()
	clips(t, in, "a", "b", "c", "d", "e", "f")
	smooth, killed := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "out")
	flags := func(out string) []string {
		return []string{"--in=" + in, "--out=" + out, "--size=192", "--workers=1"}
	}
	complete := func(out string) {
		if code, _, stderr := clitest.Run(t, "", flags(out)...); code != 0 {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
	}
	complete(smooth)
	cmd := clitest.New(t, "", flags(killed)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stands := func() int {
		made, _ := filepath.Glob(filepath.Join(killed, "t*", "*"))
		return len(made)
	}
	for begun := time.Now(); stands() < 2; time.Sleep(time.Millisecond) {
		if time.Since(begun) > time.Minute {
			t.Fatal("no clip is made")
		}
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	n := stands()
	if err == nil || n >= 6 {
		t.Fatalf("killed too late: %v, %d clips", err, n)
	}
	whole := tree(t, smooth)
	for name, sum := range tree(t, killed) {
		if strings.HasPrefix(name, "t") && whole[name] != sum {
			t.Errorf("%s stands and differs", name)
		}
	}
	complete(killed)
	if diff := cmp.Diff(whole, tree(t, killed)); diff != "" {
		t.Error(diff)
	}
	if left, _ := filepath.Glob(filepath.Join(killed, ".prepare", "tmp")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestExitCodes(t *testing.T) {
	in := t.TempDir()
	clips(t, in, "a", "b")
	run := func(args ...string) (int, string) {
		p := command()
		var out bytes.Buffer
		p.Stdout, p.Stderr = &out, &out
		code := p.code(p.Command.Run(args, func([]string) error { return p.run() }))
		return code, out.String()
	}
	out := filepath.Join(t.TempDir(), "out")
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{cli.ExitOK, "train 1 clips, 30 frames", []string{"--in=" + in, "--out=" + out, "--size=16"}},
		{cli.ExitUsage, "--size was 16 and is 32", []string{"--in=" + in, "--out=" + out, "--size=32"}},
		{cli.ExitUsage, "choose png, jpg or mp4", []string{"--in=" + in, "--out=x", "--format=bmp"}},
		{cli.ExitUsage, "needs --checkpoint", []string{"--in=" + in, "--out=x", "--crop=keypoints"}},
		{cli.ExitUsage, "--in is missing", []string{"--out=x"}},
		{cli.ExitUsage, "even sides", []string{"--in=" + in, "--out=x", "--format=mp4", "--size=17"}},
		{cli.ExitFailed, "no clip is left for train", []string{"--in=" + in, "--out=" + out + "2", "--min_frames=31"}},
	} {
		if code, text := run(c.args...); code != c.code || !strings.Contains(text, c.says) {
			t.Errorf("%v: exit code %d and %q, want %d and %q", c.args, code, text, c.code, c.says)
		}
	}
	if err := os.WriteFile(filepath.Join(in, "broken.mp4"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, text := run("--in="+in, "--out="+out, "--size=16"); code != exitPartial || !strings.Contains(text, "broken.mp4: ") {
		t.Errorf("a broken film beside sound ones: exit code %d and %q", code, text)
	}
}
