package named

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/dataset/shapes"
)

// A seed in the name draws other figures of the same kind; none is seed 0.
func TestDrawingSeeds(t *testing.T) {
	seen := map[string]string{}
	for name, want := range map[string]shapes.Options{
		"shapes": {}, "shapes@0": {}, "shapes@7": {Seed: 7}, "shapes:people@7": {Seed: 7, Figures: shapes.People},
	} {
		p := dataset.DefaultParams()
		p.RootDir, p.FrameShape = name, [3]int{32, 32, 3}
		got, err := Open(context.Background(), p)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want.TrainVideos, want.TestVideos, want.Frames, want.Width, want.Height = 200, 16, 24, 32, 32
		set, err := shapes.New(want)
		if err != nil {
			t.Fatal(err)
		}
		first, err := set.Test()[0].Frame(0)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := got.Test()[0].Frames(context.Background(), 0)
		if err != nil {
			t.Fatal(err)
		}
		drawn := first.Pix
		if !bytes.Equal(opened[0].Pix, drawn) {
			t.Errorf("%s: not the drawings of seed %d", name, want.Seed)
		}
		if other, ok := seen[string(drawn)]; ok && strings.TrimSuffix(name, "@0") != strings.TrimSuffix(other, "@0") {
			t.Errorf("%s and %s are the same drawings", name, other)
		}
		seen[string(drawn)] = name
	}
	for _, name := range []string{"shapes@", "shapes@x", "shapes@-1", "shapes@1.5", "shapes@99999999999999999999", "shapes:people@", "shapes:ghosts@7"} {
		p := dataset.DefaultParams()
		p.RootDir, p.FrameShape = name, [3]int{32, 32, 3}
		if _, err := Open(context.Background(), p); err == nil || !strings.Contains(err.Error(), "seed") && !strings.Contains(err.Error(), "ghosts") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
