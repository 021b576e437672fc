package evaluate

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/detectors"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
	"github.com/prioritycut/prioritycut/video"
)

// plain is a frame of one colour.
func plain(w, h int, r, g, b byte) *video.Frame {
	f := video.NewFrame(w, h)
	for i := 0; i < len(f.Pix); i += 3 {
		f.Pix[i], f.Pix[i+1], f.Pix[i+2] = r, g, b
	}
	return f
}

// testRegional writes a model whose region is (mean red, 0, 0, 0, mean blue) and
// whose keypoint in a region is (the region's first value, mean green, the
// region's confidence). Without half it lacks one of the two signatures.
func testRegional(t *testing.T, half bool) string {
	t.Helper()
	s := graph.New(tensorflow.Float)
	image := s.Placeholder("image", tensorflow.Float, -1, -1, -1, 3)
	told := s.Placeholder("region", tensorflow.Float, -1, regionWidth)
	means := s.Mean(image, 1, 2)
	at := func(x tensorflow.Output, i int) tensorflow.Output { return s.Slice(x, []int{0, i}, []int{-1, 1}) }
	zero := s.Scale(at(means, 0), 0)
	found := s.Concat(1, at(means, 0), zero, zero, zero, at(means, 2))
	point := func(region tensorflow.Output) tensorflow.Output {
		return s.Reshape(s.Concat(1, at(region, 0), at(means, 1), at(region, 4)), -1, 1, 3)
	}
	alone, inside := point(found), point(told)
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	def, err := tf.GraphDefOf(s.Graph())
	if err != nil {
		t.Fatal(err)
	}
	specs := func(name string, o tensorflow.Output) map[string]savedmodel.TensorSpec {
		return map[string]savedmodel.TensorSpec{name: savedmodel.SpecOf(o)}
	}
	both := specs(detectors.ImageName, image)
	both[detectors.RegionName] = savedmodel.SpecOf(told)
	signatures := []savedmodel.SignatureDef{
		{Name: savedmodel.DefaultSignature, Inputs: specs("image", image), Outputs: specs("keypoints", alone)},
		{Name: detectors.FindRegion, Inputs: specs(detectors.ImageName, image), Outputs: specs(detectors.RegionName, found)},
	}
	if !half {
		signatures = append(signatures, savedmodel.SignatureDef{Name: detectors.InRegion, Inputs: both, Outputs: specs("keypoints", inside)})
	}
	dir := filepath.Join(t.TempDir(), "regional")
	if err := savedmodel.Write(dir, savedmodel.Def{Graph: def, Signatures: signatures}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestPairIsSeenInOnePlace: a prediction is looked at where the real frame has
// what is looked for, and nowhere when that has it nowhere.
func TestPairIsSeenInOnePlace(t *testing.T) {
	p, err := openVectors(keypointVectors, "", testRegional(t, false), nil, tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	frames := []*video.Frame{plain(8, 6, 51, 0, 204), plain(8, 6, 51, 0, 102), plain(8, 6, 51, 0, 204)}
	made := []guess{{frame: plain(8, 6, 255, 153, 0)}, {frame: plain(8, 6, 255, 153, 255)}, {}}
	real, generated, err := p.of(0, frames, made)
	if err != nil {
		t.Fatal(err)
	}
	want := [2][]float32{{0.2, 0, 0.8}, {0.2, 0.6, 0.8}}
	for k, got := range [2][]float32{real[0], generated[0]} {
		for i := range want[k] {
			if math.Abs(float64(got[i]-want[k][i])) > 1e-6 {
				t.Errorf("vectors %v of a pair, want %v", got, want[k])
				break
			}
		}
	}
	for i := 1; i < 3; i++ {
		if real[i] != nil || generated[i] != nil {
			t.Errorf("frame %d: %v, %v; nothing is there", i, real[i], generated[i])
		}
	}
}

func TestHalfARegionalDetector(t *testing.T) {
	_, err := openVectors(keypointVectors, "", testRegional(t, true), nil, tf.SessionConfig{Device: "cpu"})
	if err == nil || !strings.Contains(err.Error(), detectors.InRegion) {
		t.Errorf("a model without %s: %v", detectors.InRegion, err)
	}
}

// TestMaskModel: pixels are salient from 0.5 on, in frames of any size, and the
// word in the tables tells the model.
func TestMaskModel(t *testing.T) {
	model := func(side int64) string {
		s := graph.New(tensorflow.Float)
		image := s.Placeholder("image", tensorflow.Float, -1, side, side, 3)
		mask := s.Mean(image, 3)
		if err := s.Err(); err != nil {
			t.Fatal(err)
		}
		def, err := tf.GraphDefOf(s.Graph())
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "bright")
		err = savedmodel.Write(dir, savedmodel.Def{Graph: def, Signatures: []savedmodel.SignatureDef{{
			Name:    savedmodel.DefaultSignature,
			Inputs:  map[string]savedmodel.TensorSpec{"image": savedmodel.SpecOf(image)},
			Outputs: map[string]savedmodel.TensorSpec{"mask": savedmodel.SpecOf(mask)},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	s, err := newModelSaliency(model(-1), "", "", 3, 2, tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	f := plain(3, 2, 127, 127, 127)
	copy(f.Pix[3*4:], []byte{128, 128, 128})
	got, err := s.mask(0, f, guess{})
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != "\x00\x00\x00\x00\x01\x00" || !strings.HasPrefix(s.from, "bright@") {
		t.Errorf("mask %v from %s", got, s.from)
	}
	if _, err := newModelSaliency(model(8), "", "", 3, 2, tf.SessionConfig{}); err == nil || !strings.Contains(err.Error(), "one size only") {
		t.Errorf("a model of one size: %v", err)
	}
}
