package evaluate

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset/shapes"
	"github.com/prioritycut/prioritycut/evaluate/joints"
	"github.com/prioritycut/prioritycut/evaluate/result"
)

// TestDetectorsKnowTheirFigures: what was trained on puppets is refused for people,
// and stands with what it was trained on in the rows of puppets.
func TestDetectorsKnowTheirFigures(t *testing.T) {
	o := joints.DefaultOptions(shapes.Puppets)
	o.Width, o.Height, o.Steps, o.Batch, o.HeldOut, o.Session.Device = testSide, testSide, 1, 2, 1, "cpu"
	d, err := joints.Train(context.Background(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	path := filepath.Join(t.TempDir(), "joints")
	if err := d.Save(path, joints.Errors{}); err != nil {
		t.Fatal(err)
	}
	dir, _ := tablesOfKeypoints(t)
	q := predictions(t, dir)
	q.KeypointModel, q.Data = path, config.People
	var refused *RequestError
	if _, err := Run(context.Background(), q); !errors.As(err, &refused) || !strings.Contains(err.Error(), "was trained on shapes and does not know the figures of shapes:people") {
		t.Errorf("people by a detector of puppets: %v", err)
	}
	q.Data = config.Shapes
	got := mustRun(t, q)
	if r := got.Run; !strings.HasSuffix(r.KeypointsReal, "(joints of shapes)") || r.KeypointsGenerated != r.KeypointsReal || len(got.Doubts) != 0 {
		t.Errorf("keypoints by %q and %q, doubts %q", r.KeypointsReal, r.KeypointsGenerated, got.Doubts)
	}
}

// TestDoubts: what cannot be told to be wrong is told to be doubtful.
func TestDoubts(t *testing.T) {
	puppets := &joints.Description{TrainedOn: config.Shapes}
	for name, c := range map[string]struct {
		detector detector
		data     string
		doubt    string
	}{
		"the same":           {detector{drawn: puppets, h: 64, w: 64}, config.Shapes, ""},
		"of another seed":    {detector{drawn: puppets, h: 64, w: 64}, "shapes@7", ""},
		"another size":       {detector{drawn: puppets, h: 32, w: 32}, config.Shapes, "trained on pictures of 32x32 pixels, those of 64x64"},
		"a folder":           {detector{drawn: puppets, h: 64, w: 64}, "frames", "unless frames shows these figures"},
		"photographs' own":   {detector{networks: "movenet"}, "frames", ""},
		"drawn, photographs": {detector{networks: "movenet"}, config.People, "was trained on photographs"},
		"of somebody":        {detector{}, config.People, ""},
	} {
		doubt, err := c.detector.knows(&result.Run{Protocol: result.Protocol{Data: c.data, Width: 64, Height: 64}})
		if err != nil || (c.doubt == "") != (doubt == "") || !strings.Contains(doubt, c.doubt) {
			t.Errorf("%s: %q, %v", name, doubt, err)
		}
	}
}
