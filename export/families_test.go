package export

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/infer/tinymodel"
	"github.com/prioritycut/prioritycut/model"
)

// TestFamilies exports models of the other families, plain and frozen (writing
// compares every signature with the checkpoint's), and looks at their names.
func TestFamilies(t *testing.T) {
	for v, want := range map[model.Variant]map[string][2][]string{
		model.MonkeyNet: {
			infer.SigDefault:   {{"driving", "driving_initial", "source"}, {"prediction"}},
			infer.SigAbsolute:  {{"driving", "source"}, {"background", "prediction"}},
			infer.SigKeypoints: {{"image"}, {"value", "variance"}},
			infer.SigEncode:    {{"source"}, {"kp_source_value", "kp_source_variance", "skip_0", "skip_1", "skip_2", "small"}},
			infer.SigFrame: {{"kp_driving_value", "kp_driving_variance", "kp_source_value", "kp_source_variance", "skip_0", "skip_1", "skip_2", "small"},
				{"prediction"}},
			infer.SigBytes: {{"driving_bytes", "driving_initial_bytes", "source_bytes"}, {"prediction"}},
		},
		model.X2Face: {
			infer.SigDefault:  {{"driving", "source"}, {"prediction"}},
			infer.SigAbsolute: {{"driving", "source"}, {"prediction"}},
			infer.SigPose:     {{"image"}, {"grid"}},
			infer.SigEncode:   {{"source"}, {"confidence", "face"}},
			infer.SigFrame:    {{"driving_grid", "face"}, {"prediction"}},
			infer.SigBytes:    {{"driving_bytes", "source_bytes"}, {"prediction"}},
		},
	} {
		run := filepath.Join(t.TempDir(), "run")
		if err := tinymodel.WriteVariant(run, 1, v); err != nil {
			t.Fatal(err)
		}
		m, err := infer.Load(run)
		if err != nil {
			t.Fatal(err)
		}
		for _, frozen := range []bool{false, true} {
			p := exported(t, m, Options{Out: filepath.Join(t.TempDir(), "tiny"), Frozen: frozen})
			if len(p.Signatures) != len(want) {
				t.Errorf("%s has %d signatures", v, len(p.Signatures))
			}
			for _, s := range p.Signatures {
				in, out := sortedSpecs(s.Inputs), sortedSpecs(s.Outputs)
				if !slices.Equal(in, want[s.Name][0]) || !slices.Equal(out, want[s.Name][1]) {
					t.Errorf("%s, %s: %v -> %v", v, s.Name, in, out)
				}
				if purpose := purposeOf(p.Notes.Family, s.Name); purpose == "" || !strings.Contains(p.Readme, "\n## "+s.Name+"\n\n"+purpose) {
					t.Errorf("%s, %s is not described", v, s.Name)
				}
			}
			if strings.Contains(p.Readme, "first order") {
				t.Errorf("%s is described as FOMM", v)
			}
		}
	}
}
