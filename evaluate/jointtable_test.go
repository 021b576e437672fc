package evaluate

import (
	"bytes"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/evaluate/metric"
	"github.com/prioritycut/prioritycut/evaluate/result"
)

func TestJointTable(t *testing.T) {
	dir := t.TempDir()
	open := func() *jointTable {
		table, err := openJoints(result.Run{Protocol: result.Protocol{KeypointsReal: FromTruth}}, result.Folder(dir), false, (&Request{MaxFailedWrites: 1}).writing())
		if err != nil {
			t.Fatal(err)
		}
		return table
	}
	at := func(x, y float64) metric.Point { return metric.Point{X: x, Y: y} }
	gone := metric.Point{Missing: true}
	table := open()
	table.begin()
	table.add([]metric.Point{at(1, 1), at(5, 5), gone}, []metric.Point{at(2, 4), gone, at(0, 0)})
	table.add([]metric.Point{at(1, 1), at(5, 5), gone}, []metric.Point{at(1, 1), at(5, 9), gone})
	if err := table.done("a"); err != nil {
		t.Fatal(err)
	}
	table.begin()
	table.add([]metric.Point{at(0, 0), at(0, 0), at(0, 0)}, []metric.Point{at(9, 9), at(9, 9), at(9, 9)}) // and cut short
	table = open()
	table.begin()
	table.add([]metric.Point{at(0, 0), gone, gone}, []metric.Point{at(6, 0), gone, gone})
	if err := table.done("b"); err != nil {
		t.Fatal(err)
	}
	if err := open().done("c"); err != nil { // without frames
		t.Fatal(err)
	}
	rows, err := result.ReadJoints(result.Folder(dir).Joints())
	if err != nil || len(rows) != 6 || rows[0].Video != "a" || float64(rows[0].Distance) != 1 || rows[1].Lacking != 1 || rows[2].Distance.Known() {
		t.Fatalf("%v, %+v", err, rows)
	}
	got := JointMeans(rows)
	want := []result.JointRow{
		{FormatVersion: result.FormatVersion, Joint: 0, Distance: result.Value(5. / 3), Frames: 3, Shown: 3}, // (2+0+3)/3
		{FormatVersion: result.FormatVersion, Joint: 1, Distance: 2, Frames: 1, Shown: 2, Lacking: 1},
		{FormatVersion: result.FormatVersion, Joint: 2, Distance: result.Absent()},
	}
	close := cmp.Comparer(func(a, b result.Value) bool { return a.Known() == b.Known() && !(math.Abs(float64(a-b)) > 1e-12) })
	if diff := cmp.Diff(want, got, close); diff != "" {
		t.Error(diff)
	}
	var b bytes.Buffer
	writeJoints(&b, got, false)
	if text := strings.Join(strings.Fields(b.String()), " "); text != "keypoint AKD ↓ MKR ↓ frames 0 1.667 0.000 3 1 2.000 0.500 1 2 0" {
		t.Errorf("%q", text)
	}
	if _, err := result.ReadJoints(filepath.Join(dir, "none.csv")); err != nil {
		t.Errorf("no table: %v", err)
	}
}
