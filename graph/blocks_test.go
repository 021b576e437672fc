package graph

import (
	"fmt"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

func TestWidth(t *testing.T) {
	var got []int
	for level := 0; level <= 5; level++ {
		got = append(got, Width(32, 1024, level))
	}
	if want := "[32 64 128 256 512 1024]"; fmt.Sprint(got) != want {
		t.Errorf("widths are %v, want %s", got, want)
	}
	for _, c := range [][4]int{{64, 512, 3, 512}, {64, 512, 4, 512}, {48, 100, 2, 100}, {64, 32, 0, 32}, {8, 1 << 30, 70, 1 << 30}} {
		if got := Width(c[0], c[1], c[2]); got != c[3] {
			t.Errorf("width of %d with a limit of %d at level %d is %d, want %d", c[0], c[1], c[2], got, c[3])
		}
	}
}

// TestHourglass compares channels, sizes and names with the reference's
// keypoint detector at 256: 64x64 pictures, five levels.
func TestHourglass(t *testing.T) {
	s := New(tensorflow.Float)
	h := NewHourglass(s.Sub("predictor"), 3, 32, 1024, 5)
	y, encoded := h.Apply(s, s.Placeholder("x", tensorflow.Float, -1, 64, 64, 3))
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.Shape(y)); got != "[-1 64 64 35]" || h.OutChannels() != 35 {
		t.Errorf("output is %s, of %d channels as announced, want [-1 64 64 35]", got, h.OutChannels())
	}
	var sizes []string
	for _, e := range encoded {
		sizes = append(sizes, fmt.Sprint(s.Shape(e)[1:]))
	}
	want := "[64 64 3] [32 32 64] [16 16 128] [8 8 256] [4 4 512] [2 2 1024]"
	if got := strings.Join(sizes, " "); got != want {
		t.Errorf("the encoder's activations are %s, want %s", got, want)
	}
	for name, dims := range map[string]string{
		"predictor.encoder.down_blocks.0.conv.weight":      "[3 3 3 64]",
		"predictor.encoder.down_blocks.4.norm.running_var": "[1024]",
		"predictor.decoder.up_blocks.0.conv.weight":        "[3 3 1024 512]",
		"predictor.decoder.up_blocks.1.conv.weight":        "[3 3 1024 256]",
		"predictor.decoder.up_blocks.4.conv.bias":          "[32]",
	} {
		if v := s.VariableNamed(name); v == nil || fmt.Sprint(v.Dims) != dims {
			t.Errorf("%s is %v, want %s", name, v, dims)
		}
	}
	if n := len(s.Variables()); n != 10*6 {
		t.Errorf("%d variables, want %d", n, 60)
	}
}
