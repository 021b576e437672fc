package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/detectors"
	"github.com/prioritycut/prioritycut/evaluate"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
	"github.com/prioritycut/prioritycut/video"
)

// standIns puts small models where the detectors of published networks are kept:
// a face is everywhere, with one landmark at (mean red, mean green), an embedding
// of the mean colours, and the foreground is what is bright.
func standIns(t *testing.T) {
	t.Helper()
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	for _, name := range []string{detectors.FaceLandmarks, detectors.FaceIdentity, detectors.BodyJoints, detectors.Foreground} {
		d, err := detectors.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		def := standIn(t, d.Kind)
		if err := savedmodel.Write(d.Folder(filepath.Join(cache, "prioritycut", "detectors")), def); err != nil {
			t.Fatal(err)
		}
	}
}

func standIn(t *testing.T, kind detectors.Kind) savedmodel.Def {
	t.Helper()
	s := graph.New(tensorflow.Float)
	image := s.Placeholder("image", tensorflow.Float, -1, -1, -1, 3)
	told := s.Placeholder("region", tensorflow.Float, -1, 5)
	means := s.Mean(image, 1, 2)
	column := s.Slice(means, []int{0, 0}, []int{-1, 1})
	one := s.Shift(s.Scale(column, 0), 1)
	region := s.Concat(1, one, one, one, one, one)
	found := map[detectors.Kind]tensorflow.Output{
		detectors.Keypoints: s.Reshape(s.Concat(1, s.Slice(means, []int{0, 0}, []int{-1, 2}), one), -1, 1, 3),
		detectors.Embedding: means,
		detectors.Mask:      s.Mean(image, 3),
	}[kind]
	within := s.Add(found, s.Scale(s.Sum(told), 0))
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	def, err := tf.GraphDefOf(s.Graph())
	if err != nil {
		t.Fatal(err)
	}
	specs := func(pairs ...any) map[string]savedmodel.TensorSpec {
		m := map[string]savedmodel.TensorSpec{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i].(string)] = savedmodel.SpecOf(pairs[i+1].(tensorflow.Output))
		}
		return m
	}
	signatures := []savedmodel.SignatureDef{{Name: savedmodel.DefaultSignature, Inputs: specs("image", image), Outputs: specs(string(kind), found)}}
	if kind != detectors.Mask {
		signatures = append(signatures,
			savedmodel.SignatureDef{Name: detectors.FindRegion, Inputs: specs("image", image), Outputs: specs(detectors.RegionName, region)},
			savedmodel.SignatureDef{Name: detectors.InRegion, Inputs: specs("image", image, detectors.RegionName, told), Outputs: specs(string(kind), within)})
	}
	return savedmodel.Def{Graph: def, Signatures: signatures}
}

// facesOf writes two test videos and predictions of them that are darker by a
// number of levels.
func facesOf(t *testing.T, darker byte) (data, made string) {
	t.Helper()
	data, made = t.TempDir(), t.TempDir()
	for v := range 2 {
		for i := range 4 {
			f := video.NewFrame(32, 32)
			for j := range f.Pix {
				f.Pix[j] = byte(100 + 20*v + 10*i + j%50)
			}
			write := func(f *video.Frame, root ...string) {
				path := filepath.Join(append(root, fmt.Sprintf("v%d", v), fmt.Sprintf("%07d.png", i))...)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				w, err := os.Create(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := video.EncodePNG(w, f); err != nil {
					t.Fatal(err)
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
			}
			write(f, data, "test")
			write(f, data, "train")
			dark := video.NewFrame(32, 32)
			for j := range f.Pix {
				dark.Pix[j] = f.Pix[j] - darker
			}
			write(dark, made)
		}
	}
	return data, made
}

// TestPaperOfPredictions: predictions that any program made have all columns of
// the paper's table for faces, share their masks, and are compared.
func TestPaperOfPredictions(t *testing.T) {
	standIns(t)
	var outs []string
	for _, darker := range []byte{51, 25} {
		data, made := facesOf(t, darker)
		out := filepath.Join(t.TempDir(), fmt.Sprintf("darker%d", darker))
		code, said, stderr := measure("--paper=faces", "--predictions="+made, "--data="+data, "--out="+out, fmt.Sprintf("--name=by%d", darker))
		if code != cli.ExitOK {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		for _, want := range []string{"networks that are not the paper's", "Time of keypoints:", "Time of embeddings:", "Time of masks:"} {
			if !strings.Contains(said, want) {
				t.Errorf("no %q in:\n%s", want, said)
			}
		}
		e, err := result.Read(out)
		if err != nil {
			t.Fatal(err)
		}
		level := float64(darker) / 255
		for _, row := range e.Summary {
			switch got := float64(row.Mean); row.Metric {
			case result.AKD: // the landmark moves by a level in x and in y
				if d := got - level; d > 1e-4 || d < -1e-4 {
					t.Errorf("AKD %v, want %v", got, level)
				}
			case result.AED:
				if d := got - 3*level*level; d > 1e-4 || d < -1e-4 {
					t.Errorf("AED %v, want %v", got, 3*level*level)
				}
			case result.MKR:
				if row.Mean.Known() {
					t.Error("faces have no MKR")
				}
			default:
				if !row.Mean.Known() {
					t.Errorf("%s %s was not measured", row.Metric, row.Region)
				}
			}
		}
		outs = append(outs, out)
	}
	kept, err := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "prioritycut", "masks", "*", "*.masks"))
	if err != nil || len(kept) != 4 {
		t.Errorf("masks kept: %v, %v", kept, err)
	}
	compareAlike(t, outs)
}

// TestPaperOfBodies fills AKD, MKR and salient parts, and no AED.
func TestPaperOfBodies(t *testing.T) {
	standIns(t)
	data, made := facesOf(t, 51)
	out := filepath.Join(t.TempDir(), "bodies")
	if code, _, stderr := measure("--paper=bodies", "--predictions="+made, "--data="+data, "--out="+out); code != cli.ExitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	e, err := result.Read(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range e.Summary {
		aed := row.Metric == result.AED || row.Metric == result.AEDEuclidean
		if row.Mean.Known() == aed || row.DataKind != result.Bodies {
			t.Errorf("%s %s: %v of %s", row.Metric, row.Region, row.Mean, row.DataKind)
		}
	}
}

// TestPaperWithoutPackage: without npm, and without detectors that were made before,
// the message says what to do, and nothing is left of the evaluation.
func TestPaperWithoutPackage(t *testing.T) {
	data, made := facesOf(t, 51)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("PATH", t.TempDir())
	out := filepath.Join(t.TempDir(), "out")
	code, _, stderr := measure("--paper=faces", "--predictions="+made, "--data="+data, "--out="+out)
	if code != cli.ExitUsage || !strings.Contains(stderr, "npm is not installed") || !strings.Contains(stderr, "npm pack") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a folder is left")
	}
	if code, _, stderr := measure("--paper=dogs", "--predictions="+made, "--data="+data, "--out="+out); code != cli.ExitUsage || !strings.Contains(stderr, "faces or bodies") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// compareAlike: the page says whose columns they are, and another mask is not
// mixed in.
func compareAlike(t *testing.T, outs []string) {
	t.Helper()
	page := filepath.Join(t.TempDir(), "page")
	code, _, stderr := measure(append([]string{"--compare", "--pictures=false", "--published=1", "--out=" + page}, outs...)...)
	if code != cli.ExitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	text, err := os.ReadFile(filepath.Join(page, "comparison.md"))
	if err != nil || !strings.Contains(string(text), "not the paper's") || !strings.Contains(string(text), "by other networks than above") {
		t.Errorf("%v:\n%s", err, text)
	}
	data, made := facesOf(t, 40)
	other := filepath.Join(t.TempDir(), "other")
	q := evaluate.NewRequest()
	q.Predictions, q.Data, q.Out, q.DataKind, q.Masks = made, data, other, result.Faces, filepath.Join(data, "test")
	if _, err := evaluate.Run(context.Background(), q); err != nil {
		t.Fatal(err)
	}
	code, _, stderr = measure("--compare", "--pictures=false", "--out="+page+"2", outs[0], other)
	if code != cli.ExitUsage || !strings.Contains(stderr, "masks:") {
		t.Errorf("masks of two kinds: exit code %d, %s", code, stderr)
	}
}
