package savedmodel

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// convBuilder adds convolutions with constant weights to a graph.
type convBuilder struct {
	testing.TB
	g *tensorflow.Graph
	r *random.Rand
}

func (b *convBuilder) op(kind, name string, attrs map[string]any, in ...tensorflow.Input) tensorflow.Output {
	b.Helper()
	return addOp(b, b.g, tensorflow.OpSpec{Type: kind, Name: name, Input: in, Attrs: attrs})
}

func (b *convBuilder) weights(name string, dims ...int64) tensorflow.Output {
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(b.r.Float64()) - 0.5
	}
	return b.op("Const", name, map[string]any{"dtype": tensorflow.Float, "value": tftest.Of(b, values, dims...)})
}

func (b *convBuilder) conv(name string, x, kernel tensorflow.Output, padding string, stride int64) tensorflow.Output {
	return b.op("Conv2D", name, map[string]any{"strides": []int64{1, stride, stride, 1}, "padding": padding}, x, kernel)
}

// norm adds a batch norm of n channels.
func (b *convBuilder) norm(name string, x tensorflow.Output, n int64, training bool) tensorflow.Output {
	given := n
	if training {
		given = 0
	}
	variance := b.op("Exp", name+"/variance", nil, b.weights(name+"/logarithm", given))
	return b.op("FusedBatchNormV3", name, map[string]any{"is_training": training, "epsilon": float32(0.01)},
		x, b.weights(name+"/scale", n), b.weights(name+"/offset", n), b.weights(name+"/mean", given), variance)
}

// convolutions is a model of convolutions that our kernels compute, and of such
// as they leave.
func convolutions(t testing.TB) Def {
	b := &convBuilder{t, tensorflow.NewGraph(), random.New(5)}
	x := b.op("Placeholder", "x", map[string]any{"dtype": tensorflow.Float, "shape": tensorflow.MakeShape(-1, 6, 5, 3)})
	size := b.op("Const", "size", map[string]any{"dtype": tensorflow.Int32, "value": tftest.Of(t, []int32{12, 10}, 2)})
	out := map[string]tensorflow.Output{}

	plain := b.conv("whole", x, b.weights("k1", 3, 3, 3, 40), "SAME", 1)
	biased := b.op("BiasAdd", "whole/bias", nil, plain, b.weights("b1", 40))
	out["whole"] = b.op("Relu", "whole/relu", nil, biased)
	kernel := b.weights("k2", 3, 3, 40, 33)
	up := b.op("ResizeNearestNeighbor", "up", nil, out["whole"], size)
	out["up"] = b.op("BiasAdd", "up/bias", nil, b.conv("up/conv", up, kernel, "SAME", 1), b.weights("b2", 33))
	out["bare"] = b.conv("bare", x, b.weights("k3", 4, 4, 3, 5), "VALID", 1)
	out["even"] = b.op("Relu", "even/relu", nil, b.conv("even", x, b.weights("k4", 2, 2, 3, 5), "SAME", 1))
	// Something else reads what is in front of the bias, and of the ReLU.
	twice := b.conv("twice", x, b.weights("k5", 3, 3, 3, 5), "SAME", 1)
	out["twice"] = twice
	between := b.op("BiasAdd", "between", nil, twice, b.weights("b5", 5))
	out["between"] = b.op("AddV2", "sum", nil, b.op("Relu", "between/relu", nil, between), between)
	for _, name := range []string{"normed", "line"} {
		y := b.conv(name+"/conv", x, b.weights(name+"/kernel", 3, 3, 3, 7), "SAME", 1)
		if name == "normed" {
			y = b.op("BiasAdd", name+"/bias", nil, y, b.weights(name+"/shift", 7))
		}
		out[name] = b.norm(name, y, 7, false)
	}
	out["normed"] = b.op("Relu", "normed/relu", nil, out["normed"])
	out["line"] = b.op("Tanh", "line/tanh", nil, out["line"])
	out["batch"] = b.norm("batch", b.conv("batch/conv", x, b.weights("k9", 3, 3, 3, 7), "SAME", 1), 7, true)
	// These are left as they are.
	out["stride"] = b.conv("stride", x, b.weights("k6", 3, 3, 3, 4), "SAME", 2)
	out["oblong"] = b.conv("oblong", x, b.weights("k7", 1, 3, 3, 4), "SAME", 1)
	out["made"] = b.conv("made", x, b.op("Exp", "exp", nil, b.weights("k8", 3, 3, 3, 4)), "SAME", 1)

	def, err := tf.GraphDefOf(b.g)
	if err != nil {
		t.Fatal(err)
	}
	s := SignatureDef{Name: DefaultSignature, Inputs: map[string]TensorSpec{"x": SpecOf(x)}, Outputs: map[string]TensorSpec{}}
	for name, o := range out {
		s.Outputs[name] = SpecOf(o)
	}
	return Def{Graph: def, Signatures: []SignatureDef{s}}
}

// Convolutions of a loaded model are ours where they serve, under the names that
// others read, and nothing else changes.
func TestRewrittenConvolutions(t *testing.T) {
	if own, err := tf.OwnKernels("cpu"); err != nil || !own {
		t.Skip("this processor has no kernels of our own: ", err)
	}
	if err := tf.LoadOps(); err != nil {
		t.Fatal(err)
	}
	dir := write(t, filepath.Join(t.TempDir(), "m"), convolutions(t))
	meta, err := readMetaGraph(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	needed, err := neededGraph(meta)
	if err != nil {
		t.Fatal(err)
	}
	rewritten, err := withKernels(needed, meta)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, n := range rewritten.GetNode() {
		switch op := n.GetOp(); {
		case op == ownConv || op == ownConvFused || op == "Conv2D" || op == "BiasAdd" || op == "Relu" || op == "ResizeNearestNeighbor", strings.HasPrefix(op, "FusedBatchNorm"):
			got[n.GetName()] = op
		case !computing[op]:
			t.Errorf("%s is not on the list of operations that only compute", op)
		}
	}
	want := map[string]string{
		"whole/relu": ownConvFused, "up/bias": ownConv, "bare": ownConv, "even/relu": ownConvFused,
		"twice": ownConv, "between": "BiasAdd", "between/relu": "Relu", "stride": "Conv2D", "oblong": "Conv2D", "made": "Conv2D",
		"normed/relu": ownConvFused, "line": ownConvFused, "batch/conv": ownConv, "batch": "FusedBatchNormV3",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// A model computes nearly the same with and without our kernels.
func TestOwnAndPlainModel(t *testing.T) {
	dir := write(t, filepath.Join(t.TempDir(), "m"), convolutions(t))
	r := random.New(6)
	values := make([]float32, 2*6*5*3)
	for i := range values {
		values[i] = float32(r.Float64())
	}
	inputs := map[string]*tensorflow.Tensor{"x": tftest.Of(t, values, 2, 6, 5, 3)}
	outputs := func(level string) map[string]*tensorflow.Tensor {
		t.Setenv(tf.KernelsEnv, level)
		m, err := Open(dir, tf.SessionConfig{UseKernels: true})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		out, err := m.Call(DefaultSignature, inputs)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	own, plain, differs := outputs("generic"), outputs("off"), false
	for name, o := range plain {
		a, b := tftest.Values(t, o), tftest.Values(t, own[name])
		if len(a) != len(b) {
			t.Fatalf("%s: %v, want %v", name, own[name].Shape(), o.Shape())
		}
		for i := range a {
			if math.Abs(a[i]-b[i]) > 1e-4 {
				t.Fatalf("%s: value %d is %v, want %v", name, i, b[i], a[i])
			}
			if a[i] != b[i] {
				differs = true
			}
		}
	}
	if !differs { // other sums round otherwise
		t.Error("both ways computed the same bits: one of them was not taken")
	}
}
