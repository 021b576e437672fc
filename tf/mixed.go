package tf

import (
	"fmt"
	"os"

	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"golang.org/x/sys/cpu"
)

// MixedPrecision is the form in which convolutions and products of float32 graphs
// are computed, with what lies between them; all else, weights first, stays float32.
type MixedPrecision string

const (
	// NoMixedPrecision computes everything in float32.
	NoMixedPrecision MixedPrecision = ""
	// MixedFloat16 serves GPUs of compute capability 7.0 or more. Gradients below
	// 6e-8 are zero there: losses have to be scaled.
	MixedFloat16 MixedPrecision = "float16"
	// MixedBFloat16 serves CPUs with AVX-512, by oneDNN. TensorFlow 2.18 has no
	// rewrite to bfloat16 for GPUs.
	MixedBFloat16 MixedPrecision = "bfloat16"
)

// Validate refuses other names.
func (m MixedPrecision) Validate() error {
	switch m {
	case NoMixedPrecision, MixedFloat16, MixedBFloat16:
		return nil
	}
	return fmt.Errorf("mixed precision %q is unknown: want float16, bfloat16 or nothing", string(m))
}

// rewrites are what Grappler may do to a graph before its first run: all that it
// knows, or lower the precision and nothing else, or nothing.
func (c SessionConfig) rewrites() *pb.RewriterConfig {
	if c.MixedPrecision == NoMixedPrecision {
		return &pb.RewriterConfig{DisableMetaOptimizer: !c.Optimize}
	}
	r := &pb.RewriterConfig{}
	if !c.Optimize {
		const off = pb.RewriterConfig_OFF
		r = &pb.RewriterConfig{
			LayoutOptimizer: off, ConstantFolding: off, ShapeOptimization: off, Remapping: off, CommonSubgraphElimination: off,
			ArithmeticOptimization: off, DependencyOptimization: off, LoopOptimization: off, FunctionOptimization: off,
			DebugStripper: off, ScopedAllocatorOptimization: off, PinToHostOptimization: off, ImplementationSelector: off,
			DisableModelPruning: true, MemoryOptimization: pb.RewriterConfig_NO_MEM_OPT, UsePluginOptimizers: off,
			MetaOptimizerIterations: pb.RewriterConfig_ONE,
		}
	}
	// Without it an error would leave the graph as it was, in float32.
	r.FailOnOptimizerErrors = true
	if c.MixedPrecision == MixedFloat16 {
		r.AutoMixedPrecision = pb.RewriterConfig_ON
	} else {
		r.AutoMixedPrecisionOnednnBfloat16 = pb.RewriterConfig_ON
	}
	return r
}

// whole are the types of operation that Grappler would lower and must not: products
// of small matrices, softmax and roundings make coordinates here, which eight bits
// would move by a pixel; absolute values, squares, sums and means make losses. What
// follows from them stays float32, too.
const whole = "Abs,BatchMatMul,BatchMatMulV2,Einsum,Floor,IsFinite,MatMul,Mean,Softmax,Square,Sum"

// keepWhole tells Grappler, which reads the environment for this. It holds for the
// process.
func keepWhole() error {
	const prefix = "TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_"
	for _, list := range []string{"ALLOWLIST_REMOVE", "INFERLIST_REMOVE", "CLEARLIST_REMOVE", "DENYLIST_ADD"} {
		if err := os.Setenv(prefix+list, whole); err != nil {
			return err
		}
	}
	return nil
}

// checkMixed says why a session cannot lower the precision: Grappler leaves a graph
// as it is then, without a word.
func (s *Session) checkMixed(m MixedPrecision) error {
	switch {
	case m == MixedFloat16 && !s.HasGPU():
		return fmt.Errorf("mixed precision float16 needs a GPU, and the session computes %s: take bfloat16, which serves CPUs with AVX-512, or none", s.Placement())
	case m == MixedBFloat16 && s.HasGPU():
		return fmt.Errorf("mixed precision bfloat16 serves the CPU alone in this TensorFlow, and the session computes %s: take float16 there, or the device cpu", s.Placement())
	case m == MixedBFloat16 && !cpu.X86.HasAVX512F:
		return fmt.Errorf("mixed precision bfloat16 needs a CPU with AVX-512, which this one has not: take none")
	case m == MixedBFloat16 && os.Getenv("TF_ENABLE_ONEDNN_OPTS") == "0":
		return fmt.Errorf("mixed precision bfloat16 is oneDNN's, which TF_ENABLE_ONEDNN_OPTS=0 turns off: unset that")
	}
	return nil
}
