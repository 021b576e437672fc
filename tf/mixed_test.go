package tf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
	framework "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"golang.org/x/sys/cpu"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// TestMixedRewritesNothingElse holds that Grappler is told to lower the precision
// and to leave the graph otherwise as it is.
func TestMixedRewritesNothingElse(t *testing.T) {
	for _, m := range []MixedPrecision{MixedFloat16, MixedBFloat16} {
		text, err := SessionConfig{MixedPrecision: m}.Proto()
		if err != nil {
			t.Fatal(err)
		}
		var p pb.ConfigProto
		if err := proto.Unmarshal(text, &p); err != nil {
			t.Fatal(err)
		}
		r := p.GraphOptions.RewriteOptions
		if r.DisableMetaOptimizer || !r.FailOnOptimizerErrors {
			t.Errorf("%s: %v", m, r)
		}
		on := 0
		r.ProtoReflect().Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			if f.Enum() != nil && f.Enum().Name() == "Toggle" && v.Enum() != 2 { // OFF
				on++
			}
			return true
		})
		if on != 1 || (r.AutoMixedPrecision == pb.RewriterConfig_ON) != (m == MixedFloat16) {
			t.Errorf("%s: %d rewrites are on: %v", m, on, r)
		}
	}
	if _, err := (SessionConfig{MixedPrecision: "float8"}).Proto(); err == nil || !strings.Contains(err.Error(), "want float16, bfloat16") {
		t.Error(err)
	}
}

// TestMixedIsSeen looks at the graph that Grappler makes of a convolution: it is
// computed in bfloat16, between casts.
func TestMixedIsSeen(t *testing.T) {
	if !cpu.X86.HasAVX512F {
		t.Skip("bfloat16 needs AVX-512")
	}
	dir := t.TempDir()
	t.Setenv("TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_LOG_PATH", dir)
	g := tensorflow.NewGraph()
	add := func(spec tensorflow.OpSpec) tensorflow.Output {
		op, err := g.AddOperation(spec)
		if err != nil {
			t.Fatal(err)
		}
		return op.Output(0)
	}
	input := func(name string, dims ...int64) tensorflow.Output {
		return add(tensorflow.OpSpec{Type: "Placeholder", Name: name, Attrs: map[string]any{"dtype": tensorflow.Float, "shape": tensorflow.MakeShape(dims...)}})
	}
	x, kernel := input("x", 1, 4, 4, 8), input("kernel", 3, 3, 8, 8)
	y := add(tensorflow.OpSpec{Type: "Conv2D", Name: "conv", Input: []tensorflow.Input{x, kernel}, Attrs: map[string]any{"strides": []int64{1, 1, 1, 1}, "padding": "SAME"}})
	y = add(tensorflow.OpSpec{Type: "Relu", Name: "relu", Input: []tensorflow.Input{y}})
	s, err := NewSession(g, SessionConfig{Device: "cpu", MixedPrecision: MixedBFloat16})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ones := func(dims ...int64) *tensorflow.Tensor {
		n := int64(1)
		for _, d := range dims {
			n *= d
		}
		values := make([]float32, n)
		for i := range values {
			values[i] = 1
		}
		tensor, err := NewTensor(values, dims...)
		if err != nil {
			t.Fatal(err)
		}
		return tensor
	}
	out, err := s.Run(map[tensorflow.Output]*tensorflow.Tensor{x: ones(1, 4, 4, 8), kernel: ones(3, 3, 8, 8)}, []tensorflow.Output{y}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := Values[float32](out[0]); err != nil || v[5*8] != 72 {
		t.Errorf("an inner pixel is %v, %v", v[5*8], err)
	}
	kinds := map[string]bool{}
	for _, n := range rewritten(t, dir).Node {
		if n.Attr["T"].GetType() == 14 { // DT_BFLOAT16
			kinds[n.Op] = true
		}
	}
	if !kinds["Conv2D"] {
		t.Errorf("in bfloat16 are %v", kinds)
	}
}

// rewritten is the graph that Grappler logged last.
func rewritten(t *testing.T, dir string) *framework.GraphDef {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "graphdef_AutoMixedPrecision*.pb"))
	if err != nil || len(files) == 0 {
		all, _ := os.ReadDir(dir)
		t.Fatalf("no graph was logged: %v, %v", all, err)
	}
	text, err := os.ReadFile(files[len(files)-1])
	if err != nil {
		t.Fatal(err)
	}
	var def framework.GraphDef
	if err := proto.Unmarshal(text, &def); err != nil {
		t.Fatal(err)
	}
	return &def
}

func TestMixedIsRefused(t *testing.T) {
	g := tensorflow.NewGraph()
	if _, err := NewSession(g, SessionConfig{Device: "cpu", MixedPrecision: MixedFloat16}); err == nil || !strings.Contains(err.Error(), "needs a GPU") {
		t.Errorf("float16 on the CPU: %v", err)
	}
	t.Setenv("TF_ENABLE_ONEDNN_OPTS", "0")
	if _, err := NewSession(g, SessionConfig{Device: "cpu", MixedPrecision: MixedBFloat16}); err == nil || !strings.Contains(err.Error(), "bfloat16") {
		t.Errorf("bfloat16 without oneDNN: %v", err)
	}
}
