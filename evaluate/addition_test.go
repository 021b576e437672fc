package evaluate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/evaluate/result"
)

// tablesOfKeypoints writes keypoints of two noisy videos: those of generated
// frames are a pixel off in both directions.
func tablesOfKeypoints(t *testing.T) (predicted, tables string) {
	t.Helper()
	predicted, tables = t.TempDir(), t.TempDir()
	real, made := "video,frame,x0,y0\n", "video,frame,x0,y0\n"
	for v := 0; v < 2; v++ {
		name, frames := noisy(t, v)
		writePNG(t, strip(frames), predicted, name+".png")
		for i := range frames {
			real += fmt.Sprintf("%s,%d,%d,5\n", name, i, i)
			made += fmt.Sprintf("%s,%d,%d,6\n", name, i, i+1)
		}
	}
	for name, text := range map[string]string{realTable: real, generatedTable: made} {
		if err := os.WriteFile(filepath.Join(tables, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return predicted, tables
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestColumnsAreAdded measures without keypoints, then with them: what was there
// stays as it was, also while the addition is stopped, and asking for less
// later takes nothing away.
func TestColumnsAreAdded(t *testing.T) {
	dir, tables := tablesOfKeypoints(t)
	q := predictions(t, dir)
	before := mustRun(t, q)
	frames, summary := frameRows(t, before), content(t, before.Folder.Summary())

	with := q
	with.Keypoints = tables
	stop, cancel := context.WithCancel(context.Background())
	defer cancel()
	e, err := prepare(stop, &with)
	if err != nil {
		t.Fatal(err)
	}
	e.subject = &stopping{subject: e.subject, after: 30, stop: cancel}
	if _, err := e.run(stop); !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled run gives %v", err)
	}
	if err := e.close(); err != nil {
		t.Fatal(err)
	}
	if got := content(t, before.Folder.Summary()); got != summary {
		t.Error("an addition that was stopped changes the evaluation")
	}

	o := mustRun(t, with)
	if o.Resumed != 1 || o.Folder != before.Folder || o.Summary[7].Mean != 1 || o.Summary[8].Mean != 0 || o.Joints[0].Frames != 48 {
		t.Errorf("%d videos kept, AKD %v, MKR %v, joints %+v", o.Resumed, o.Summary[7].Mean, o.Summary[8].Mean, o.Joints)
	}
	got := frameRows(t, o)
	for i := range got {
		if got[i].AKD != 1 {
			t.Fatalf("frame %d: AKD %v", i, got[i].AKD)
		}
		got[i].AKD, got[i].MKR = result.Absent(), result.Absent()
	}
	if diff := cmp.Diff(frames, got, equalValues); diff != "" {
		t.Errorf("other columns (-before +after):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(q.Out, "added")); err == nil {
		t.Error("the addition's own folder is left")
	}

	less := mustRun(t, q)
	if less.Resumed != 2 || less.Summary[7].Mean != 1 || less.Run.KeypointsReal != o.Run.KeypointsReal {
		t.Errorf("asked for less: %d kept, AKD %v by %s", less.Resumed, less.Summary[7].Mean, less.Run.KeypointsReal)
	}
	q.NumVideos = 3
	var refused *RequestError
	if _, err := Run(context.Background(), q); !errors.As(err, &refused) || !strings.Contains(err.Error(), "real.csv@") {
		t.Errorf("a further video without its keypoints gives %v", err)
	}
}

// TestAdditionsThatWouldLose: fewer videos, and videos that have changed.
func TestAdditionsThatWouldLose(t *testing.T) {
	dir, tables := tablesOfKeypoints(t)
	q := predictions(t, dir)
	mustRun(t, q)
	q.Keypoints, q.NumVideos = tables, 1
	var refused *RequestError
	if _, err := Run(context.Background(), q); !errors.As(err, &refused) || !strings.Contains(err.Error(), "`num_videos`=2") {
		t.Errorf("an addition of fewer videos gives %v", err)
	}
}

// TestAdditionOfRowsWithoutFrames: where no frames were kept the means stay.
func TestAdditionOfRowsWithoutFrames(t *testing.T) {
	dir, tables := tablesOfKeypoints(t)
	q := predictions(t, dir)
	q.NoFrames = true
	before := mustRun(t, q)
	q.Keypoints = tables
	o := mustRun(t, q)
	if o.Summary[0].Mean != before.Summary[0].Mean || o.Summary[7].Mean != 1 || o.HasFrames {
		t.Errorf("L1 %v, was %v; AKD %v", o.Summary[0].Mean, before.Summary[0].Mean, o.Summary[7].Mean)
	}
}
