package video

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Every third picture of a film of 30 a second is left out: the others keep
// their times.
func TestTimestampsOfVariableRate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "uneven.mp4")
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=30:duration=1",
		"-vf", "select='mod(n+1,3)'", "-vsync", "passthrough", "-bf", "2", "-y", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got, err := Timestamps(context.Background(), path, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 20 {
		t.Fatalf("%d times, want 20", len(got))
	}
	for i, at := range got {
		want := time.Duration(i/2*3+i%2) * time.Second / 30
		if d := at - want; d < -2*time.Millisecond || d > 2*time.Millisecond {
			t.Errorf("picture %d is shown at %v, want %v", i, at, want)
		}
	}
	film, err := OpenFilm(context.Background(), path, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer film.Close()
	n := 0
	for ; err == nil; n++ {
		_, err = film.Next()
	}
	if n-1 != len(got) {
		t.Errorf("%d frames and %d times", n-1, len(got))
	}
}

func TestTimestampsOfNoFilm(t *testing.T) {
	if _, err := Timestamps(context.Background(), filepath.Join(t.TempDir(), "none.mp4"), Limits{}); err == nil {
		t.Error("a film that is not there has timestamps")
	}
}
