package prepare

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/video"
)

// options are those of a small data set.
func options(in, out string) Options {
	o := DefaultOptions()
	o.In, o.Out, o.Size, o.MinFrames, o.Gap, o.Workers = in, out, 16, 4, 1, 2
	return o
}

// negative turns light into dark: a scene that differs from any other.
func negative(frames []*video.Frame) []*video.Frame {
	for _, f := range frames {
		for i, v := range f.Pix {
			f.Pix[i] = 255 - v
		}
	}
	return frames
}

// folder writes frames as a folder of pictures.
func folder(t testing.TB, path string, frames []*video.Frame) {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	for i, f := range frames {
		if err := video.WritePNG(filepath.Join(path, fmt.Sprintf("%04d.png", i)), f); err != nil {
			t.Fatal(err)
		}
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// mustRun prepares and fails the test where that fails.
func mustRun(t testing.TB, o Options) *Report {
	t.Helper()
	r, err := Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// tree maps the files below a folder to their checksums, without what is kept
// for later runs.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() == stateName {
			return filepath.SkipDir
		}
		if d.IsDir() {
			return nil
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

// rowsWith are the rows of a report whose video has a prefix.
func rowsWith(r *Report, prefix string) []Row {
	var rows []Row
	for _, row := range r.Rows {
		if strings.HasPrefix(row.Video, prefix) {
			rows = append(rows, row)
		}
	}
	return rows
}
