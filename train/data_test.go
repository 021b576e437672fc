package train

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
)

// TestDamagedTestVideo finishes a run although a test video cannot be read.
func TestDamagedTestVideo(t *testing.T) {
	root, dir := films(t), t.TempDir()
	for f := 0; f < 7; f++ { // the header is whole, so that only reading tells
		path := filepath.Join(root, "test", "film0", fmt.Sprintf("%03d.png", f))
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		damaged := filepath.Join(root, "test", "damaged", filepath.Base(path))
		if err := os.MkdirAll(filepath.Dir(damaged), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(damaged, data[:len(data)/2], 0o666); err != nil {
			t.Fatal(err)
		}
	}
	complete(t, dir, tiny(t, model.FOMM, "dataset_params.root_dir="+root, "steps=1", "reconstruction_params.num_videos=2"))
	table, err := os.ReadFile(rundir.Dir(dir).Summary())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(table), "1,1,videos,1,") {
		t.Errorf("the summary is not of one video:\n%s", table)
	}
	pictures, err := filepath.Glob(filepath.Join(rundir.Dir(dir).Pictures(), "unseen-*.png"))
	if err != nil || len(pictures) != 1 {
		t.Errorf("pictures of unseen videos are %v, %v", pictures, err)
	}
}

// TestChangedData tells when a run goes on with other videos.
func TestChangedData(t *testing.T) {
	root, dir := films(t), t.TempDir()
	c := tiny(t, model.FOMM, "dataset_params.root_dir="+root, "steps=1", "validation_videos=0")
	complete(t, dir, c)
	for i, want := range []string{"", "other names", "4 training items now and were 5"} {
		train := filepath.Join(root, "train")
		var err error
		switch i {
		case 1:
			err = os.Rename(filepath.Join(train, "film1"), filepath.Join(train, "film9"))
		case 2:
			err = os.RemoveAll(filepath.Join(train, "film9"))
		}
		if err != nil {
			t.Fatal(err)
		}
		f, err := openFolder(rundir.Dir(dir), c, durable.OS{})
		if err != nil {
			t.Fatal(err)
		}
		s := &session{config: c, folder: f, out: io.Discard, options: OptionsOf(c)}
		err = s.openData(context.Background())
		f.close()
		if err != nil {
			t.Fatal(err)
		}
		if got := s.dataChanged(); !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("change %d: %q, want %q", i, got, want)
		}
	}
}
