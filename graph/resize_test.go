package graph

import (
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf/tftest"
)

// TestResizeByHand: rows of pixels whose values tell where an output comes from.
func TestResizeByHand(t *testing.T) {
	for name, dtype := range dtypes {
		s := New(dtype)
		row := s.Values([]float64{0, 10, 20, 30}, 1, 1, 4, 1)
		cases := []struct {
			what string
			out  tensorflow.Output
			want []float64
		}{
			{"nearest, half", s.ResizeNearest(row, 1, 2), []float64{0, 20}},
			{"nearest, more", s.ResizeNearest(row, 1, 6), []float64{0, 0, 10, 20, 20, 30}},
			{"corners, more", s.ResizeCorners(row, 1, 7), []float64{0, 5, 10, 15, 20, 25, 30}},
			{"corners, less", s.ResizeCorners(row, 1, 3), []float64{0, 15, 30}},
			{"corners, one", s.ResizeCorners(row, 1, 1), []float64{0}},
			{"half-pixel, half", s.ResizeBilinear(row, 1, 2), []float64{5, 25}},
		}
		for _, c := range cases {
			near(t, name+": "+c.what, tftest.Evaluate(t, s, c.out)[0], c.want, 1e-6)
		}
		if s.ResizeNearest(row, 1, 4) != row || s.ResizeCorners(row, 1, 4) != row {
			t.Error("a resize to the same size adds operations")
		}
	}
}

// TestGroupsStayApart: what one group of channels sees does not reach another.
func TestGroupsStayApart(t *testing.T) {
	s := New(tensorflow.Double)
	c := NewConv2D(s.Sub("conv"), 4, 6, 1, ConvOptions{Groups: 2})
	if len(c.Kernel.Dims) != 4 || c.Kernel.Dims[2] != 2 || c.Kernel.Dims[3] != 6 {
		t.Errorf("the kernel is %v, want [1 1 2 6]", c.Kernel.Dims)
	}
	session := tftest.NewSession(t, s)
	kernel := []float64{1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60} // [in][out]
	err := Assign(session, map[*Variable]*tensorflow.Tensor{
		c.Kernel: tftest.Of(t, kernel, 1, 1, 2, 6), c.Bias: tftest.Of(t, make([]float64, 6), 6),
	})
	if err != nil {
		t.Fatal(err)
	}
	x := s.Values([]float64{1, 100, 1000, 7}, 1, 1, 1, 4)
	got := tftest.Run(t, session, nil, c.Apply(s, x))[0]
	near(t, "groups", got, []float64{1001, 2002, 3003, 4*1000 + 40*7, 5*1000 + 50*7, 6*1000 + 60*7}, 1e-15)

	odd := New(tensorflow.Double)
	NewConv2D(odd.Sub("conv"), 4, 6, 1, ConvOptions{Groups: 4})
	if odd.Err() == nil {
		t.Error("6 channels in 4 groups are no error")
	}
}
