package golden

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

func TestEveryBaselineIsReadable(t *testing.T) {
	entries, err := files.ReadDir("testdata/" + strings.TrimSuffix(Baselines, "/"))
	if err != nil {
		t.Fatal(err)
	}
	archives := 0
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".npz")
		if !ok {
			continue
		}
		archives++
		f, err := Load(Baselines + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range f.SampleNames("") {
			s, err := f.Sample(n)
			if err != nil {
				t.Fatal(err)
			}
			size := 1
			for _, d := range s.Shape {
				size *= d
			}
			if s.Entries == nil && len(s.Values) != size || s.Entries != nil && (len(s.Values) != sampleSize || size <= 4*sampleSize) {
				t.Errorf("%s: %s has %d values of shape %v", name, n, len(s.Values), s.Shape)
			}
		}
	}
	if archives != 19 {
		t.Errorf("%d archives, want 19", archives)
	}
	for name, start := range map[string]string{
		"monkey.pth.tar": "\x80\x02\x8a\x0a\x6c\xfc", "monkey-zip.pth.tar": "PK", "x2face.pth": "\x80\x02\x8a\x0a\x6c\xfc", "x2face-zip.pth": "PK",
	} {
		if data, err := Bytes(Baselines + name); err != nil || !bytes.HasPrefix(data, []byte(start)) {
			t.Errorf("%s begins with %q (%v)", name, data[:min(len(data), 6)], err)
		}
	}
}

// TestSampleOf: places in the whole array are those that the file was made
// with.
func TestSampleOf(t *testing.T) {
	f, err := Load(Baselines + "monkey_vox_forward")
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Sample("ac1_prediction")
	if err != nil {
		t.Fatal(err)
	}
	places := make([]float64, 2*3*64*64)
	for i := range places {
		places[i] = float64(i)
	}
	got, err := s.Of(places)
	if err != nil || len(got) != 1024 || got[0] != 0 || got[1] != float64(2654435761%len(places)) {
		t.Errorf("the sample takes places %v ... (%v)", got[:2], err)
	}
	if _, err := s.Of(places[1:]); err == nil {
		t.Error("too few elements are no error")
	}
	if _, err := f.Sample("no_such_array"); err == nil {
		t.Error("an unknown array is no error")
	}
}

func TestByFormula(t *testing.T) {
	// By hand: FNV-1a-64 of the empty name is its offset basis, seed 0.
	got := ByFormula("", 0, 20000, -1, 3)
	z := uint64(14695981039346656037)
	z += 0x9E3779B97F4A7C15
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
	z = (z ^ (z >> 27)) * 0x94D049BB133111EB
	z ^= z >> 31
	if want := -1 + 4*float64(z>>40)/(1<<24); got[0] != want {
		t.Errorf("the first value is %v, want %v", got[0], want)
	}
	mean := 0.0
	for _, x := range got {
		if x < -1 || x >= 3 {
			t.Fatalf("%v is outside of [-1, 3)", x)
		}
		mean += x / float64(len(got))
	}
	if math.Abs(mean-1) > 0.05 {
		t.Errorf("the mean is %v", mean)
	}
	if ByFormula("a", 1, 1, 0, 1)[0] == ByFormula("b", 1, 1, 0, 1)[0] {
		t.Error("two names give the same values")
	}
}

func TestBaselineConfig(t *testing.T) {
	var terms []string
	if err := BaselineConfig(&terms, "monkey", "bair", "loss_terms"); err != nil || len(terms) != 8 || terms[0] != "rec_def" {
		t.Errorf("the terms are %v (%v)", terms, err)
	}
	if err := BaselineConfig(&terms, "monkey", "dog"); err == nil || !strings.Contains(err.Error(), "monkey.dog") {
		t.Errorf("an unknown section gives %v", err)
	}
}
