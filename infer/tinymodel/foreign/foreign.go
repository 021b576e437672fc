// Package foreign makes a run as somebody else may hand it on, for tests that
// programs which read it change nothing outside of their own places.
package foreign

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/rundir"
)

// Run is such a run.
type Run struct {
	// Dir is its folder.
	Dir string
	// Films is a data set of films whose decoding is worth keeping.
	Films string

	elsewhere string
	before    map[string]string
}

// New makes a run whose checkpoints, pictures, events and logs are links that
// lead elsewhere, with leftovers of a writer and a rotten checkpoint, and whose
// configuration names a folder elsewhere for decoded films, with room for none
// beside an old one that is in it. The user's own caches are an empty folder.
func New(t testing.TB) *Run {
	t.Helper()
	top := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", filepath.Join(top, "caches"))
	r := &Run{Dir: filepath.Join(top, "run"), Films: filepath.Join(top, "films"), elsewhere: filepath.Join(top, "elsewhere")}
	caches := filepath.Join(r.elsewhere, "caches")
	must(t, tinymodel.Write(r.Dir, 1, "cache_dir="+caches, "cache_gb=1e-6"))
	dir := rundir.Dir(r.Dir)
	must(t, os.MkdirAll(r.elsewhere, 0o777))
	must(t, os.Rename(dir.Checkpoints(), filepath.Join(r.elsewhere, "checkpoints")))
	for _, path := range []string{dir.Checkpoints(), dir.Pictures(), dir.Events(), dir.Logs()} {
		target := filepath.Join(r.elsewhere, filepath.Base(path))
		write(t, filepath.Join(target, "old"), "old")
		must(t, os.Symlink(target, path))
	}
	for _, name := range []string{"step-00000009", ".tmp-step-00000010", ".trash-step-00000001"} {
		write(t, filepath.Join(dir.Checkpoints(), name, "manifest.json"), "{")
	}
	old := filepath.Join(caches, "frames", "0123.frames")
	write(t, old, "somebody's film")
	ago := time.Now().Add(-1000 * time.Hour)
	must(t, os.Chtimes(old, ago, ago))
	for _, name := range []string{"train/a.mp4", "test/b.mp4", "test/c.mp4"} {
		film(t, filepath.Join(r.Films, name))
	}
	r.before = r.state(t)
	return r
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o777))
	must(t, os.WriteFile(path, []byte(text), 0o666))
}

func film(t testing.TB, path string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o777))
	c := exec.Command("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=32x32:rate=10:duration=0.5", "-pix_fmt", "yuv420p", path)
	if text, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

// state says what lies elsewhere: kinds, times and contents.
func (r *Run) state(t testing.TB) map[string]string {
	t.Helper()
	found := map[string]string{}
	must(t, filepath.WalkDir(r.elsewhere, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		text := fmt.Sprint(info.Mode(), info.ModTime())
		if info.Mode().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text += fmt.Sprintf(" %x", sha256.Sum256(data))
		}
		found[path] = text
		return nil
	}))
	return found
}

// Unchanged fails a test if anything elsewhere has been written, renamed or
// removed.
func (r *Run) Unchanged(t testing.TB) {
	t.Helper()
	after := r.state(t)
	all := maps.Clone(r.before)
	maps.Copy(all, after)
	for path := range all {
		if r.before[path] != after[path] {
			t.Errorf("%s: %q before, %q now", path, r.before[path], after[path])
		}
	}
}

// Kept fails a test if no decoded film lies in the user's own caches: what is
// not put elsewhere is to be put there.
func (r *Run) Kept(t testing.TB) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "prioritycut", "frames", "*.frames"))
	if err != nil || len(found) == 0 {
		t.Errorf("no decoded film is kept: %v", err)
	}
}
