package export

import (
	"path/filepath"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/internal/drawing"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
)

// TestStrangersAgreeOnFamilies: what TestStrangersAgree says of FOMM's exports
// holds of the other families', for every signature and output.
func TestStrangersAgreeOnFamilies(t *testing.T) {
	for v, c := range map[model.Variant]struct {
		outputs int
		sets    []string
	}{
		// Broad heat maps: clipping magnifies the rounding of narrow ones.
		model.MonkeyNet: {13, []string{"frame_shape=[32,64,3]", "monkeynet_params.kp_detector_params.temperature=2"}},
		model.X2Face:    {7, []string{"frame_shape=[32,32,3]"}}, // its pictures are square
	} {
		run := filepath.Join(t.TempDir(), "run")
		if err := tinymodel.WriteVariant(run, 1, v, c.sets...); err != nil {
			t.Fatal(err)
		}
		m, err := infer.Load(run)
		if err != nil {
			t.Fatal(err)
		}
		p := exported(t, m, Options{Out: filepath.Join(t.TempDir(), "tiny")})
		calls, lists := twoAtOnce(t, m, p)
		in := map[string]map[string]*tensorflow.Tensor{}
		for _, c := range calls {
			if c.Signature != infer.SigBytes { // its files are lists
				in[c.Signature] = c.Inputs
			}
		}
		got, reports := askPython(t, in, lists, p.Dir)
		saved, compared, lite := open(t, p.Dir), 0, 0
		for _, c := range calls {
			own, err := saved.Call(c.Signature, c.Inputs)
			if err != nil {
				t.Fatal(err)
			}
			for key, value := range c.Outputs {
				want := valuesOf(t, value)
				if low, high := bounds(want); high-low < 1e-3 {
					t.Errorf("%s: %s of %s says nothing: all of it lies in [%g, %g]", v, key, c.Signature, low, high)
				}
				if d := farthest(t, valuesOf(t, own[key]), want); d > tolerance {
					t.Errorf("%s: graft: %s of %s differs by %g", v, key, c.Signature, d)
				}
				for _, loader := range []string{"v1", "v2", "lite"} {
					values, ok := got[strings.Join([]string{loader, "0", c.Signature, key}, "/")]
					if !ok && loader == "lite" {
						continue
					}
					compared++
					if loader == "lite" {
						lite++
					}
					if d := farthest(t, values, want); d > tolerance {
						t.Errorf("%s: %s: %s of %s differs by %g", v, loader, key, c.Signature, d)
					}
				}
			}
		}
		if lite == 0 || compared != len(got) || compared != 2*c.outputs+lite {
			t.Errorf("%s: %d outputs compared, %d of TFLite, Python gave %d", v, compared, lite, len(got))
		}
		checkForServing(t, p, reports[0])
		checkVariables(t, p, reports[0])
	}
}

// twoAtOnce calls each signature with two examples in our own session. The files
// are those of the signature that takes such.
func twoAtOnce(t *testing.T, m *infer.Model, p *Plan) (calls []Call, lists map[string][][]byte) {
	t.Helper()
	session, err := tf.NewSession(p.graph.Scope.Graph(), tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if err := m.Assign(session, p.graph.Scope); err != nil {
		t.Fatal(err)
	}
	lists = map[string][][]byte{}
	known := map[string]*tensorflow.Tensor{}
	for n, s := range p.graph.List {
		c := Call{Signature: s.Name, Inputs: map[string]*tensorflow.Tensor{}}
		for _, key := range sortedSpecs(s.Inputs) {
			part, drives := infer.PartOf(key)
			switch {
			case infer.IsBytes(key):
				lists[key] = [][]byte{drawing.PNG(t, drawing.New(100, 50+len(lists))), drawing.JPEG(t, drawing.Grey(drawing.New(64+9*len(lists), 90)))}
				c.Inputs[key] = files(t, lists[key]...)
			case drives:
				c.Inputs[key] = known[part]
			case known[key] != nil:
				c.Inputs[key] = known[key]
			default:
				c.Inputs[key] = sizedNoise(t, int64(100*n+len(c.Inputs)), 2, p.Notes.FrameShape)
			}
		}
		if c.Outputs, err = p.graph.Call(session, s.Name, c.Inputs); err != nil {
			t.Fatal(err)
		}
		for key, value := range c.Outputs {
			known[key] = value
		}
		calls = append(calls, c)
	}
	return calls, lists
}

func bounds(values []float32) (low, high float32) {
	low, high = values[0], values[0]
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	return low, high
}
