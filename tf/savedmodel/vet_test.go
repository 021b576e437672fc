package savedmodel

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	funcpb "github.com/wamuir/graft/tensorflow/core/framework/function_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"

	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// text is a constant string.
func text(name, value string) *nodepb.NodeDef {
	return &nodepb.NodeDef{Name: name, Op: "Const", Attr: map[string]*attrpb.AttrValue{
		"dtype": typeAttr(typespb.DataType_DT_STRING), "value": tensorAttr(stringProto([]int64{}, []string{value})),
	}}
}

// node is one without attributes.
func node(name, op string, inputs ...string) *nodepb.NodeDef {
	return &nodepb.NodeDef{Name: name, Op: op, Input: inputs, Attr: map[string]*attrpb.AttrValue{}}
}

func funcAttr(f *attrpb.NameAttrList) *attrpb.AttrValue {
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_Func{Func: f}}
}

// add adds nodes to a model's graph.
func add(nodes ...*nodepb.NodeDef) func(*pb.SavedModel) {
	return func(m *pb.SavedModel) {
		m.MetaGraphs[0].GraphDef.Node = append(m.MetaGraphs[0].GraphDef.Node, nodes...)
	}
}

// changes are several.
func changes(list ...func(*pb.SavedModel)) func(*pb.SavedModel) {
	return func(m *pb.SavedModel) {
		for _, c := range list {
			c(m)
		}
	}
}

// writer writes a file when it runs.
func writer(path string) []*nodepb.NodeDef {
	return []*nodepb.NodeDef{text("path", path), text("contents", "written"), node("write", "WriteFile", "path", "contents")}
}

// initialise makes an operation of the graph that of the initialisation.
func initialise(op string) func(*pb.SavedModel) {
	return func(m *pb.SavedModel) {
		const name = "__saved_model_init_op"
		m.MetaGraphs[0].SignatureDef[name] = &pb.SignatureDef{
			Outputs: map[string]*pb.TensorInfo{name: {Encoding: &pb.TensorInfo_Name{Name: op}}},
		}
	}
}

// library adds functions.
func library(list ...*funcpb.FunctionDef) func(*pb.SavedModel) {
	return func(m *pb.SavedModel) {
		m.MetaGraphs[0].GraphDef.Library = &funcpb.FunctionDefLibrary{Function: list}
	}
}

// output makes a tensor one that calls may fetch.
func output(key, tensor string, dtype typespb.DataType) func(*pb.SavedModel) {
	return func(m *pb.SavedModel) {
		m.MetaGraphs[0].SignatureDef[DefaultSignature].Outputs[key] = &pb.TensorInfo{Encoding: &pb.TensorInfo_Name{Name: tensor}, Dtype: dtype}
	}
}

// A model is a program. One that may do anything but compute is refused before
// anything of it is loaded, wherever it hides that, and the operation is named.
func TestModelsThatDoMoreThanComputeAreRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "written")
	inFunction := caller("f")
	inFunction.NodeDef = writer(file)
	for _, n := range inFunction.NodeDef[2:] {
		n.Input = []string{"path:output:0", "contents:output:0"}
	}
	called := caller("g", "f")
	called.NodeDef[0].Input = []string{"x"}
	restore := &nodepb.NodeDef{Name: "restored", Op: "RestoreV2", Input: []string{"path", "names", "slices"}, Attr: map[string]*attrpb.AttrValue{
		"dtypes": typesAttr([]typespb.DataType{typespb.DataType_DT_FLOAT})}}
	list := func(name string) *nodepb.NodeDef {
		n := text(name, "")
		n.Attr["value"] = tensorAttr(stringProto([]int64{1}, []string{"x"}))
		return n
	}
	call := func(f *attrpb.NameAttrList) *nodepb.NodeDef {
		n := node("call", "StatefulPartitionedCall", "x")
		types := typesAttr([]typespb.DataType{typespb.DataType_DT_FLOAT})
		n.Attr = map[string]*attrpb.AttrValue{"Tin": types, "Tout": types, "f": funcAttr(f)}
		return n
	}
	object := text("object", "")
	object.Attr["dtype"] = typeAttr(typespb.DataType_DT_RESOURCE)
	object.Attr["value"] = tensorAttr(&tensorpb.TensorProto{Dtype: typespb.DataType_DT_RESOURCE, TensorShape: shapeProto([]int64{})})
	for name, c := range map[string]struct {
		want   string
		change func(*pb.SavedModel)
	}{
		"a file that nobody asks for":  {`WriteFile (node "write")`, add(writer(file)...)},
		"a file at initialisation":     {`WriteFile (node "write")`, changes(add(writer(file)...), initialise("write"))},
		"a file in a function":         {`WriteFile (function "f", node "write")`, library(inFunction)},
		"a file in a function's":       {`WriteFile (function "f", node "write")`, library(called, inFunction)},
		"reading a file":               {`ReadFile (node "read")`, changes(add(text("path", file), node("read", "ReadFile", "path")), output("read", "read:0", typespb.DataType_DT_STRING))},
		"reading another file":         {"MatchingFiles", add(text("path", "/*"), node("match", "MatchingFiles", "path"))},
		"a file as memory":             {"ImmutableConst", add(node("memory", "ImmutableConst"))},
		"the end of the process":       {"Abort", add(node("end", "Abort"))},
		"Python":                       {"PyFunc", add(node("py", "PyFunc"))},
		"Python that claims no state":  {"PyFuncStateless", add(node("py", "PyFuncStateless"))},
		"printing, maybe into a file":  {"PrintV2", add(text("said", "hello"), node("say", "PrintV2", "said"))},
		"a data set":                   {"TextLineDataset", add(node("set", "TextLineDataset"))},
		"a table":                      {"HashTableV2", add(node("table", "HashTableV2"))},
		"a queue that waits for ever":  {"FIFOQueueV2", add(node("queue", "FIFOQueueV2"))},
		"another machine":              {"RpcServer", add(node("server", "RpcServer"))},
		"memory that nobody filled":    {"Empty", add(text("size", ""), node("empty", "Empty", "size"))},
		"saving elsewhere":             {`SaveV2 (node "save")`, add(list("names"), node("save", "SaveV2", "names"))},
		"restoring by a signature":     {`RestoreV2 (node "restored")`, changes(add(text("path", file), list("names"), list("slices"), restore), output("read", "restored:0", typespb.DataType_DT_FLOAT))},
		"a function that is not there": {`the function "WriteFile"`, add(call(&attrpb.NameAttrList{Name: "WriteFile"}))},
		"a hidden function": {"hides a function", changes(library(caller("f")), add(call(&attrpb.NameAttrList{Name: "f", Attr: map[string]*attrpb.AttrValue{
			"f": funcAttr(&attrpb.NameAttrList{Name: "g"})}})))},
		"a hidden constant": {"hides", changes(library(caller("f")), add(call(&attrpb.NameAttrList{Name: "f", Attr: map[string]*attrpb.AttrValue{
			"v": tensorAttr(&tensorpb.TensorProto{TensorShape: shapeProto(make([]int64, 300))})}})))},
		"a function with an operation's name": {"takes the name", library(caller("ReadFile"))},
		"an object of the process":            {"DT_RESOURCE", add(object)},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Open(forged(t, c.change), tf.SessionConfig{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			m.Close()
			if _, err := os.Stat(file); err == nil {
				t.Error("it has written its file")
			}
		})
	}
}

// Variables are read from the model's own folder only.
func TestRestoringFromElsewhereIsRefused(t *testing.T) {
	saver := func(change func(*pb.MetaGraphDef, map[string]*nodepb.NodeDef)) func(*pb.SavedModel) {
		return func(m *pb.SavedModel) {
			nodes := map[string]*nodepb.NodeDef{}
			for _, n := range m.MetaGraphs[0].GraphDef.Node {
				nodes[n.GetName()] = n
			}
			change(m.MetaGraphs[0], nodes)
		}
	}
	for name, c := range map[string]struct {
		want   string
		change func(*pb.SavedModel)
	}{
		"another file": {"from elsewhere than the placeholder", saver(func(m *pb.MetaGraphDef, nodes map[string]*nodepb.NodeDef) {
			m.GraphDef.Node = append(m.GraphDef.Node, text("elsewhere", "/somewhere/else"))
			nodes["save/RestoreV2"].Input[0] = "elsewhere"
		})},
		"saving into another file": {"from elsewhere than the placeholder", saver(func(m *pb.MetaGraphDef, nodes map[string]*nodepb.NodeDef) {
			m.GraphDef.Node = append(m.GraphDef.Node, text("elsewhere", "/somewhere/else"))
			nodes["save/SaveV2"].Input[0] = "elsewhere"
		})},
		"a constant for a placeholder": {"which is no placeholder", saver(func(m *pb.MetaGraphDef, _ map[string]*nodepb.NodeDef) {
			m.SaverDef.FilenameTensorName = "save/model:0"
		})},
		"restoring while saving": {"SaveV2 (node", saver(func(m *pb.MetaGraphDef, nodes map[string]*nodepb.NodeDef) {
			nodes["save/restore_all"].Input = append(nodes["save/restore_all"].Input, "^save/SaveV2")
		})},
		"restoring at initialisation": {"RestoreV2 (node", initialise("save/restore_all")},
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, filepath.Join(t.TempDir(), "m"), line(t, []float32{1, 2, 3}, make([]float32, 3)))
			if err := os.WriteFile(filepath.Join(dir, modelFile), changed(t, dir, c.change), 0o644); err != nil {
				t.Fatal(err)
			}
			m, err := Open(dir, tf.SessionConfig{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			m.Close()
		})
	}
}

// Whoever trusts a model runs it as TensorFlow does.
func TestTrustedModelsMayDoAnything(t *testing.T) {
	file := filepath.Join(t.TempDir(), "written")
	dir := forged(t, changes(add(writer(file)...), initialise("write")))
	m, err := Open(dir, tf.SessionConfig{TrustSavedModel: true})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if said, err := os.ReadFile(file); string(said) != "written" {
		t.Errorf("the trusted model wrote %q, %v", said, err)
	}
	if _, err := m.Call(DefaultSignature, map[string]*tensorflow.Tensor{"x": tftest.Of(t, make([]float32, 3), 1, 3)}); err != nil {
		t.Error(err)
	}
}

// A misspelt operation would be allowed to nobody.
func TestAllowedOperationsExist(t *testing.T) {
	known, err := tf.RegisteredOps()
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range []map[string]bool{computing, saving, {restoring: true}} {
		for _, op := range sortedKeys(list) {
			if known[op] == nil {
				t.Errorf("this TensorFlow has no operation %s", op)
			}
		}
	}
}
