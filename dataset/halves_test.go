package dataset

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A folder test alone is enough to measure on, and says what it lacks when it is
// trained on.
func TestTestFolderAlone(t *testing.T) {
	root := t.TempDir()
	folder(t, filepath.Join(root, "test", "a"), 1, 3)
	folder(t, filepath.Join(root, "test", "b"), 2, 4)
	write(t, filepath.Join(root, "list.csv"), "source,driving")
	d := open(t, params(t, root))
	if got := names(d.test); len(got) != 2 || d.NumTrain() != 0 || d.NumItems() != 0 {
		t.Fatalf("%v, test %v", d, got)
	}
	if got := frameNumbers(t, d.Test()[1]); len(got) != 4 || got[3] != 3 {
		t.Errorf("frames %v", got)
	}
	if _, err := d.Check(context.Background()); err != nil {
		t.Error(err)
	}
	_, err := d.Loader(LoaderParams{BatchSize: 1, NumRepeats: 1})
	for _, want := range []string{"a folder test but no folder train", "put videos into " + filepath.Join(root, "train"), "name " + filepath.Join(root, "test")} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %q", err, want)
		}
	}
	// A folder of frames of that name is a video.
	frames := t.TempDir()
	folder(t, filepath.Join(frames, "test"), 1, 9)
	if d := open(t, params(t, frames)); !d.files.single || d.CanTrain() != nil {
		t.Errorf("a video that is called test: %v", d)
	}
}

// What is laid out almost right is told how to be right.
func TestLayoutsThatAreAlmostRight(t *testing.T) {
	dir := t.TempDir()
	at := func(path string) string { return filepath.Join(dir, path) }
	for _, name := range []string{"val/train/a", "val/val/b", "beside/test/a", "beside/b", "capitals/Train/a", "capitals/Test/b", "high/mine/train/a",
		"high/mine/test/b", "highest/only/test/b", "deep/train/person/walk", "deep/train/person2/walk", "deep/test/a", "void/test/a"} {
		folder(t, at(name), 0, 2)
	}
	if err := os.Mkdir(at("void/train"), 0o755); err != nil {
		t.Fatal(err)
	}
	const flv, ts = "FLV\x01\x05\x00\x00\x00\x09", "G"
	for name, data := range map[string]string{
		"others/README.txt": "a note", "others/a.flv": flv, "others/b.flv": flv,
		"endings/a.ts":    strings.Repeat(ts+strings.Repeat("\x00", 187), 3),
		"webp/a/000.webp": "RIFF\x00\x00\x00\x00WEBPVP8 ", "webp/b/000.webp": "RIFF\x00\x00\x00\x00WEBPVP8 ",
	} {
		write(t, at(name), data)
	}
	for root, want := range map[string]string{
		"val":      "no folder test, and val beside it",
		"beside":   "no folder train, and b beside it",
		"capitals": "must be called",
		"high":     at("high/mine") + " is a data set: name that",
		"highest":  at("highest/only") + " is a data set: name that",
		"deep":     "frames lie deeper, such as person/walk/000.png: one folder of videos is made of them by",
		"void":     at("void/train") + " holds no video, it is empty",
		"others":   "only 3 other files: " + at("others/a.flv") + " is no video that is read: it is an flv film; convert it",
		"endings":  "though it is an MPEG transport stream: give it a name that ends as such files' do (.mp4",
		"webp":     "a WebP picture, and frames are png or jpg",
	} {
		if _, err := Open(context.Background(), params(t, at(root))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", root, err, want)
		}
	}
}
