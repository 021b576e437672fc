package cutlist

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func readText(t *testing.T, text string) ([]Cut, []Mistake, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cuts.csv")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return Read(path, Frames)
}

func TestReadCuts(t *testing.T) {
	cuts, mistakes, err := readText(t, "\ufeffvideo;partition;start;end;left;top;width;height\n"+
		"a.mp4;train;10;40;1;2;30.5;40\n"+
		"a.mp4;;1.5s;1:02.5;;;;\n"+
		"b.mp4;test;;90f;;;;\n"+
		"c.mp4;train;5;5;;;;\n"+ // line 5
		"c.mp4;train;5;20;1;2;3;\n"+
		"c.mp4;train;5;20;1;2;0;4\n"+
		"c.mp4;train;5.5;20;;;;\n"+
		"c.mp4;valid;5;20;;;;\n"+
		"c.mp4;train\n"+ // line 10
		";train;5;20;;;;\n"+
		"c.mp4;train;-5;20;;;;\n"+
		"c\"x;train;5;20;;;;\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []Cut{
		{Line: 2, Video: "a.mp4", Partition: "train", Start: Moment{10, Frames, false}, End: Moment{40, Frames, false}, Box: &[4]float64{1, 2, 30.5, 40}},
		{Line: 3, Video: "a.mp4", Start: Moment{1.5, Seconds, false}, End: Moment{62.5, Seconds, false}},
		{Line: 4, Video: "b.mp4", Partition: "test", Start: Moment{0, Frames, true}, End: Moment{90, Frames, false}},
	}
	if diff := cmp.Diff(want, cuts); diff != "" {
		t.Error(diff)
	}
	reasons := []string{"not after start", "all four or none", "must be positive", "`times`=seconds", "train, test or empty", "2 fields", "names no video", "no time", "bare \""}
	if len(mistakes) != len(reasons) {
		t.Fatalf("%d mistakes: %v", len(mistakes), mistakes)
	}
	for i, m := range mistakes {
		if m.Line != 5+i || !strings.Contains(m.Reason, reasons[i]) {
			t.Errorf("line %d: %s; want line %d and %q", m.Line, m.Reason, 5+i, reasons[i])
		}
	}
}

// Spreadsheets save in ways of their own: decimal commas go with semicolons.
func TestReadCutsOfSpreadsheets(t *testing.T) {
	const utf16 = "\xff\xfev\x00i\x00d\x00e\x00o\x00\t\x00s\x00t\x00a\x00r\x00t\x00\r\x00\n\x00a\x00\t\x001\x00s\x00\r\x00\n\x00"
	for text, want := range map[string]float64{
		"video;start\r\na;1,5\r\n": 1.5, "sep=;\nVideo;Start\na;1,5\n": 1.5, "video\tstart\ra\t2\r": 2, utf16: 1,
	} {
		path := filepath.Join(t.TempDir(), "cuts.csv")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		cuts, mistakes, err := Read(path, Seconds)
		if err != nil || len(mistakes) > 0 || len(cuts) != 1 || cuts[0].Video != "a" || cuts[0].Start.Value != want || cuts[0].Line < 2 {
			t.Errorf("%q: %+v, %v, %v", text, cuts, mistakes, err)
		}
	}
}

func TestUnknownColumns(t *testing.T) {
	for text, want := range map[string]string{
		"video,identiy\n":           "did you mean identity?",
		"video,colour\n":            "the columns are video,identity",
		"identity,start\n":          "column video is missing",
		"video,video\n":             "twice",
		"video_id,start,end,box\n":  "did you mean bbox?",
		"video_id,start,end,bbox\n": "column fps is missing",
		"":                          "columns video,identity,start",
	} {
		if _, _, err := readText(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// A line of the published lists: a box of corners in a picture of another size,
// frames at another rate.
func TestPublishedList(t *testing.T) {
	cuts, mistakes, err := readText(t, "video_id,start,end,bbox,fps,width,height,partition,person_id\n"+
		"abc,25,75,100-50-420-360,25,640,360,train,id1\n"+
		"abc#7,25,75,420-50-100-360,25,640,360,train,id1\n")
	if err != nil || len(cuts) != 1 || len(mistakes) != 1 || !strings.Contains(mistakes[0].Reason, "right and bottom") {
		t.Fatalf("%v, %v, %v", cuts, mistakes, err)
	}
	c := cuts[0]
	if c.Video != "abc" || c.Identity != "id1" || c.Partition != "train" || c.Name != "id1#abc#000025#000075" ||
		*c.Box != [4]float64{100, 50, 320, 310} || c.Ref != (Reference{25, 640, 360}) {
		t.Errorf("%+v", c)
	}
	// Without a column for persons the video may name one, or nobody does.
	cuts, _, err = readText(t, "video_id,start,end,bbox,fps,width,height\n-abc#id7,25,75,0-0-9-9,25,640,360\n-abc,25,1234567,0-0-9-9,25,640,360\n")
	if err != nil || len(cuts) != 2 || cuts[0].Identity != "id7" || cuts[0].Name != "id7#-abc#000025#000075" || cuts[1].Identity != "" || cuts[1].Name != "-abc#000025#1234567" {
		t.Errorf("%+v, %v", cuts, err)
	}
}

func FuzzReadCuts(f *testing.F) {
	f.Add("video,start\na,1\n")
	f.Add("video,start\na\"b,1\n\"c,1\n")
	f.Add("video_id,start,end,bbox,fps,width,height\na,1,2,1-2-3-4,25,10,10\n")
	f.Fuzz(func(t *testing.T, text string) { _, _, _ = readText(t, text) })
}
