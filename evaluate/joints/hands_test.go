package joints

import (
	"context"
	"testing"

	"github.com/prioritycut/prioritycut/dataset/shapes"
)

// TestHands trains for a third of the default's steps, on the default's pictures:
// even so no joint is hidden. In real frames of unseen videos no more than 2 % of
// any joint are missing, and wrists are half a pixel off at most: what is asked of
// every size after the default's steps (TestEverySize, by hand).
func TestHands(t *testing.T) {
	o := DefaultOptions(shapes.Puppets)
	o.Steps, o.HeldOut = o.Steps/3, 192
	o.Session.Device = "cpu"
	trained(t, o)
}

// trained trains a detector and holds every joint to what is wanted.
func trained(t *testing.T, o Options) {
	t.Helper()
	d, err := Train(context.Background(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	own, err := d.Measure(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%dx%d %s: %v", o.Width, o.Height, d.description(own).TrainedOn, own)
	for j, e := range own.Joints {
		missing := 100 - percent(e.Found, e.Visible)
		t.Logf("%-14s %.2f pixels, %.1f %% missing of %d", e.Joint, e.Pixels, missing, e.Visible)
		hand := j == int(shapes.LeftWrist) || j == int(shapes.RightWrist)
		if e.Visible == 0 || missing > mostMissing || hand && e.Pixels > mostWristPixels {
			t.Errorf("%+v, %.1f %% missing", e, missing)
		}
	}
	// A detector that calls all joints visible would miss none.
	if hidden := percent(own.FalseVisible, own.Hidden); hidden > mostFalse {
		t.Errorf("%.1f %% of the hidden joints are called visible", hidden)
	}
}

// mostFalse is how many percent of the hidden joints may be called visible: many
// lie within a pixel of where they would be seen.
const mostFalse = 50
