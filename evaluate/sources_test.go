package evaluate

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/dataset/shapes"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/video"
)

// TestMasksOfAFolder gives the drawn masks as pictures: the rows are those of
// the truth.
func TestMasksOfAFolder(t *testing.T) {
	dir, masks := t.TempDir(), t.TempDir()
	set := drawnTest(t)
	for v := 0; v < 2; v++ {
		name, frames := noisy(t, v)
		writePNG(t, strip(frames), dir, name+".png")
		drawn, err := set.Video(shapes.Test, v)
		if err != nil {
			t.Fatal(err)
		}
		for i := range frames {
			truth, err := drawn.Truth(i)
			if err != nil {
				t.Fatal(err)
			}
			f := video.NewFrame(testSide, testSide)
			for j, m := range truth.Foreground() {
				for c := 0; c < 3; c++ {
					f.Pix[3*j+c] = m * 255
				}
			}
			if v == 1 && i == 5 {
				continue // one is missing
			}
			writePNG(t, f, masks, name, fmt.Sprintf("%d.png", i))
		}
	}
	want := frameRows(t, mustRun(t, predictions(t, dir)))
	q := predictions(t, dir)
	q.Masks = masks
	o := mustRun(t, q)
	got := frameRows(t, o)
	gone := want[24+5]
	gone.PSNRSalient, gone.PSNRNonSalient, gone.SSIMSalient, gone.SSIMNonSalient = result.Absent(), result.Absent(), result.Absent(), result.Absent()
	want[24+5] = gone
	if diff := cmp.Diff(want, got, equalValues); diff != "" {
		t.Errorf("(-truth +folder):\n%s", diff)
	}
	if s := o.Summary[2]; s.Missing != 1 || s.Masks != masks || s.MissingFrames != 0 {
		t.Errorf("%+v", s)
	}
	// Labels of 0 and 1 are no black and white pictures.
	labels := video.NewFrame(testSide, testSide)
	labels.Pix[0], labels.Pix[1], labels.Pix[2] = 1, 1, 1
	writePNG(t, labels, masks, "test-0000", "0.png")
	q.Out = filepath.Join(t.TempDir(), "labels")
	if _, err := Run(context.Background(), q); err == nil || !strings.Contains(err.Error(), "the mask of frame 0 in "+filepath.Join(masks, "test-0000")) {
		t.Errorf("a mask of labels gives %v", err)
	}
	// The model's own masks are told apart by the threshold.
	m := request(t, testModel(t, 1))
	m.Masks, m.NumVideos = FromModel, 1
	if s := mustRun(t, m).Summary[2]; s.Masks != FromModel || s.BGThreshold != 0.3 || s.Frames+s.Infinite != 24 {
		t.Errorf("%+v", s)
	}
}

// TestTables reads keypoints and embeddings that others found.
func TestTables(t *testing.T) {
	dir, tables := t.TempDir(), t.TempDir()
	name, frames := noisy(t, 0)
	writePNG(t, strip(frames), dir, name+".png")
	write := func(table, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(tables, table), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("real.csv", "video,frame,x0,y0,x1,y1\nelse,0,1,1,1,1\n"+name+",0,1,2,3,4\n"+name+",1,1,2,-1,-1\n"+name+",2,1,2,3,4\nelse,1,1,1,1,1\n"+name+",3,5,5,5,5\n")
	// As a spreadsheet saves it.
	write("generated.csv", "\ufeffvideo;frame;x0;y0;x1;y1\r\n"+name+";3;5,0;5;;\r\n"+name+";0;2;4;3;4\r\n"+name+";1;1;2;9;9\r\n")
	q := predictions(t, dir)
	q.NumVideos, q.Keypoints = 1, tables
	o := mustRun(t, q)
	rows := frameRows(t, o)
	nan := math.NaN()
	for i, want := range [][2]float64{{0.75, 0}, {0, 0}, {nan, 1}, {0, 0.5}, {nan, nan}} {
		for k, got := range []result.Value{rows[i].AKD, rows[i].MKR} {
			if float64(got) != want[k] && (got.Known() || !math.IsNaN(want[k])) {
				t.Errorf("frame %d, value %d: %v, want %v", i, k, got, want[k])
			}
		}
	}
	if r := o.Run; r.KeypointsGenerated != "table" || !strings.HasPrefix(r.KeypointsReal, "real.csv@") || !strings.Contains(r.Inputs, " generated.csv@") {
		t.Errorf("%+v", r)
	}
	// Another table is another evaluation.
	write("generated.csv", "video,frame,x0,y0,x1,y1\n"+name+",3,5,5,,\n")
	if _, err := Run(context.Background(), q); err == nil || !strings.Contains(err.Error(), "inputs") {
		t.Errorf("another table gives %v", err)
	}
	q.Out, q.DataKind = filepath.Join(t.TempDir(), "faces"), result.Faces
	if o := mustRun(t, q); o.Summary[8].Frames != 0 || o.Summary[7].Frames != 1 {
		t.Errorf("faces: MKR of %d frames, AKD of %d", o.Summary[8].Frames, o.Summary[7].Frames)
	}
	for text, want := range map[string]string{
		"":                              "no header",
		"video,frame,x0\n":              "header must be video,frame,x0,y0",
		"frame,video,x0,y0\n":           "header must be",
		"video,frame,x,y\nelse,0,1,1\n": "none of the 1 test videos",
		"video,frame,x,y\n" + name + ",0,1,nan\n":                   `line 2: "nan" is no number`,
		"video,frame,x,y\n" + name + ",zero,1,1\n":                  `"zero" is no number of a frame`,
		"video,frame,x,y\n" + name + ",0,1,1\n" + name + ",0,1,1\n": "two rows of frame 0",
		"video,frame,x,y\n" + name + ",24,1,1\n":                    "frame 24 of video test-0000, whose last frame is 23: frames count from 0",
		"video,frame,x,y\n" + name + ",0,1\n":                       "3 fields, the header names 4 columns",
		"video,frame,x0,y0\n" + name + ",3,1,1\n":                   "2 keypoints in the real frame, 1 in the generated",
	} {
		write("generated.csv", text)
		q.Out = filepath.Join(t.TempDir(), "bad")
		if _, err := Run(context.Background(), q); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	write("generated.csv", "video,frame,e0,e1\n"+name+",0,3,4\n"+name+",1,,\n")
	write("real.csv", "video,frame,e0,e1\n"+name+",0,0,0\n"+name+",1,1,1\n")
	q.Keypoints, q.Embeddings, q.Out = "", tables, filepath.Join(t.TempDir(), "aed")
	o = mustRun(t, q)
	if s := o.Summary; s[9].Mean != 25 || s[10].Mean != 5 || s[9].Frames != 1 || s[7].Mean.Known() {
		t.Errorf("AED %v and %v of %d frames", s[9].Mean, s[10].Mean, s[9].Frames)
	}
}

// TestNothingInCommon measures with tables whose detections never meet, and
// says how many there were.
func TestNothingInCommon(t *testing.T) {
	dir, tables := t.TempDir(), t.TempDir()
	name, frames := noisy(t, 0)
	writePNG(t, strip(frames), dir, name+".png")
	for table, rows := range map[string]string{
		realTable:      "video,frame,x0,y0,x1,y1\n" + name + ",0,1,2,-1,-1\n" + name + ",1,1,2,-1,-1\n",
		generatedTable: "video,frame,x0,y0,x1,y1\n" + name + ",0,-1,-1,3,4\n",
	} {
		if err := os.WriteFile(filepath.Join(tables, table), []byte(rows), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	q := predictions(t, dir)
	q.NumVideos, q.Keypoints = 1, tables
	for kind, wants := range map[string][]string{
		result.Bodies: {"MKR ↓", "1.0000", "AKD: none of 24 frames has a keypoint that was found in the real and in the generated one; in 2 real frames there was one"},
		result.Faces:  {"AKD: none of 24 frames has a keypoint that was found in the real and in the generated one. Does"},
	} {
		q.DataKind, q.Out = kind, filepath.Join(t.TempDir(), kind)
		var text strings.Builder
		if err := WriteReport(&text, mustRun(t, q)); err != nil {
			t.Fatal(err)
		}
		for _, want := range append(wants, "AKD ↓") {
			if !strings.Contains(text.String(), want) {
				t.Errorf("%s: %q is not in\n%s", kind, want, text.String())
			}
		}
		if strings.Contains(text.String(), "MKR ↓") != (kind == result.Bodies) {
			t.Errorf("%s:\n%s", kind, text.String())
		}
	}
}

// TestNamesInTables: programs of others tell of a video under its name, without
// its ending, or under that of the file that they read.
func TestNamesInTables(t *testing.T) {
	own, other := []part{{1, 2}}, []part{{3, 4}}
	for _, name := range []string{"a.mp4", "a", "a.mp4.png", "a.png", "a.mkv"} {
		table := &vectorTable{parts: map[string][]part{name: own, "b.mp4": other, "aa": other}}
		if diff := cmp.Diff(own, table.of("a.mp4"), cmp.AllowUnexported(part{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	table := &vectorTable{parts: map[string][]part{"a.mp4": own, "a": other}}
	if got := table.of("a.mp4"); got[0] != own[0] {
		t.Errorf("the video's own name comes second: %v", got)
	}
	if got := table.of("c"); got != nil {
		t.Errorf("rows %v of another video", got)
	}
}
