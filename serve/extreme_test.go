package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/export"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// TestExtremeNumbers sends to each signature of each family's exported model
// numbers at the ends of what float32 holds, in all places of one input after the
// other. They are answered with numbers, or with what is wrong with them; none is
// taken for a fault of the service.
func TestExtremeNumbers(t *testing.T) {
	for _, v := range []model.Variant{model.PriorityCut, model.MonkeyNet, model.X2Face} {
		t.Run(string(v), func(t *testing.T) {
			m := exported(t, v)
			s := start(t, m.Backend, nil)
			refused := 0
			for name, signature := range m.Model.Signatures() {
				for input, info := range signature.Inputs {
					if info.DType != tensorflow.Float {
						continue // pictures as files
					}
					for _, extreme := range []float64{1e38, -1e38, 3e38, -math.MaxFloat32, 1e-42, -1e-45} {
						a := s.predict(extremeBody(name, signature, input, extreme))
						switch {
						case a.status == 400:
							refused++
							if !strings.Contains(a.error(), "not finite for these inputs") {
								t.Errorf("%s, %s of %g: %s", name, input, extreme, a.body)
							}
						case a.status != 200:
							t.Errorf("%s, %s of %g: %d %s", name, input, extreme, a.status, a.body)
						case !json.Valid(a.body):
							t.Errorf("%s, %s of %g: the answer is no JSON", name, input, extreme)
						}
						// Halves everywhere are no pose: its matrices have no inverse.
						if math.Abs(extreme) < 1 && name != infer.SigFrame && a.status != 200 {
							t.Errorf("%s, %s of %g, next to nothing: %d %s", name, input, extreme, a.status, a.body)
						}
					}
				}
			}
			if refused == 0 {
				t.Error("no number was too large")
			}
		})
	}
}

// exported opens a small exported model.
func exported(t *testing.T, v model.Variant) *Opened {
	t.Helper()
	return openedModel(t, exportedDir(t, v))
}

func openedModel(t *testing.T, dir string) *Opened {
	t.Helper()
	m, err := OpenSavedModel(dir, infer.Options{Session: tf.SessionConfig{Device: "cpu"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// exportedDir is the folder of a small exported model.
func exportedDir(t *testing.T, v model.Variant) string {
	t.Helper()
	dir := t.TempDir()
	if err := tinymodel.WriteVariant(filepath.Join(dir, "run"), 1, v); err != nil {
		t.Fatal(err)
	}
	loaded, err := infer.Load(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := export.Prepare(loaded, export.Options{Out: filepath.Join(dir, "model")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Write(context.Background()); err != nil {
		t.Fatal(err)
	}
	return plan.Dir
}

// extremeBody asks for a signature; one input has the same number everywhere,
// the others are halves.
func extremeBody(name string, signature savedmodel.SignatureDef, extreme string, value float64) string {
	var inputs []string
	for input, info := range signature.Inputs {
		number := "0.5"
		if input == extreme {
			number = fmt.Sprintf("%g", value)
		}
		text := number
		for i := len(info.Shape) - 1; i >= 0; i-- {
			n := info.Shape[i]
			text = "[" + strings.Repeat(text+",", int(max(n, 1))-1) + text + "]"
		}
		inputs = append(inputs, fmt.Sprintf("%q: %s", input, text))
	}
	return fmt.Sprintf(`{"signature_name": %q, "inputs": {%s}}`, name, strings.Join(inputs, ", "))
}
