package animate

import (
	"bytes"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/video"
)

// A photograph that was taken upright with a camera whose sensor lies comes
// upright; a video is no source.
func TestSourcePicture(t *testing.T) {
	dir := t.TempDir()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 48, 32)), nil); err != nil {
		t.Fatal(err)
	}
	const turnRight = "\xff\xe1\x00\x22Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
	path := filepath.Join(dir, "a.jpg")
	if err := os.WriteFile(path, []byte(b.String()[:2]+turnRight+b.String()[2:]), 0o644); err != nil {
		t.Fatal(err)
	}
	if f, err := SourcePicture(path, video.Limits{}); err != nil || f.W != 32 || f.H != 48 {
		t.Errorf("%+v, %v", f, err)
	}
	if _, err := SourcePicture(dir, video.Limits{}); err == nil || !strings.Contains(err.Error(), "is a video") {
		t.Errorf("a folder: %v", err)
	}
}
