package prepare

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/video"
)

func readText(t *testing.T, text string) ([]cut, []mistake, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cuts.csv")
	write(t, path, text)
	return readCuts(path, InFrames)
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
	want := []cut{
		{line: 2, video: "a.mp4", partition: train, start: moment{10, InFrames, false}, end: moment{40, InFrames, false}, box: &[4]float64{1, 2, 30.5, 40}},
		{line: 3, video: "a.mp4", start: moment{1.5, InSeconds, false}, end: moment{62.5, InSeconds, false}},
		{line: 4, video: "b.mp4", partition: test, start: moment{0, InFrames, true}, end: moment{90, InFrames, false}},
	}
	if diff := cmp.Diff(want, cuts, cmp.AllowUnexported(cut{}, moment{}, reference{})); diff != "" {
		t.Error(diff)
	}
	reasons := []string{"not after start", "all four or none", "must be positive", "`times`=seconds", "train, test or empty", "2 fields", "names no video", "no time", "bare \""}
	if len(mistakes) != len(reasons) {
		t.Fatalf("%d mistakes: %v", len(mistakes), mistakes)
	}
	for i, m := range mistakes {
		if m.line != 5+i || !strings.Contains(m.reason, reasons[i]) {
			t.Errorf("line %d: %s; want line %d and %q", m.line, m.reason, 5+i, reasons[i])
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
		write(t, path, text)
		cuts, mistakes, err := readCuts(path, InSeconds)
		if err != nil || len(mistakes) > 0 || len(cuts) != 1 || cuts[0].video != "a" || cuts[0].start.value != want || cuts[0].line < 2 {
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
	if err != nil || len(cuts) != 1 || len(mistakes) != 1 || !strings.Contains(mistakes[0].reason, "right and bottom") {
		t.Fatalf("%v, %v, %v", cuts, mistakes, err)
	}
	c := cuts[0]
	if c.video != "abc" || c.identity != "id1" || c.partition != train || c.name != "id1#abc#000025#000075" {
		t.Errorf("%+v", c)
	}
	// Without a column for persons the video may name one, or nobody does.
	cuts, _, err = readText(t, "video_id,start,end,bbox,fps,width,height\n-abc#id7,25,75,0-0-9-9,25,640,360\n-abc,25,1234567,0-0-9-9,25,640,360\n")
	if err != nil || len(cuts) != 2 || cuts[0].identity != "id7" || cuts[0].name != "id7#-abc#000025#000075" || cuts[1].identity != "" {
		t.Errorf("%+v, %v", cuts, err)
	}
	named := []*clip{{in: newInput("", "-abc.mp4", film), identity: "-abc", partition: test, span: span{50, 60}, record: -1, given: cuts[1].name}}
	if nameClips(named); named[0].file(PNG) != "test/-abc#000025#1234567.mp4" {
		t.Errorf("%s", named[0].file(PNG))
	}
	info := video.Info{W: 1280, H: 720, Rate: 50}
	box, inside := boxIn(*c.box, c.ref, info)
	if want := (rect{200, 100, 640, 620}); box != want || !inside {
		t.Errorf("box %v, want %v", box, want)
	}
	k := &clock{in: &input{info: info}, rate: 50}
	if n, err := k.frame(c.start, c.ref.fps); n != 50 || err != nil {
		t.Errorf("frame 25 of 25 a second is frame %d of 50 a second, want 50; %v", n, err)
	}
	// Edges are rounded down, as the published scripts do.
	if box, _ := boxIn([4]float64{11, 21, 30, 40}, c.ref, video.Info{W: 320, H: 180}); box != (rect{5, 10, 15, 20}) {
		t.Errorf("a box in half the size is %v", box)
	}
	// 29.97 of the lists is 30000/1001: no frame is lost far into a film.
	k.rate = 30000.0 / 1001
	for _, n := range []float64{0, 80, 20000, 98000} {
		if got, err := k.frame(moment{value: n, unit: InFrames}, 29.97); got != int(n) || err != nil {
			t.Errorf("frame %v at 29.97 a second is frame %d; %v", n, got, err)
		}
	}
	if _, inside := boxIn([4]float64{2000, 0, 100, 100}, reference{}, info); inside {
		t.Error("a box outside of the picture lies inside")
	}
	if box, _ := boxIn([4]float64{-50, 650, 150, 300}, reference{}, info); box != (rect{0, 650, 100, 70}) {
		t.Errorf("a box across the edge becomes %v", box)
	}
}

func FuzzReadCuts(f *testing.F) {
	f.Add("video,start\na,1\n")
	f.Add("video,start\na\"b,1\n\"c,1\n")
	f.Add("video_id,start,end,bbox,fps,width,height\na,1,2,1-2-3-4,25,10,10\n")
	f.Fuzz(func(t *testing.T, text string) { _, _, _ = readText(t, text) })
}
