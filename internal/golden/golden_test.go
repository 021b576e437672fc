package golden

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestEveryArchiveIsReadable(t *testing.T) {
	want := map[string]int{
		ForwardFile: 164, WeightsFile: 282, GradsFile: 103, TrainAdvFile: 324,
		TrainPriorityCutFile: 358, MetricsFile: 59, AdamFile: 237,
	}
	for name, arrays := range want {
		f, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Names(""); len(got) != arrays {
			t.Errorf("%s has %d arrays, want %d", name, len(got), arrays)
		}
		for _, n := range f.Names("") {
			a, err := f.Array(n)
			if err != nil {
				t.Fatal(err)
			}
			size := 1
			for _, d := range a.Shape {
				size *= d
			}
			if a.Name != n || size != len(a.Data) {
				t.Errorf("%s: %s has %d elements for shape %v", name, n, len(a.Data), a.Shape)
			}
		}
	}
}

func TestValuesAreThoseOfTheFile(t *testing.T) {
	f, err := Load(ForwardFile)
	if err != nil {
		t.Fatal(err)
	}
	k, err := f.Array("pc_k")
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{float64(float32(0.3)), float64(float32(0.7))}; !slices.Equal(k.Data, want) || !slices.Equal(k.Shape, []int{2}) {
		t.Errorf("pc_k is %v of shape %v, want %v", k.Data, k.Shape, want)
	}
	k.Data[0] = 9 // ours: the next reader must not see it
	again, err := f.Array("pc_k")
	if err != nil || again.Data[0] == 9 {
		t.Errorf("a reader's change shows: %v (%v)", again.Data, err)
	}
}

func TestMissingNamesAreErrors(t *testing.T) {
	if _, err := Load("backward"); err == nil || !strings.Contains(err.Error(), "backward") {
		t.Errorf("Load of an unknown file gives %v", err)
	}
	f, err := Load(MetricsFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Array("no_such_array"); err == nil || !strings.Contains(err.Error(), "no_such_array") {
		t.Errorf("an unknown array gives %v", err)
	}
	if _, err := Bytes("large.yaml"); err == nil || !strings.Contains(err.Error(), "large.yaml") {
		t.Errorf("an unknown file gives %v", err)
	}
	if _, err := ZeroGradients(MetricsFile); err == nil {
		t.Error("a file without zero gradients gives a list of them")
	}
}

func TestFilesAsTheyWereMade(t *testing.T) {
	for name, start := range map[string]string{
		"config.json": "{", "small.yaml": "dataset_params:",
		"small-zip.pth.tar": "PK\x03\x04",
		"small.pth.tar":     "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", // PyTorch's legacy magic
	} {
		data, err := Bytes(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(data, []byte(start)) {
			t.Errorf("%s begins with %q, want %q", name, data[:min(len(data), 20)], start)
		}
	}
}

func TestZeroGradientsNameParametersOfTheFile(t *testing.T) {
	for file, count := range map[string]int{TrainAdvFile: 25, TrainPriorityCutFile: 27} {
		zero, err := ZeroGradients(file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Load(file)
		if err != nil {
			t.Fatal(err)
		}
		if len(zero) != count {
			t.Errorf("%s: %d zero gradients, want %d", file, len(zero), count)
		}
		names := f.Names("step0_grad.")
		for parameter := range zero {
			if !slices.Contains(names, "step0_grad."+parameter) {
				t.Errorf("%s has no gradient of %s", file, parameter)
			}
		}
	}
}

func TestTransposed(t *testing.T) {
	// Element [n, c, h, w] is the number nchw in decimal.
	maps := Array{Name: "maps", Shape: []int{2, 3, 1, 2}}
	for n := 0; n < 2; n++ {
		for c := 0; c < 3; c++ {
			for w := 0; w < 2; w++ {
				maps.Data = append(maps.Data, float64(1000*n+100*c+w))
			}
		}
	}
	nhwc, err := maps.NHWC()
	if err != nil {
		t.Fatal(err)
	}
	want := []float64{0, 100, 200, 1, 101, 201, 1000, 1100, 1200, 1001, 1101, 1201}
	if !slices.Equal(nhwc.Shape, []int{2, 1, 2, 3}) || !slices.Equal(nhwc.Data, want) {
		t.Errorf("NHWC is %v of shape %v, want %v", nhwc.Data, nhwc.Shape, want)
	}
	for name, there := range map[string]func(Array) (Array, error){"NHWC": Array.NHWC, "HWIO": Array.HWIO} {
		back := map[string]func(Array) (Array, error){"NHWC": Array.NCHW, "HWIO": Array.OIHW}[name]
		out, err := there(maps)
		if err != nil {
			t.Fatal(err)
		}
		home, err := back(out)
		if err != nil || !slices.Equal(home.Data, maps.Data) || !slices.Equal(home.Shape, maps.Shape) {
			t.Errorf("%s there and back gives %v of shape %v (%v)", name, home.Data, home.Shape, err)
		}
	}
	kernel, err := maps.HWIO()
	if err != nil || kernel.Data[1] != 1000 || kernel.Data[2] != 100 {
		t.Errorf("HWIO starts with %v (%v): out must run fastest, then in", kernel.Data[:3], err)
	}
	if _, err := maps.Transposed(0, 1, 1, 2); err == nil {
		t.Error("an axis twice is no error")
	}
}

func TestRules(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	tests := []struct {
		name      string
		rule      Rule
		got, want []float64
		equal     bool
	}{
		{"within the tensor's scale", Rule{Tol: 1e-3}, []float64{100.09, 0.09}, []float64{100, 0}, true},
		{"beyond it", Rule{Tol: 1e-3}, []float64{100, 0.11}, []float64{100, 0}, false},
		{"within the floor", Rule{Tol: 1e-3, Floor: 1}, []float64{0.0009}, []float64{0}, true},
		{"beyond the floor", Rule{Tol: 1e-3, Floor: 1}, []float64{0.0011}, []float64{0}, false},
		{"within each element's scale", Rule{Tol: 1e-3, Scale: OfElement}, []float64{100.09, 1.0009}, []float64{100, 1}, true},
		{"beyond one's", Rule{Tol: 1e-3, Scale: OfElement}, []float64{100, 1.0011}, []float64{100, 1}, false},
		{"absolute", Rule{Tol: 1e-3, Scale: Absolute}, []float64{1e6 + 0.0009}, []float64{1e6}, true},
		{"beyond absolute", Rule{Tol: 1e-3, Scale: Absolute}, []float64{1e6 + 0.0011}, []float64{1e6}, false},
		{"exact", Exact, []float64{0, 1}, []float64{0, 1}, true},
		{"not exact", Exact, []float64{0, 1}, []float64{1, 1}, false},
		{"equal infinities", Metrics, []float64{inf}, []float64{inf}, true},
		{"other infinities", Metrics, []float64{-inf}, []float64{inf}, false},
		{"an infinity hides nothing", Rule{Tol: 1e-3}, []float64{inf, 2}, []float64{inf, 1}, false},
		{"NaN got", Rule{Tol: 1, Floor: 1}, []float64{nan}, []float64{0}, false},
		{"NaN wanted", Rule{Tol: 1, Floor: 1}, []float64{nan}, []float64{nan}, false},
		{"lengths", Rule{Tol: 1, Floor: 1}, []float64{0}, []float64{0, 0}, false},
	}
	for _, test := range tests {
		if _, err := test.rule.compare(test.name, test.got, test.want); (err == nil) != test.equal {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestReportShowsEveryComparison(t *testing.T) {
	var r Report
	r.Compare(t, "first", []float64{1, 2.00001}, []float64{1, 2}, Forward)
	r.Compare(t, "second", []float64{3}, []float64{3}, Forward)
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"first", "second", "5e-06", "nearest to its tolerance: first"} {
		if !strings.Contains(b.String(), part) {
			t.Errorf("the table lacks %q:\n%s", part, b.String())
		}
	}
	if r.Len() != 2 {
		t.Errorf("%d comparisons, want 2", r.Len())
	}
}
