package rundir

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestIs(t *testing.T) {
	dir := t.TempDir()
	if Dir(dir).Is() {
		t.Error("an empty folder is that of a run")
	}
	if err := os.WriteFile(Dir(dir).Config(), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if !Dir(dir).Is() {
		t.Error("a folder with config.yaml is none of a run")
	}
}

func TestMetaIsReadBack(t *testing.T) {
	m := Meta{
		Step: 7, Attempt: 9, Seed: -3, ConfigHash: "abc", Preset: "shapes-64", Variant: "unet", FrameShape: [3]int{64, 32, 3},
		Fit: "crop", AlignCorners: true, VGG19: "random", TrainVideos: 200, BestStep: 5, BestL1: 0.1, Config: "a: \"b\"\n",
	}
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeMeta(data)
	m.FormatVersion = FormatVersion
	if diff := cmp.Diff(m, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for text, want := range map[string]string{
		"": "no notes", "null": "no notes", "[]": "notes", "{}": "format_version 0", `{"format_version":2}`: "use a newer one",
		`{"format_version":1,"step":5,"attempt":4}`: "cannot be", `{"format_version":1,"step":-1}`: "cannot be",
	} {
		if _, err := DecodeMeta(json.RawMessage(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// FuzzDecodeMeta reads any text as a checkpoint's notes.
func FuzzDecodeMeta(f *testing.F) {
	good, err := Meta{Step: 3, Attempt: 5, Config: "x: 1"}.Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(good))
	f.Add([]byte(" null "))
	f.Add([]byte(`{"format_version": 1, "step": -1}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := DecodeMeta(text)
		if err == nil && (m.Step < 0 || m.Attempt < m.Step || m.FormatVersion != FormatVersion) {
			t.Errorf("%+v", m)
		}
	})
}
