package weights

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/golden"
)

// reference opens a file that the reference code and PyTorch wrote.
func reference(t *testing.T, name string) *StateDict {
	t.Helper()
	b, err := golden.Bytes(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := readBytes(b)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return s
}

func sameBits(t *testing.T, name string, got, want *Tensor) {
	t.Helper()
	if got.DType() != want.DType() || !slices.Equal(got.Shape(), want.Shape()) {
		t.Errorf("%s: %v %v, not %v %v", name, got.DType(), got.Shape(), want.DType(), want.Shape())
		return
	}
	a, err := got.Bytes()
	b, err2 := want.Bytes()
	if err != nil || err2 != nil || !bytes.Equal(a, b) {
		t.Errorf("%s: the elements differ (%v, %v)", name, err, err2)
	}
}

// TestPyTorchsCheckpoints compares both formats of PyTorch, bit for bit, with
// the same state dicts as numpy wrote them.
func TestPyTorchsCheckpoints(t *testing.T) {
	arrays := reference(t, "weights.npz")
	for name, format := range map[string]Format{"small.pth.tar": TorchLegacy, "small-zip.pth.tar": TorchZip} {
		s := reference(t, name)
		if s.Format() != format {
			t.Errorf("%s: format %s", name, s.Format())
		}
		for key, source := range map[string]string{"generator": "generator", "kp_detector": "kp_detector", "discriminator": "disc_kp"} {
			got, want := s.Sub(key), arrays.Sub(source)
			var specs []Spec
			for _, tensor := range want.Names() {
				w, _ := want.Tensor(tensor)
				specs = append(specs, Spec{tensor, w.Shape()})
			}
			counts := func(name string) bool { return strings.HasSuffix(name, ".num_batches_tracked") }
			if err := got.Check(specs, counts); err != nil {
				t.Errorf("%s %s: %v", name, key, err)
				continue
			}
			for _, tensor := range want.Names() {
				g, _ := got.Tensor(tensor)
				w, _ := want.Tensor(tensor)
				sameBits(t, name+" "+key+"."+tensor, g, w)
			}
		}
		if epoch, _ := s.Root().(*Dict).Get("epoch"); epoch != int64(7) {
			t.Errorf("%s: epoch %v", name, epoch)
		}
	}
}

// isBuffer tells what a state dict holds beside parameters.
func isBuffer(name string) bool {
	for _, end := range []string{"running_mean", "running_var", "num_batches_tracked", "down.weight", "weight_u", "weight_v"} {
		if name == end || strings.HasSuffix(name, "."+end) {
			return true
		}
	}
	return false
}

// TestAdamByPosition maps the states to parameters by their place in the
// state dict and compares them with those that were saved by name.
func TestAdamByPosition(t *testing.T) {
	byName := reference(t, "small_adam.npz")
	stepTensor, _ := byName.Tensor("step")
	step, err := stepTensor.Float64s()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"small.pth.tar", "small-zip.pth.tar"} {
		s := reference(t, name)
		compared := 0
		for _, model := range []string{"generator", "kp_detector", "discriminator"} {
			state, _ := s.Root().(*Dict).Get("optimizer_" + model)
			adam, err := ReadAdam(state)
			if err != nil {
				t.Fatalf("%s %s: %v", name, model, err)
			}
			if adam.LR != 2e-4 || adam.Beta1 != 0.5 || adam.Beta2 != 0.999 || adam.Epsilon != 1e-8 {
				t.Errorf("%s %s: %+v", name, model, adam)
			}
			parameters := slices.DeleteFunc(s.Sub(model).Names(), isBuffer)
			if len(parameters) != len(adam.Moments) {
				t.Fatalf("%s %s: %d states for %d parameters", name, model, len(adam.Moments), len(parameters))
			}
			for i, parameter := range parameters {
				full := model + "." + parameter
				average, ok := byName.Tensor(full + ".exp_avg")
				square, ok2 := byName.Tensor(full + ".exp_avg_sq")
				if !ok || !ok2 {
					t.Errorf("no state is named %s", full)
					continue
				}
				sameBits(t, full, adam.Moments[i].Average, average)
				sameBits(t, full, adam.Moments[i].Square, square)
				if float64(adam.Moments[i].Step) != step[0] {
					t.Errorf("%s: step %d, not %v", full, adam.Moments[i].Step, step[0])
				}
				compared += 2
			}
		}
		if left := len(byName.Names()) - compared; left != 1 { // the step
			t.Errorf("%s: %d states are compared with nothing", name, left-1)
		}
	}
}

// TestVGG19OfTheReference finds the reference's names for VGG-19 among those
// of the other networks.
func TestVGG19OfTheReference(t *testing.T) {
	s := reference(t, "weights.npz")
	convs, err := VGG19(s, [5]int64{8, 16, 32, 64, 64})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range convs {
		var found []string
		for _, name := range s.Names() {
			if tensor, _ := s.Tensor(name); tensor == c.Weight {
				found = append(found, name)
			}
		}
		if len(found) != 1 || !strings.HasPrefix(found[0], "vgg.slice") || !strings.HasSuffix(found[0], "."+strings.TrimPrefix(vgg19Styles[0].stem(c.Index), "features.")+".weight") {
			t.Errorf("%s: %v", c.Name, found)
		}
	}
	if _, err := VGG19(s, VGG19Widths); err == nil || !strings.Contains(err.Error(), "26 misshapen") {
		t.Errorf("other widths: %v", err)
	}
}

// TestPyTorchsCheckpointsCut cuts real files at some lengths.
func TestPyTorchsCheckpointsCut(t *testing.T) {
	for _, name := range []string{"small.pth.tar", "small-zip.pth.tar"} {
		b, err := golden.Bytes(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{0, 1, 20, 1000, 60_000, 64_000, 80_000, len(b) / 2, len(b) - 100, len(b) - 1} {
			if err := readAll(b[:n]); err == nil {
				t.Errorf("%s: the first %d of %d bytes are read without an error", name, n, len(b))
			}
		}
	}
}
