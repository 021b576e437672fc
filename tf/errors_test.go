package tf

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

func TestCodeOfTensorFlowErrors(t *testing.T) {
	g := tensorflow.NewGraph()
	x := placeholder(t, g, "x", tensorflow.Float)
	checked := addOp(t, g, tensorflow.OpSpec{
		Type: "CheckNumerics", Name: "checked", Input: []tensorflow.Input{x},
		Attrs: map[string]any{"message": "not finite"},
	})
	gather := addOp(t, g, tensorflow.OpSpec{
		Type: "Reshape", Name: "reshape", Input: []tensorflow.Input{x, constant(t, g, "shape", []int32{2})},
	})
	s := newSession(t, g, SessionConfig{})
	nan, err := NewTensor([]float32{0, nan32()}, 2)
	if err != nil {
		t.Fatal(err)
	}
	three, err := NewTensor([]float32{1, 2, 3}, 3)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		feeds map[tensorflow.Output]*tensorflow.Tensor
		fetch tensorflow.Output
		want  ErrorCode
		text  string
	}{
		{"NaN", map[tensorflow.Output]*tensorflow.Tensor{x: nan}, checked, InvalidArgument, "not finite"},
		{"shape", map[tensorflow.Output]*tensorflow.Tensor{x: three}, gather, InvalidArgument, "reshape"},
		{"no feed", nil, checked, InvalidArgument, "x"},
	}
	for _, test := range tests {
		_, err := s.Run(test.feeds, []tensorflow.Output{test.fetch}, nil)
		if err == nil {
			t.Errorf("%s: no error", test.name)
			continue
		}
		if got := Code(fmt.Errorf("step 7: %w", err)); got != test.want {
			t.Errorf("%s: code %v, want %v (%v)", test.name, got, test.want, err)
		}
		if !strings.Contains(err.Error(), test.text) || !strings.Contains(err.Error(), test.want.String()) {
			t.Errorf("%s: message %q lacks %q or the code", test.name, err, test.text)
		}
	}
}

// A raw error of graft's has its code too: should graft change its type, this
// fails instead of every error becoming Unknown.
func TestCodeOfRawErrors(t *testing.T) {
	g := tensorflow.NewGraph()
	placeholder(t, g, "x", tensorflow.Float)
	_, err := g.AddOperation(tensorflow.OpSpec{Type: "Relu", Name: "y"})
	if got := Code(err); got != InvalidArgument {
		t.Errorf("op without input: %v, want InvalidArgument (%v)", got, err)
	}
	_, err = tensorflow.LoadSavedModel("no/such/model", []string{"serve"}, nil)
	if got := Code(err); got != NotFound {
		t.Errorf("missing model: %v, want NotFound (%v)", got, err)
	}
	if got := Code(nil); got != OK {
		t.Errorf("nil: %v", got)
	}
	if got := Code(errors.New("other")); got != Unknown {
		t.Errorf("other error: %v", got)
	}
}

func TestResourceExhausted(t *testing.T) {
	g := tensorflow.NewGraph()
	big := addOp(t, g, tensorflow.OpSpec{
		Type: "Fill", Name: "big",
		Input: []tensorflow.Input{
			constant(t, g, "dims", []int32{1 << 30, 1 << 18}), constant(t, g, "value", float32(1)),
		},
	})
	_, err := newSession(t, g, SessionConfig{}).Run(nil, []tensorflow.Output{big}, nil)
	if got := Code(err); got != ResourceExhausted {
		t.Errorf("1 PiB: %v, want ResourceExhausted (%v)", got, err)
	}
}

func TestGuard(t *testing.T) {
	err := guard("testing", func() error { panic("boom") })
	if Code(err) != Internal || !strings.Contains(err.Error(), "boom") {
		t.Errorf("got %v", err)
	}
}

func TestErrorsWithoutAdviceForPython(t *testing.T) {
	err := wrap("writing", errors.New("No space left on device\n\t [[{{node SaveV2}}]]\nHint: If you want to see a list of allocated tensors when OOM happens, add report_tensor_allocations_upon_oom to RunOptions for current allocation info.\n"))
	if want := "writing: TensorFlow reports Unknown: No space left on device\n\t [[{{node SaveV2}}]]"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}
