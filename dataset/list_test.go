package dataset

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/video"
)

func TestTrainAndTestFolders(t *testing.T) {
	root := t.TempDir()
	folder(t, filepath.Join(root, "train", "b.mp4"), 1, 3) // folders of frames are named so
	folder(t, filepath.Join(root, "train", "a"), 0, 2)
	folder(t, filepath.Join(root, "test", "c"), 2, 4)
	write(t, filepath.Join(root, "train", "README.txt"), "no video")
	write(t, filepath.Join(root, "train", ".DS_Store"), "no video")
	outside := filepath.Join(t.TempDir(), "elsewhere")
	folder(t, outside, 9, 2)
	if err := os.Symlink(outside, filepath.Join(root, "train", "link")); err != nil {
		t.Fatal(err)
	}
	d := open(t, params(t, root))
	if diff := cmp.Diff([]string{"a", "b.mp4", "link"}, names(d.train)); diff != "" {
		t.Errorf("train (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"c"}, names(d.test)); diff != "" {
		t.Errorf("test (-want +got):\n%s", diff)
	}
}

func TestSplitIsAFifthAndNeverMoves(t *testing.T) {
	root := t.TempDir()
	for i := 0; i < 11; i++ {
		folder(t, filepath.Join(root, fmt.Sprintf("v%02d", i)), i, 1)
	}
	d := open(t, params(t, root))
	// These names must never change: they are the test set of runs on disc.
	if diff := cmp.Diff([]string{"v02", "v03", "v07"}, names(d.test)); diff != "" {
		t.Errorf("test (-want +got):\n%s", diff)
	}
	if len(d.train) != 8 {
		t.Errorf("%d training videos of 11, want 8", len(d.train))
	}
	for _, name := range names(d.train) {
		for _, other := range names(d.test) {
			if name == other {
				t.Errorf("%s is in both sets", name)
			}
		}
	}
}

func TestSplitKeepsIdentitiesApart(t *testing.T) {
	var entries []entry
	for id := 0; id < 10; id++ {
		for i := 0; i < 3; i++ {
			entries = append(entries, entry{name: fmt.Sprintf("id%d#%d.mp4", id, i)})
		}
	}
	l := split(entries, true)
	if len(l.test) != 6 || len(l.train) != 24 {
		t.Fatalf("%d and %d videos, want 24 and 6", len(l.train), len(l.test))
	}
	seen := map[string]bool{}
	for _, e := range l.test {
		seen[identity(e.name)] = true
	}
	for _, e := range l.train {
		if seen[identity(e.name)] {
			t.Errorf("%s is of an identity of the test set", e.name)
		}
	}
	// One identity cannot be split: then videos are.
	if l := split(entries[:3], true); len(l.test) != 1 || len(l.train) != 2 {
		t.Errorf("one identity: %d and %d videos", len(l.train), len(l.test))
	}
}

// A name belongs to an identity if it has it before '#' or is it; names that
// only begin alike do not.
func TestIdentities(t *testing.T) {
	root := t.TempDir()
	for i, name := range []string{"id1#a.mp4", "id1#b.mp4", "id10#a.mp4", "id1", "other"} {
		folder(t, filepath.Join(root, "train", name), i, 2)
	}
	folder(t, filepath.Join(root, "test", "id1#z.mp4"), 9, 2)
	p := params(t, root)
	p.IDSampling = true
	d := open(t, p)
	var got [][]string
	for _, item := range d.items {
		var group []string
		for _, i := range item {
			group = append(group, d.train[i].name)
		}
		got = append(got, group)
	}
	want := [][]string{{"id1", "id1#a.mp4", "id1#b.mp4"}, {"id10#a.mp4"}, {"other"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	// Every video of an identity is drawn, each identity equally often.
	l := loader(t, d, LoaderParams{Seed: 1, BatchSize: 3, NumRepeats: 1})
	counts := map[string]int{}
	for i := int64(0); i < 300; i++ {
		for _, it := range batch(t, l, i).Items {
			counts[it.Name]++
		}
	}
	if counts["id10#a.mp4"] != 300 || counts["other"] != 300 {
		t.Errorf("identities of one video were drawn %v times, want 300", counts)
	}
	for _, name := range []string{"id1", "id1#a.mp4", "id1#b.mp4"} {
		if counts[name] < 70 || counts[name] > 130 {
			t.Errorf("%s was drawn %d times of 300, want about 100", name, counts[name])
		}
	}
	p.IDSampling = false
	if d := open(t, p); d.NumItems() != 5 {
		t.Errorf("without id_sampling %d items of 5 videos", d.NumItems())
	}
}

func TestOneVideoIsCutInTime(t *testing.T) {
	dir := t.TempDir()
	folder(t, filepath.Join(dir, "frames"), 3, 11)
	folder(t, filepath.Join(dir, "one", "video"), 3, 11)
	for _, root := range []string{filepath.Join(dir, "frames"), filepath.Join(dir, "one")} {
		d := open(t, params(t, root))
		l := loader(t, d, LoaderParams{Seed: 1, BatchSize: 2, NumRepeats: 2})
		seen := map[byte]bool{}
		for i := int64(0); i < 60; i++ {
			b := batch(t, l, i)
			for _, pix := range [][]byte{b.Source, b.Driving} {
				seen[pix[1]], seen[pix[1+len(pix)/2]] = true, true
			}
		}
		for i := byte(0); i < 11; i++ {
			if seen[i] != (i < 8) {
				t.Errorf("%s: frame %d seen in training: %v", root, i, seen[i])
			}
		}
		if got := frameNumbers(t, d.Test()[0]); cmp.Diff([]int{8, 9, 10}, got) != "" {
			t.Errorf("%s: test frames %v", root, got)
		}
	}
	folder(t, filepath.Join(dir, "still"), 0, 1)
	if _, err := Open(context.Background(), params(t, filepath.Join(dir, "still"))); err == nil || !strings.Contains(err.Error(), "at least 2") {
		t.Errorf("one frame: %v", err)
	}
}

// frameNumbers streams a test video of numbered frames.
func frameNumbers(t *testing.T, v TestVideo) (numbers []int) {
	t.Helper()
	r, err := v.Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		f, err := r.Next()
		if err != nil {
			if err.Error() != "EOF" {
				t.Error(err)
			}
			return numbers
		}
		numbers = append(numbers, int(f.Pix[1]))
	}
}

func TestStripsAreVideosAndLoosePicturesAreFrames(t *testing.T) {
	root := t.TempDir()
	for i := 0; i < 5; i++ {
		strip := video.NewFrame(8*3, 6)
		for y := 0; y < 6; y++ {
			for x := 0; x < 24; x++ {
				copy(strip.Pix[3*(24*y+x):], []byte{byte(i), byte(x / 8), 77})
			}
		}
		if err := video.WritePNG(filepath.Join(root, fmt.Sprintf("s%d.png", i)), strip); err != nil {
			t.Fatal(err)
		}
	}
	d := open(t, params(t, root))
	if len(d.train) != 4 || len(d.test) != 1 {
		t.Fatalf("%d and %d strips", len(d.train), len(d.test))
	}
	if got := frameNumbers(t, d.Test()[0]); cmp.Diff([]int{0, 1, 2}, got) != "" {
		t.Errorf("frames of a strip: %v", got)
	}
	checkPixels(t, d, batch(t, loader(t, d, LoaderParams{BatchSize: 4, NumRepeats: 1}), 0))

	// The same pictures for frames of another size are loose pictures.
	p := params(t, root)
	p.FrameShape = [3]int{12, 12, 3}
	if d := open(t, p); !d.files.single || d.files.train[0].kind != video.Folder {
		t.Errorf("loose pictures: %v", d)
	}
}

// checkPixels holds the pictures of a batch of numbered frames (video i is the
// i-th by name, split or not) against what its items say.
func checkPixels(t *testing.T, d *Dataset, b *Batch) {
	t.Helper()
	size := len(b.Source) / b.N
	for i, it := range b.Items {
		for k, pix := range [][]byte{b.Source[i*size:], b.Driving[i*size:]} {
			frame := []int{it.Source, it.Driving}[k]
			if int(pix[1]) != frame || pix[2] != 77 {
				t.Errorf("sample %d: pixel %v, want frame %d", i, pix[:3], frame)
			}
			if !strings.Contains(it.Name, fmt.Sprint(pix[0])) {
				t.Errorf("sample %d: pixel %v is not of %s", i, pix[:3], it.Name)
			}
		}
		if d.train[it.Video].name != it.Name {
			t.Errorf("sample %d: video %d is %s, not %s", i, it.Video, d.train[it.Video].name, it.Name)
		}
	}
}

func TestLayoutsThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	folder(t, filepath.Join(dir, "half", "train", "a"), 0, 2)
	write(t, filepath.Join(dir, "text.txt"), "x")
	write(t, filepath.Join(dir, "texts", "a.txt"), "x")
	if err := os.Mkdir(filepath.Join(dir, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	for root, want := range map[string]string{
		filepath.Join(dir, "none"):     "no such file",
		filepath.Join(dir, "half"):     "no folder test",
		filepath.Join(dir, "text.txt"): "neither a folder nor a film",
		filepath.Join(dir, "texts"):    "holds no video",
		filepath.Join(dir, "empty"):    "holds no video",
		"":                             "root_dir is empty",
		"sample:nobody":                "talking-head",
	} {
		_, err := Open(context.Background(), params(t, root))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v does not say %q", root, err, want)
		}
	}
}

// Collections are handed out as folders of folders: the films in them are not
// overlooked.
func TestFilmsInFoldersOfFolders(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"dev/mp4/id1/v1/1.mp4", "dev/mp4/id1/v2/1.mp4", "dev/mp4/id2/v1/1.mp4"} {
		write(t, filepath.Join(root, name), "a film")
	}
	for _, dir := range []string{"dev/mp4", "dev", ""} {
		_, err := Open(context.Background(), params(t, filepath.Join(root, dir)))
		for _, want := range []string{"films lie deeper, such as ", "v1/1.mp4", "prepare -- --in=" + filepath.Join(root, "dev/mp4") + " --out="} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v; want %q", dir, err, want)
			}
		}
	}
	// A folder of frames among them makes it a set of videos.
	folder(t, filepath.Join(root, "dev/mp4/frames"), 0, 3)
	if _, err := Open(context.Background(), params(t, filepath.Join(root, "dev/mp4"))); err == nil || strings.Contains(err.Error(), "lie deeper") {
		t.Errorf("with frames: %v", err)
	}
}
