package export

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/tf/savedmodel"
)

// TestSelection writes some signatures, with another one as the default, and
// looks at what is in the file and beside it; writing compares their outputs.
func TestSelection(t *testing.T) {
	m := someModel(t, 1)
	three := []string{infer.SigKeypoints, infer.SigEncode, infer.SigFrame}
	for _, c := range []struct {
		signatures []string
		standard   string
		want       []string
	}{
		{nil, "", []string{infer.SigAbsolute, infer.SigFrame, infer.SigEncode, infer.SigKeypoints, infer.SigBytes, infer.SigDefault}},
		{nil, infer.SigDefault, []string{infer.SigAbsolute, infer.SigFrame, infer.SigEncode, infer.SigKeypoints, infer.SigBytes, infer.SigDefault}},
		{three, "", []string{infer.SigFrame, infer.SigEncode, infer.SigKeypoints}},
		{three, infer.SigFrame, []string{infer.SigFrame, infer.SigEncode, infer.SigKeypoints, infer.SigDefault}},
		{three[:2], infer.SigFrame, []string{infer.SigFrame, infer.SigEncode, infer.SigKeypoints, infer.SigDefault}},
		{[]string{infer.SigAbsolute}, infer.SigAbsolute, []string{infer.SigAbsolute, infer.SigDefault}},
	} {
		p := exported(t, m, Options{Out: filepath.Join(t.TempDir(), "tiny"), Signatures: c.signatures, Default: c.standard, Frozen: len(c.signatures) == 3})
		saved := open(t, p.Dir)
		signatures := saved.Signatures()
		var names []string
		for name := range signatures {
			names = append(names, name)
		}
		slices.Sort(names)
		if !slices.Equal(names, c.want) {
			t.Errorf("%v, default %q: %v", c.signatures, c.standard, names)
		}
		if def, own := signatures[infer.SigDefault], signatures[c.standard]; c.standard != "" && !sameTensors(def, own) {
			t.Errorf("the default is %v, %s is %v", def, c.standard, own)
		}
		if n := len(readWarmup(t, filepath.Join(p.Dir, "assets.extra", infer.WarmupFile))); n != len(names) {
			t.Errorf("%d warm-up requests for %v", n, names)
		}
		text, err := os.ReadFile(filepath.Join(p.Dir, "assets.extra", infer.ReadmeFile))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), infer.SigBytes) != slices.Contains(names, infer.SigBytes) || strings.Contains(string(text), "once more") != (c.standard != "" && c.standard != infer.SigDefault) {
			t.Errorf("%v, default %q:\n%s", c.signatures, c.standard, text)
		}
		e, err := infer.Open(p.Dir, infer.Options{})
		if err != nil {
			t.Fatal(err)
		}
		whole := slices.Contains(names, infer.SigFrame) && slices.Contains(names, infer.SigKeypoints) && slices.Contains(names, infer.SigEncode)
		if err := e.Animates(); (err == nil) != whole || err != nil && !strings.Contains(err.Error(), "has no signature") {
			t.Errorf("%v opened for animation: %v", names, err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []Options{{Signatures: []string{"x"}}, {Default: "y"}, {Signatures: []string{infer.SigDefault}, Default: infer.SigFrame}} {
		bad.Out = filepath.Join(t.TempDir(), "tiny")
		if _, err := Prepare(m, bad); err == nil || !strings.Contains(err.Error(), "signature") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func sameTensors(a, b savedmodel.SignatureDef) bool {
	same := func(x, y map[string]savedmodel.TensorSpec) bool {
		for key := range x {
			if x[key].Tensor != y[key].Tensor {
				return false
			}
		}
		return len(x) == len(y)
	}
	return same(a.Inputs, b.Inputs) && same(a.Outputs, b.Outputs)
}
