package savedmodel

import (
	"math"
	"slices"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// loaded is a model with or without our kernels; nil where it cannot be loaded.
func loaded(t *testing.T, meta *pb.MetaGraphDef, own bool) (*Model, error) {
	t.Helper()
	m := &Model{}
	graph, session, err := loadChecked("", meta, tf.SessionConfig{Device: "cpu", UseKernels: own})
	m.session = session
	t.Cleanup(func() { m.Close() })
	if err != nil {
		return nil, err
	}
	m.bind(graph, meta)
	return m, nil
}

// forgedInputs are values for a signature: 2 for open batches, and the sizes of x.
func forgedInputs(t *testing.T, m *Model) map[string]*tensorflow.Tensor {
	inputs := map[string]*tensorflow.Tensor{}
	for name, spec := range m.Signatures()[DefaultSignature].Inputs {
		dims, n := []int64{2, 6, 5, 3}, int64(1)
		for i, d := range spec.Shape {
			if d >= 0 && i < 4 {
				dims[i] = d
			}
		}
		for _, d := range dims {
			n *= d
		}
		r := random.New(11, random.Label(name))
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(r.Uniform(-1, 1))
		}
		inputs[name] = tftest.Of(t, values, dims...)
	}
	return inputs
}

// compareForged fails where a model does something else with our kernels. It
// reports whether it computed anything.
func compareForged(t *testing.T, meta *pb.MetaGraphDef, large bool) bool {
	if err := checkMetaGraph("", meta, false); err != nil {
		t.Log(err)
		return false
	}
	plain, plainErr := loaded(t, meta, false)
	own, ownErr := loaded(t, meta, true)
	if (plainErr == nil) != (ownErr == nil) {
		t.Fatalf("TensorFlow's: %v; with our kernels: %v", plainErr, ownErr)
	}
	if plainErr != nil || large {
		return false
	}
	inputs := forgedInputs(t, plain)
	for range 2 { // variables may have moved
		plainErr = compareCalls(t, plain, own, inputs)
	}
	return plainErr == nil
}

// compareCalls calls two models and returns the error of the first.
func compareCalls(t *testing.T, plain, own *Model, inputs map[string]*tensorflow.Tensor) error {
	t.Helper()
	want, plainErr := plain.Call(DefaultSignature, inputs)
	got, ownErr := own.Call(DefaultSignature, inputs)
	if (plainErr == nil) != (ownErr == nil) {
		t.Fatalf("called, TensorFlow's: %v; with our kernels: %v", plainErr, ownErr)
	}
	for name, tensor := range want {
		a, b, most := tftest.Values(t, tensor), tftest.Values(t, got[name]), 1.0
		// Of maps without pixels oneDNN takes the number of channels that came.
		if !slices.Equal(tensor.Shape(), got[name].Shape()) && len(a)+len(b) > 0 {
			t.Fatalf("%s: %v, want %v", name, got[name].Shape(), tensor.Shape())
		}
		for _, v := range a {
			if !math.IsInf(v, 0) {
				most = max(most, math.Abs(v))
			}
		}
		for i := range a {
			if !(math.Abs(a[i]-b[i]) <= 1e-4*most) && !(math.IsNaN(a[i]) && math.IsNaN(b[i])) && a[i] != b[i] {
				t.Fatalf("%s: value %d is %v, want %v", name, i, b[i], a[i])
			}
		}
	}
	return plainErr
}

// FuzzKernels loads forged models with and without our own kernels: both ways
// load or refuse them, and compute the same.
func FuzzKernels(f *testing.F) {
	if own, err := usesKernels(tf.SessionConfig{Device: "cpu", UseKernels: true}); err != nil || !own {
		f.Skip("this processor has no kernels of our own: ", err)
	}
	f.Add([]byte{})
	for _, data := range forgedSeeds() {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		meta, large := forgedModel(data)
		compareForged(t, meta, large)
	})
}

// forgedSeeds are bytes of all lengths.
func forgedSeeds() [][]byte {
	var list [][]byte
	for i := range int64(48) {
		r := random.New(i)
		data := make([]byte, 6+i)
		for j := range data {
			data[j] = byte(r.IntN(256))
		}
		list = append(list, data)
	}
	return list
}

// The seeds are no good where everything is refused, or nothing is rewritten.
func TestForgedSeeds(t *testing.T) {
	if own, err := usesKernels(tf.SessionConfig{Device: "cpu", UseKernels: true}); err != nil || !own {
		t.Skip("this processor has no kernels of our own: ", err)
	}
	computed, rewritten := 0, 0
	for _, data := range forgedSeeds() {
		meta, large := forgedModel(data)
		if large || checkMetaGraph("", meta, false) != nil {
			continue
		}
		needed, err := neededGraph(meta)
		if err != nil {
			continue
		}
		before := proto.Clone(needed)
		out, err := withKernels(needed, meta)
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(before, needed) {
			t.Error("the graph itself was changed")
		}
		if _, err := tf.ImportGraph(needed); err != nil {
			continue
		}
		computed++
		if slices.ContainsFunc(out.GetNode(), func(n *nodepb.NodeDef) bool { return n.GetOp() == ownConv || n.GetOp() == ownConvFused }) {
			rewritten++
		}
	}
	if computed < 10 || rewritten < 5 {
		t.Errorf("of the seeds %d can be loaded, %d are rewritten", computed, rewritten)
	}
}

// What calls feed inside a graph is what the operations behind it get: nothing is
// computed past it.
func TestFedInside(t *testing.T) {
	f := &forge{def: &graphpb.GraphDef{}}
	x := f.add("Placeholder", map[string]*attrpb.AttrValue{"dtype": floatAttr, "shape": shapeAttr([]int64{-1, 6, 5, 3})})
	up := f.add("ResizeNearestNeighbor", float32s("T"), x, f.ints(12, 10))
	attrs := float32s("T")
	attrs["strides"], attrs["padding"] = intsAttr(1, 1, 1, 1), stringAttr("SAME")
	y := f.add("Conv2D", attrs, up, f.constant(-0.5, 0.5, 3, 3, 3, 4))
	meta := f.meta([]string{x, up}, []string{y})
	if !compareForged(t, meta, false) {
		t.Error("it was not computed")
	}
}

// Operations that want to be beside one that became a part of another are placed
// anywhere.
func TestPlacedBesideWhatIsGone(t *testing.T) {
	f := &forge{def: &graphpb.GraphDef{}}
	x := f.add("Placeholder", map[string]*attrpb.AttrValue{"dtype": floatAttr, "shape": shapeAttr([]int64{-1, 6, 5, 3})})
	attrs := float32s("T")
	attrs["strides"], attrs["padding"] = intsAttr(1, 1, 1, 1), stringAttr("SAME")
	conv := f.add("Conv2D", attrs, x, f.constant(-0.5, 0.5, 3, 3, 3, 4))
	y := f.add("BiasAdd", float32s("T"), conv, f.constant(-1, 1, 4))
	last := f.add("Tanh", float32s("T"), y)
	f.def.GetNode()[len(f.def.GetNode())-1].Attr["_class"] = &attrpb.AttrValue{Value: &attrpb.AttrValue_List{
		List: &attrpb.AttrValue_ListValue{S: [][]byte{[]byte("loc:@" + conv)}}}}
	if !compareForged(t, f.meta([]string{x}, []string{last}), false) {
		t.Error("it was not computed")
	}
}

// Weights that calls move are those that the next call computes with.
func TestWeightsThatMove(t *testing.T) {
	for _, kind := range []byte{3, 4} { // of either version of TensorFlow
		f := &forge{data: []byte{0, 0, 0, 0, 0, kind, 0, 0, 0, 0, 0, 0, 0, 1}, def: &graphpb.GraphDef{}}
		f.made(f.add("Placeholder", map[string]*attrpb.AttrValue{"dtype": floatAttr, "shape": shapeAttr([]int64{-1, 6, 5, 3})}), 3)
		f.convolution()
		if len(f.moved) != 1 {
			t.Fatal("nothing moves")
		}
		if !compareForged(t, f.meta([]string{"n0"}, []string{f.maps[1].tensor, f.moved[0]}), false) {
			t.Error("it was not computed")
		}
	}
}
