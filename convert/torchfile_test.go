package convert

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/npz"
)

// TestAnimatorOfPyTorch reads what testdata/make_torch.py had PyTorch write:
// compiled and parallel networks, two optimisers. Every number is compared with
// what numpy sees of it.
func TestAnimatorOfPyTorch(t *testing.T) {
	data, err := os.ReadFile("testdata/torch-animator.pth.tar")
	if err != nil {
		t.Fatal(err)
	}
	j := mustRead(t, data, Options{})
	if j.config.Variant != "fomm" || j.notes.Step != 2 || *j.notes.Converted.Epoch != 4 {
		t.Errorf("variant %s, notes %+v", j.config.Variant, j.notes)
	}
	for _, note := range []string{"_orig_mod. (torch.compile)", "module. (DataParallel"} {
		if !j.remarked(note) {
			t.Errorf("remarks %q lack %q", j.remarks, note)
		}
	}
	expected, err := npz.Open("testdata/torch-animator.npz")
	if err != nil {
		t.Fatal(err)
	}
	defer expected.Close()
	for _, name := range expected.Names() {
		want, err := expected.Array(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := j.valuesNamed(t, name); !slices.Equal(got, spatialFirst(want)) {
			t.Errorf("%s differs", name)
		}
	}
	// Two step counters, that of attempts, and nothing else beside what numpy saw.
	var others []string
	for v := range j.values {
		if !slices.Contains(expected.Names(), v.Name) {
			others = append(others, v.Name)
		}
	}
	if len(others) != 3 || !strings.Contains(strings.Join(others, " "), "step") {
		t.Errorf("beside the numbers compared there are %v", others)
	}
}

// spatialFirst brings a kernel [out, in, h, w] into the order [h, w, in, out];
// others stay.
func spatialFirst(a *npz.Array) []float32 {
	values := a.Float32s()
	if len(a.Shape) != 4 {
		return values
	}
	out, in, area := int(a.Shape[0]), int(a.Shape[1]), int(a.Shape[2]*a.Shape[3])
	moved := make([]float32, 0, len(values))
	for place := range area {
		for i := range in {
			for o := range out {
				moved = append(moved, values[(o*in+i)*area+place])
			}
		}
	}
	return moved
}
