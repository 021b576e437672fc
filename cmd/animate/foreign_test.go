package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/infer/tinymodel/foreign"
)

// TestForeignRun: whoever made the run does not choose what is written or removed.
func TestForeignRun(t *testing.T) {
	r := foreign.New(t)
	test := filepath.Join(r.Films, "test")
	picture, pairs := filepath.Join(t.TempDir(), "picture.png"), filepath.Join(t.TempDir(), "pairs.csv")
	ffmpeg(t, "-i", filepath.Join(test, "b.mp4"), "-frames:v", "1", picture)
	if err := os.WriteFile(pairs, []byte("source,driving\nb.mp4,c.mp4\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, flags := range [][]string{
		{"--result_video=demo.mp4"},
		{"--pairs=" + pairs, "--out=pairs"},
		{"--source_image=" + picture, "--driving_video=" + filepath.Join(test, "c.mp4"), "--result_video=one.mp4"},
	} {
		one := strings.HasPrefix(flags[0], "--source_image")
		if !one {
			flags = append(flags, "--data="+r.Films)
		}
		_, stderr := complete(t, t.TempDir(), append(flags, "--checkpoint="+r.Dir)...)
		if told := strings.Count(stderr, "(cache_dir): it lies outside of your caches; XDG_CACHE_HOME="); one && told != 0 || !one && told != 1 {
			t.Errorf("%v: told %d times\n%s", flags, told, stderr)
		}
		r.Unchanged(t)
	}
	r.Kept(t)
}
