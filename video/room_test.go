package video

import (
	"context"
	"errors"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/child"
)

// overfull is the text of an ffmpeg that goes on writing into the file that it is
// to make: two gigabytes, so that a failing test fills no disk. Then it says so.
const overfull = `for out; do :; done
i=0
while test $i -lt 2000; do head -c 1000000 /dev/zero; i=$((i+1)); sleep 0.005; done >"${out#file:}"
touch "$(dirname "$0")/all"
`

// TestOverfullFFmpeg has ffmpeg write without end, while it gets frames, after the
// last one, and when it is to add sound: it is ended, the film or the sound fails
// with words, and nothing is left of what it wrote.
func TestOverfullFFmpeg(t *testing.T) {
	ctx := context.Background()
	wroteAll := func(t *testing.T) {
		t.Helper()
		if _, err := os.Stat(filepath.Join(strings.SplitN(os.Getenv("PATH"), ":", 2)[0], "all")); err == nil {
			t.Error("it wrote all that it wanted")
		}
	}
	for name, script := range map[string]string{"it takes frames": "exec 3<&0\ncat <&3 >/dev/null &\n" + overfull, "it takes none": overfull} {
		t.Run(name, func(t *testing.T) {
			endless(t, script)
			path := filepath.Join(t.TempDir(), "new.mp4")
			w, err := CreateFilm(ctx, path, 16, 16, FilmOptions{})
			for i := 0; err == nil && i < 200; i++ {
				err = w.Write(NewFrame(16, 16))
			}
			if err == nil {
				err = w.Close()
			}
			var much *child.OverfullError
			if !errors.As(err, &much) || !strings.Contains(err.Error(), "ffmpeg wrote more than") {
				t.Errorf("got %v", err)
			}
			if left := names(t, filepath.Dir(path)); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			wroteAll(t)
		})
	}
	t.Run("sound", func(t *testing.T) {
		real, err := exec.LookPath("ffmpeg")
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		spoken := filepath.Join(dir, "spoken.mp4")
		ffmpeg(t, "-f", "lavfi", "-i", "testsrc2=size=32x32:rate=10:duration=1", "-f", "lavfi", "-i", "sine=duration=1", "-pix_fmt", "yuv420p", spoken)
		endless(t, `case "$*" in *"-c:v copy"*) ;; *) exec `+real+` "$@";; esac`+"\n"+overfull)
		w := encode(t, filepath.Join(dir, "new.mp4"), waves(10, 32, 32), FilmOptions{Rate: "10", Audio: spoken})
		if !strings.Contains(w.Sound(), "without sound") || !strings.Contains(w.Sound(), "ffmpeg wrote more than") {
			t.Errorf("it says %q", w.Sound())
		}
		if left := names(t, dir); len(left) != 2 {
			t.Errorf("left: %v", left)
		}
		if frames := open(t, filepath.Join(dir, "new.mp4")); len(frames) != 10 {
			t.Errorf("%d frames", len(frames))
		}
		wroteAll(t)
	})
}

// TestRoomForNoise: what no encoder can make smaller has room, whatever the shape.
func TestRoomForNoise(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for _, size := range [][2]int{{2, 2}, {66, 66}, {16, 500}} {
		frames := make([]*Frame, 4)
		for i := range frames {
			frames[i] = NewFrame(size[0], size[1])
			random.Read(frames[i].Pix)
		}
		for ext := range containers {
			for _, q := range []Quality{Good, Lossless} {
				if _, err := containerOf(ext, q); err != nil {
					continue // a gif has no lossless form
				}
				encode(t, filepath.Join(t.TempDir(), "noise"+ext), frames, FilmOptions{Quality: q})
			}
		}
	}
}
