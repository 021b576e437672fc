package weights

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/npz"
)

// torchFiles are what testdata/make_torch.py had PyTorch write, and the tree
// that each holds.
var torchFiles = map[string]struct {
	tree   string
	format Format
}{
	"torch-protocol2.pth":     {"fused", TorchZip},
	"torch-protocol3.pth":     {"fused", TorchZip},
	"torch-protocol4.pth":     {"fused", TorchZip},
	"torch-protocol5.pth":     {"fused", TorchZip},
	"torch-legacy.pth":        {"fused", TorchLegacy},
	"torch-aligned.pth":       {"decoupled", TorchZip},
	"torch-no-checksums.pth":  {"decoupled", TorchZip},
	"torch-channels-last.pth": {"decoupled", TorchZip},
	"torch-types.pth":         {"types", TorchZip},
	"torch-types.safetensors": {"types", SafeTensors},
}

// TestTorchFiles compares every tensor of PyTorch's own files with what numpy
// sees of it.
func TestTorchFiles(t *testing.T) {
	expected, err := npz.Open("testdata/torch.npz")
	if err != nil {
		t.Fatal(err)
	}
	defer expected.Close()
	for name, file := range torchFiles {
		s := open(t, "testdata/"+name)
		if s.Format() != file.format || s.Checked() == (name == "torch-no-checksums.pth") {
			t.Errorf("%s: format %s, checksums %t", name, s.Format(), s.Checked())
		}
		compared := 0
		for _, key := range expected.Names() {
			tensorName, ok := strings.CutPrefix(key, file.tree+":")
			if !ok || name == "torch-channels-last.pth" && !strings.HasPrefix(tensorName, "generator.") {
				continue
			}
			compared++
			want, err := expected.Array(key)
			if err != nil {
				t.Fatal(err)
			}
			tensor, ok := s.Tensor(tensorName)
			if !ok {
				t.Errorf("%s: there is no %s", name, tensorName)
				continue
			}
			got, err := tensor.Float64s()
			if diff := cmp.Diff(want.Float64s(), got); diff != "" || err != nil || !slices.Equal(tensor.Shape(), want.Shape) {
				t.Errorf("%s %s: shape %v, %v: %s", name, tensorName, tensor.Shape(), err, diff)
			}
			checkStream(t, name+" "+tensorName, tensor)
		}
		if compared < 6 {
			t.Errorf("%s: %d tensors compared", name, compared)
		}
	}
}

// TestForeignTensors: elements that are not read stand in no other tensor's way.
func TestForeignTensors(t *testing.T) {
	for _, name := range []string{"torch-types.pth", "torch-types.safetensors"} {
		s := open(t, "testdata/"+name)
		for key, types := range map[string][2]string{"small": {"float8_e4m3fn", "F8_E4M3"}, "complex": {"complex64", "C64"}} {
			tensor, ok := s.Tensor(key)
			if !ok || tensor.DType().Valid() || !slices.Contains(types[:], tensor.TypeName()) {
				t.Fatalf("%s %s: %v", name, key, tensor)
			}
			_, err := tensor.Float32s()
			if err == nil || !strings.Contains(err.Error(), tensor.TypeName()) || !strings.Contains(err.Error(), "float16") {
				t.Errorf("%s %s: %v", name, key, err)
			}
			if err := tensor.StreamTo(&bytes.Buffer{}); err == nil {
				t.Errorf("%s %s is streamed", name, key)
			}
		}
	}
	b := append([]byte("\x93NUMPY\x01\x00\x3c\x00"), "{'descr': '<V2', 'fortran_order': False, 'shape': (1,), }  \n\x80\x3f"...)
	s, err := readBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	tensor, _ := s.Tensor("arr_0")
	if _, err := tensor.Float32s(); err == nil || !strings.Contains(err.Error(), "bfloat16") {
		t.Errorf("numpy's bfloat16: %v", err)
	}
}

// TestTorchAdam reads the states of Adam with fused kernels, whose counts are
// tensors, and with decoupled weight decay.
func TestTorchAdam(t *testing.T) {
	for _, name := range []string{"torch-protocol2.pth", "torch-legacy.pth", "torch-aligned.pth"} {
		v, _ := open(t, "testdata/"+name).Root().(*Dict).Get("optimizer_generator")
		adam, err := ReadAdam(v)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if adam.LR != 2e-4 || adam.Beta1 != 0.5 || len(adam.Moments) != 4 || adam.Moments[3].Step != 2 {
			t.Errorf("%s: %+v", name, adam)
		}
	}
}

// TestChecksumsAreCompared: damage is an error wherever there are checksums,
// and is as PyTorch reads it where a whole file has none.
func TestChecksumsAreCompared(t *testing.T) {
	for name, refused := range map[string]bool{"torch-aligned.pth": true, "torch-no-checksums.pth": false} {
		whole, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		tensor := func(b []byte) ([]byte, error) {
			s, err := readBytes(b)
			if err != nil {
				return nil, err
			}
			first, _ := s.Tensor("generator.first.weight")
			return first.Bytes()
		}
		data, err := tensor(whole)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(whole, data)
		damaged := slices.Clone(whole)
		damaged[at] ^= 1
		got, err := tensor(damaged)
		if refused != (err != nil) {
			t.Errorf("%s, damaged: %v", name, err)
		}
		if !refused && got[0] != data[0]^1 {
			t.Errorf("%s: other bytes than those of the file", name)
		}
	}
}
