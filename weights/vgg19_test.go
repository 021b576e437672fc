package weights

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/element"
	"github.com/prioritycut/prioritycut/internal/npz"
	"github.com/prioritycut/prioritycut/internal/safetensors"
)

// torchvision lists VGG-19's tensors as torchvision's model has them.
func torchvision(widths [5]int64) []Spec {
	specs := []Spec{}
	index, in := 0, int64(3)
	for block, convs := range []int{2, 2, 4, 4, 4} {
		for range convs {
			out := widths[block]
			name := fmt.Sprintf("features.%d", index)
			specs = append(specs, Spec{name + ".weight", []int64{out, in, 3, 3}}, Spec{name + ".bias", []int64{out}})
			in = out
			index += 2 // the convolution and its ReLU
		}
		index++ // the pooling
	}
	for _, i := range []int{0, 3, 6} {
		name := fmt.Sprintf("classifier.%d", i)
		specs = append(specs, Spec{name + ".weight", []int64{2, 2}}, Spec{name + ".bias", []int64{2}})
	}
	return specs
}

// dict makes a StateDict without data.
func dict(specs []Spec) *StateDict {
	s := &StateDict{tensors: map[string]*Tensor{}}
	for _, spec := range specs {
		s.names = append(s.names, spec.Name)
		s.tensors[spec.Name] = &Tensor{dtype: element.F32, shape: spec.Shape}
	}
	return s
}

func TestVGG19OfTorchvision(t *testing.T) {
	convs, err := VGG19(dict(torchvision(VGG19Widths)), VGG19Widths)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	var indices []int
	var parameters int64
	for _, c := range convs {
		names = append(names, c.Name)
		indices = append(indices, c.Index)
		parameters += c.Weight.Len() + c.Bias.Len()
		if c.Weight.Len() != 9*c.In*c.Out || c.Bias.Len() != c.Out {
			t.Errorf("%s: %d -> %d channels", c.Name, c.In, c.Out)
		}
	}
	if want := strings.Fields("conv1_1 conv1_2 conv2_1 conv2_2 conv3_1 conv3_2 conv3_3 conv3_4 conv4_1 conv4_2 conv4_3 conv4_4 conv5_1"); !slices.Equal(names, want) {
		t.Errorf("%v", names)
	}
	if want := []int{0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28}; !slices.Equal(indices, want) {
		t.Errorf("%v", indices)
	}
	if parameters != 12_944_960 {
		t.Errorf("%d parameters", parameters)
	}
}

// TestVGG19Formats writes small networks in the formats that are not
// PyTorch's, with and without a prefix, and reads their values.
func TestVGG19Formats(t *testing.T) {
	widths := [5]int64{2, 3, 4, 5, 6}
	for _, prefix := range []string{"", "vgg.", "model.vgg19."} {
		var arrays []npz.Array
		var tensors []safetensors.Tensor
		for i, spec := range torchvision(widths) {
			n, err := element.Count(spec.Shape)
			if err != nil {
				t.Fatal(err)
			}
			values := make([]float32, n)
			for k := range values {
				values[k] = float32(i) + float32(k)/1024
			}
			a := npz.FromFloat32s(prefix+spec.Name, spec.Shape, values)
			arrays = append(arrays, a)
			tensors = append(tensors, safetensors.Tensor{Name: a.Name, DType: a.DType, Shape: a.Shape, Data: a.Data})
		}
		var archive, safe bytes.Buffer
		if err := npz.Write(&archive, arrays, true); err != nil {
			t.Fatal(err)
		}
		if err := safetensors.Write(&safe, tensors, map[string]string{"from": "a test"}); err != nil {
			t.Fatal(err)
		}
		for format, b := range map[Format][]byte{NPZ: archive.Bytes(), SafeTensors: safe.Bytes()} {
			s, err := readBytes(b)
			if err != nil {
				t.Fatal(err)
			}
			if s.Format() != format || format == SafeTensors && s.Meta()["from"] != "a test" {
				t.Errorf("format %s, metadata %v", s.Format(), s.Meta())
			}
			convs, err := VGG19(s, widths)
			if err != nil {
				t.Fatalf("%q %s: %v", prefix, format, err)
			}
			for i, c := range convs {
				w, err := c.Weight.Float32s()
				if err != nil || w[1] != float32(2*i)+1.0/1024 {
					t.Errorf("%q %s %s: %v, %v", prefix, format, c.Name, w[1], err)
				}
				b, err := c.Bias.Float32s()
				if err != nil || b[1] != float32(2*i+1)+1.0/1024 {
					t.Errorf("%q %s %s: %v, %v", prefix, format, c.Name, b[1], err)
				}
				checkStream(t, c.Name, c.Weight)
			}
		}
	}
}

func TestVGG19Refuses(t *testing.T) {
	specs := torchvision(VGG19Widths)
	edit := func(f func([]Spec) []Spec) *StateDict { return dict(f(slices.Clone(specs))) }
	var m *MismatchError

	_, err := VGG19(edit(func(s []Spec) []Spec {
		s[4].Shape = []int64{128, 64, 5, 5}
		s[7].Name = "features.7.offset"
		return s
	}), VGG19Widths)
	if !errors.As(err, &m) {
		t.Fatal(err)
	}
	want := &MismatchError{
		Missing:   []string{"features.7.bias"},
		Extra:     []string{"features.7.offset"},
		Misshapen: []string{"features.5.weight: shape [128 64 5 5] in the file, [128 64 3 3] expected"},
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Error(diff)
	}
	for _, part := range append(append(want.Missing, want.Extra...), want.Misshapen...) {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %q", err, part)
		}
	}

	if _, err := VGG19(edit(func(s []Spec) []Spec { return s[12:] }), VGG19Widths); err == nil || !strings.Contains(err.Error(), "features.0.weight") {
		t.Errorf("another network: %v", err)
	}
	two := edit(func(s []Spec) []Spec { return append(s, Spec{"vgg.features.0.weight", nil}) })
	if _, err := VGG19(two, VGG19Widths); err == nil || !strings.Contains(err.Error(), "several") {
		t.Errorf("two networks: %v", err)
	}
	integers := dict(specs)
	integers.tensors["features.28.bias"].dtype = element.I64
	if _, err := VGG19(integers, VGG19Widths); err == nil || !strings.Contains(err.Error(), "I64") {
		t.Errorf("integers: %v", err)
	}
}

func TestMismatchListsTheFirst(t *testing.T) {
	err := dict(nil).Check(torchvision(VGG19Widths), nil)
	if err == nil || !strings.Contains(err.Error(), "38 missing") || strings.Count(err.Error(), "features") != 8 {
		t.Error(err)
	}
	if err := dict(torchvision(VGG19Widths)).Check(torchvision(VGG19Widths), nil); err != nil {
		t.Error(err)
	}
}

// renamed is a VGG-19 of torchvision's with other names.
func renamed(specs []Spec, rename func(string) string) *StateDict {
	specs = slices.Clone(specs)
	for i := range specs {
		specs[i].Name = rename(specs[i].Name)
	}
	return dict(specs)
}

func TestVGG19OfOthers(t *testing.T) {
	specs := torchvision(VGG19Widths)
	features := slices.DeleteFunc(slices.Clone(specs), func(s Spec) bool { return strings.HasPrefix(s.Name, "classifier") })
	timm := func(name string) string {
		return strings.NewReplacer("classifier.0", "pre_logits.fc1", "classifier.3", "pre_logits.fc2", "classifier.6", "head.fc").Replace(name)
	}
	bare := func(name string) string { return strings.TrimPrefix(name, "features.") }
	for name, s := range map[string]*StateDict{
		"timm":                      renamed(specs, timm),
		"features_only":             renamed(features, func(n string) string { return strings.Replace(n, "features.", "features_", 1) }),
		"features.state_dict":       renamed(features, bare),
		"features, one up to ReLU":  renamed(features[:26], bare),
		"a network's features":      renamed(features, func(n string) string { return "loss.vgg." + bare(n) }),
		"parallel features":         renamed(specs, func(n string) string { return strings.Replace(n, "features.", "features.module.", 1) }),
		"compiled and parallel":     renamed(specs, func(n string) string { return "module._orig_mod." + n }),
		"beside another Sequential": dict(append(slices.Clone(specs), Spec{"head.0.weight", []int64{8, 3, 3, 3}})),
	} {
		convs, err := VGG19(s, VGG19Widths)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(convs) != 13 || convs[12].Name != "conv5_1" || convs[12].Weight.Len() != 512*512*9 {
			t.Errorf("%s: %+v", name, convs)
		}
		if first, ok := FirstOfVGG19(s); !ok || first != convs[0].Weight {
			t.Errorf("%s is not taken for a VGG-19", name)
		}
	}
	if _, ok := FirstOfVGG19(dict([]Spec{{"0.weight", []int64{8, 3, 3, 3}}, {"2.weight", []int64{8, 8}}})); ok {
		t.Error("any two layers are taken for a VGG-19")
	}
}

// TestRelativesOfVGG19 names networks whose tensors have the same names.
func TestRelativesOfVGG19(t *testing.T) {
	conv := func(index int) Spec {
		in := int64(2)
		if index == 0 {
			in = 3
		}
		return Spec{fmt.Sprintf("features.%d.weight", index), []int64{2, in, 3, 3}}
	}
	for want, specs := range map[string][]Spec{
		"batch normalisation": {conv(0), conv(3), {"features.1.running_mean", []int64{2}}},
		"VGG-11":              {conv(0), conv(3), conv(6)},
		"VGG-13":              {conv(0), conv(2), conv(15), conv(17)},
		"VGG-16":              {conv(0), conv(2), conv(14), conv(17)},
	} {
		for _, rename := range []func(string) string{
			func(n string) string { return n },
			func(n string) string { return strings.Replace(n, "features.", "features_", 1) },
			func(n string) string { return strings.TrimPrefix(n, "features.") },
		} {
			if _, ok := FirstOfVGG19(renamed(specs, rename)); !ok {
				t.Errorf("%s: its names are not those of a VGG", want)
			}
			if _, err := VGG19(renamed(specs, rename), VGG19Widths); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		}
	}
}
