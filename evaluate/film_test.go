package evaluate

import (
	"bytes"
	"fmt"
	"os/exec"
	"testing"

	"github.com/prioritycut/prioritycut/video"
)

// rawFilm writes a film without loss, by ffmpeg itself.
func rawFilm(t *testing.T, path string, frames []*video.Frame) {
	t.Helper()
	var pixels bytes.Buffer
	for _, f := range frames {
		pixels.Write(f.Pix)
	}
	c := exec.Command("ffmpeg", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", fmt.Sprintf("%dx%d", frames[0].W, frames[0].H),
		"-r", "25", "-i", "-", "-c:v", "ffv1", "-pix_fmt", "bgr0", path)
	c.Stdin = &pixels
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
}
