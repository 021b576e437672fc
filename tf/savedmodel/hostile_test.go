package savedmodel

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	funcpb "github.com/wamuir/graft/tensorflow/core/framework/function_go_proto"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	opdefpb "github.com/wamuir/graft/tensorflow/core/framework/op_def_go_proto"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	shapepb "github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/prioritycut/prioritycut/internal/localfile/localfiletest"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// forged changes a stored model of constants.
func forged(t testing.TB, change func(*pb.SavedModel)) string {
	t.Helper()
	dir := write(t, filepath.Join(t.TempDir(), "m"), constantLine(t))
	text := changed(t, dir, change)
	if err := os.WriteFile(filepath.Join(dir, modelFile), text, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// huge is a constant that repeats one value in a shape of its own choice.
func huge(dims ...int64) *nodepb.NodeDef {
	return &nodepb.NodeDef{Name: "huge", Op: "Const", Attr: map[string]*attrpb.AttrValue{
		"dtype": typeAttr(typespb.DataType_DT_FLOAT),
		"value": tensorAttr(&tensorpb.TensorProto{Dtype: typespb.DataType_DT_FLOAT, TensorShape: shapeProto(dims), FloatVal: []float32{1}}),
	}}
}

// caller is a function that calls others.
func caller(name string, callees ...string) *funcpb.FunctionDef {
	f := &funcpb.FunctionDef{
		Signature: &opdefpb.OpDef{
			Name:      name,
			InputArg:  []*opdefpb.OpDef_ArgDef{{Name: "x", Type: typespb.DataType_DT_FLOAT}},
			OutputArg: []*opdefpb.OpDef_ArgDef{{Name: "y", Type: typespb.DataType_DT_FLOAT}},
		},
		Ret: map[string]string{"y": "x"},
	}
	for i, callee := range callees {
		types := typesAttr([]typespb.DataType{typespb.DataType_DT_FLOAT})
		f.NodeDef = append(f.NodeDef, &nodepb.NodeDef{
			Name: fmt.Sprintf("call_%d", i), Op: "PartitionedCall", Input: []string{"x"}, Attr: map[string]*attrpb.AttrValue{
				"Tin": types, "Tout": types, "f": {Value: &attrpb.AttrValue_Func{Func: &attrpb.NameAttrList{Name: callee}}},
			}})
	}
	return f
}

// Most of these end the process, fill the machine or take hours when TensorFlow
// gets them.
func TestForgedGraphsAreErrors(t *testing.T) {
	graph := func(change func(*graphpb.GraphDef)) func(*pb.SavedModel) {
		return func(m *pb.SavedModel) { change(m.MetaGraphs[0].GraphDef) }
	}
	node := func(n *nodepb.NodeDef) func(*pb.SavedModel) {
		return graph(func(g *graphpb.GraphDef) { g.Node = append(g.Node, n) })
	}
	functions := func(list ...*funcpb.FunctionDef) func(*pb.SavedModel) {
		return graph(func(g *graphpb.GraphDef) { g.Library = &funcpb.FunctionDefLibrary{Function: list} })
	}
	number := func(op, name string, n int64) func(*pb.SavedModel) {
		return node(&nodepb.NodeDef{Name: "many", Op: op, Input: []string{"two", "x"}, Attr: map[string]*attrpb.AttrValue{
			"T": typeAttr(typespb.DataType_DT_FLOAT), name: {Value: &attrpb.AttrValue_I{I: n}},
		}})
	}
	var chain, doubling []*funcpb.FunctionDef
	for i := range maxCallDepth + 2 {
		chain = append(chain, caller(fmt.Sprintf("f%d", i), fmt.Sprintf("f%d", i+1)))
	}
	for i := range 40 {
		next := fmt.Sprintf("f%d", i+1)
		doubling = append(doubling, caller(fmt.Sprintf("f%d", i), next, next))
	}
	inFunction := caller("f")
	inFunction.NodeDef = append(inFunction.NodeDef, huge(1<<62, 1<<62))
	for _, c := range []struct {
		name, want string
		change     func(*pb.SavedModel)
	}{
		{"a constant of more elements than can be counted", "node huge: a constant claims more than", node(huge(1<<62, 1<<62))},
		{"one that a size of 0 makes empty", "a constant claims more than", node(huge(1<<62, 1<<62, 0))},
		{"one in a function", "a constant claims more than", functions(inFunction)},
		{"one of 4 TB", "a constant claims more than", node(huge(1 << 40))},
		{"two of 1 GB each", "the constants claim more than", graph(func(g *graphpb.GraphDef) {
			second := huge(1 << 28)
			second.Name = "second"
			g.Node = append(g.Node, huge(1<<28), second)
		})},
		{"a negative size", "size -1", node(huge(-1))},
		{"too many dimensions", "300 dimensions", node(huge(make([]int64, 300)...))},
		{"an attribute of an unknown purpose", "300 dimensions", graph(func(g *graphpb.GraphDef) {
			g.Node[0].Attr["_list"] = &attrpb.AttrValue{Value: &attrpb.AttrValue_List{List: &attrpb.AttrValue_ListValue{
				Tensor: []*tensorpb.TensorProto{{TensorShape: shapeProto(make([]int64, 300))}},
			}}}
		})},
		{"a billion outputs", "num_split is 1000000000", number("Split", "num_split", 1e9)},
		{"a billion inputs", "N is 1000000000", number("AddN", "N", 1e9)},
		{"fewer than no inputs", "at least minimum 1", changes(number("AddN", "N", -1), output("many", "many:0", typespb.DataType_DT_FLOAT))},
		{"a function that calls itself", "function f calls itself", functions(caller("f", "f"))},
		{"functions that call each other", "calls itself", functions(caller("f", "g"), caller("g", "f"))},
		{"a long chain of calls", "deep", functions(chain...)},
		{"calls that double 40 times", "written out, have more than", functions(doubling...)},
		{"a second graph for serving", "a constant claims more than", func(m *pb.SavedModel) {
			m.MetaGraphs = append(m.MetaGraphs, proto.Clone(m.MetaGraphs[0]).(*pb.MetaGraphDef))
			// TensorFlow takes the first one, whose tags are the same set.
			m.MetaGraphs[0].MetaInfoDef.Tags = []string{ServeTag, ServeTag}
			node(huge(1<<62, 1<<62))(m)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Open(forged(t, c.change), tf.SessionConfig{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			m.Close()
		})
	}
}

// Functions that are called from several places, and constants of a usual size,
// are fine.
func TestUsualGraphsAreNotRefused(t *testing.T) {
	m := open(t, forged(t, func(m *pb.SavedModel) {
		g := m.MetaGraphs[0].GraphDef
		g.Node = append(g.Node, huge(1<<20), huge(3, 0, 5))
		g.Node[len(g.Node)-1].Name = "empty"
		g.Library = &funcpb.FunctionDefLibrary{Function: []*funcpb.FunctionDef{caller("f", "g", "g", "h"), caller("g", "h"), caller("h")}}
	}))
	if _, err := m.Call(DefaultSignature, map[string]*tensorflow.Tensor{"x": tftest.Of(t, make([]float32, 3), 1, 3)}); err != nil {
		t.Error(err)
	}
}

// What a signature says of its tensors is joined with what the graph says: a
// convolution that gets another rank than it was built for ends the process.
func TestSignaturesThatDisagreeWithTheGraph(t *testing.T) {
	signature := func(shape *shapepb.TensorShapeProto) *Model {
		return open(t, forged(t, func(m *pb.SavedModel) {
			m.MetaGraphs[0].SignatureDef[DefaultSignature].Inputs["x"].TensorShape = shape
		}))
	}
	for _, dims := range [][]int64{{}, {-1}, {-1, 4}, {-1, 3, 1}} {
		m := signature(shapeProto(dims))
		values := int64(1)
		shape := append([]int64{}, dims...)
		for i, d := range shape {
			shape[i] = max(d, 1)
			values *= shape[i]
		}
		_, err := m.Call(DefaultSignature, map[string]*tensorflow.Tensor{"x": tftest.Of(t, make([]float32, values), shape...)})
		if err == nil || !strings.Contains(err.Error(), "its signature says") {
			t.Errorf("%v: %v", dims, err)
		}
	}
	for _, shape := range []*shapepb.TensorShapeProto{nil, shapeProto(nil), shapeProto([]int64{-1, -1}), shapeProto([]int64{-1, 3})} {
		m := signature(shape)
		if got := m.Signatures()[DefaultSignature].Inputs["x"].String(); got != "float32[?,3]" {
			t.Errorf("%v: the input is %s", shape, got)
		}
		_, err := m.Call(DefaultSignature, map[string]*tensorflow.Tensor{"x": tftest.Of(t, make([]float32, 4), 1, 4)})
		if err == nil || !strings.Contains(err.Error(), "is float32[1,4], want float32[?,3]") {
			t.Errorf("%v: %v", shape, err)
		}
	}
	if got := signature(shapeProto([]int64{2, -1})).Signatures()[DefaultSignature].Inputs["x"].String(); got != "float32[2,3]" {
		t.Errorf("a narrower signature: %s", got)
	}
}

// Opening a pipe would wait for ever.
func TestPipesInSavedModelsAreRefused(t *testing.T) {
	for _, name := range []string{modelFile, "variables/variables.index", "variables/variables.data-00000-of-00001"} {
		dir := write(t, filepath.Join(t.TempDir(), "m"), line(t, make([]float32, 3), make([]float32, 3)))
		path := filepath.Join(dir, name)
		if err := os.Rename(localfiletest.Pipe(t, "pipe"), path); err != nil {
			t.Fatal(err)
		}
		m, err := Open(dir, tf.SessionConfig{})
		localfiletest.Refused(t, path, err)
		m.Close()
	}
	dir := write(t, filepath.Join(t.TempDir(), "m"), line(t, make([]float32, 3), make([]float32, 3)))
	path := filepath.Join(dir, extraDir, "notes.txt")
	if err := os.Rename(localfiletest.Pipe(t, "pipe"), path); err != nil {
		t.Fatal(err)
	}
	_, err := Extra(dir, "notes.txt")
	localfiletest.Refused(t, path, err)
}
