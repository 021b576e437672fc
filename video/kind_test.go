package video

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestKindByBeginning: a file that is named may have any ending; what begins like a
// film is read as one.
func TestKindByBeginning(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, format := range map[string]string{"talk.ts": "mpegts", "talk.vid": "mov", "talk": "matroska", "talk.apng": "apng", "talk.3gp": "mov"} {
		args := []string{"-f", "lavfi", "-i", "testsrc2=size=32x32:rate=10:duration=0.5", "-f", format}
		if format != "apng" {
			args = append(args, "-c:v", "libx264", "-pix_fmt", "yuv420p")
		}
		ffmpeg(t, append(args, at(name))...)
		if kind, err := KindAt(at(name)); kind != FilmFile || err != nil {
			t.Errorf("%s is a %v, %v", name, kind, err)
		}
		if exec.Command("ffmpeg", "-v", "error", "-i", at(name), "-f", "null", "-").Run() != nil {
			continue // static builds of release 7 crash at the names in transport streams
		}
		r, err := Open(context.Background(), at(name), 0, 0, Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		n := 0
		for ; ; n++ {
			if _, err := r.Next(); err != nil {
				break
			}
		}
		if r.Close(); n != 5 {
			t.Errorf("%s has %d frames", name, n)
		}
	}
	for name, is := range map[string][2]string{
		"notes.ts": {"export const a = 1\n", "a text"}, "archive.vid": {"PK\x03\x04", "a zip archive"}, "talk.mp3": {"\xff\xfb\x90\x64", "an mp3"},
		"moving.webp": {"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00", "an animated WebP"},
	} {
		if err := os.WriteFile(at(name), []byte(is[0]), 0o644); err != nil {
			t.Fatal(err)
		}
		if kind, err := KindAt(at(name)); kind != Unknown || err != nil {
			t.Errorf("%s is a %v, %v", name, kind, err)
		}
		if _, err := Open(context.Background(), at(name), 0, 0, Limits{}); err == nil || !strings.Contains(err.Error(), is[1]) {
			t.Errorf("%s is to be named as %s: %v", name, is[1], err)
		}
	}
}
