package train

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
	framework "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	"golang.org/x/sys/cpu"
	"google.golang.org/protobuf/proto"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
)

// TestStepInBFloat16 takes a step that Grappler lowers: its convolutions and their
// gradients are computed in bfloat16, weights and moments are not, and losses are
// those of float32 to what eight bits tell.
func TestStepInBFloat16(t *testing.T) {
	if !cpu.X86.HasAVX512F {
		t.Skip("bfloat16 needs AVX-512")
	}
	losses := map[string]map[string]float64{}
	dir := t.TempDir()
	for _, mixed := range []string{"off", "bfloat16"} {
		if mixed != "off" {
			t.Setenv("TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_LOG_PATH", dir)
		}
		s, err := begin(t, t.TempDir(), tiny(t, model.PriorityCut, "mixed_precision="+mixed))
		if err != nil {
			t.Fatal(err)
		}
		if s.scope.OwnKernels() && mixed != "off" {
			t.Error("kernels of our own, which compute in float32, are in a step of bfloat16")
		}
		tr := s.trainer()
		batches := s.loader.Prefetch(context.Background(), 0)
		defer batches.Close()
		tr.batches = batches
		m, err := tr.try(context.Background(), true)
		if m == nil || err != nil {
			t.Fatalf("%+v, %v", m, err)
		}
		losses[mixed] = m.Losses
		for _, v := range s.scope.Variables(graph.Trainable, graph.State) {
			if v.DType != tensorflow.Float {
				t.Errorf("%s is of dtype %v", v.Name, v.DType)
			}
		}
	}
	for name, want := range losses["off"] {
		if got := losses["bfloat16"][name]; !(math.Abs(got-want) <= 0.05*math.Abs(want)+1e-3) {
			t.Errorf("%s is %g in bfloat16, %g in float32", name, got, want)
		}
	}
	lowered := map[string]int{}
	files, _ := filepath.Glob(filepath.Join(dir, "graphdef_AutoMixedPrecision*.pb"))
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var def framework.GraphDef
		if err := proto.Unmarshal(text, &def); err != nil {
			t.Fatal(err)
		}
		for _, n := range def.Node {
			if n.Attr["T"].GetType() == 14 { // DT_BFLOAT16
				lowered[n.Op]++
			}
		}
	}
	for _, op := range []string{"Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"} {
		if lowered[op] < 10 {
			t.Errorf("%d of the step's %s are computed in bfloat16", lowered[op], op)
		}
	}
	for _, op := range []string{"ResourceApplyAdam", "L2Loss", "BatchMatMulV2", "MatMul", "Floor", "Softmax", "Mean", "Sum"} {
		if n := lowered[op]; n > 0 {
			t.Errorf("%d of the step's %s are computed in bfloat16: they are updates, norms or coordinates", n, op)
		}
	}
	t.Logf("in bfloat16 are %v", lowered)
}
