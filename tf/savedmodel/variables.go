package savedmodel

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	tensorflow "github.com/wamuir/graft/tensorflow"
	attrpb "github.com/wamuir/graft/tensorflow/core/framework/attr_value_go_proto"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	tensorpb "github.com/wamuir/graft/tensorflow/core/framework/tensor_go_proto"
	shapepb "github.com/wamuir/graft/tensorflow/core/framework/tensor_shape_go_proto"
	typespb "github.com/wamuir/graft/tensorflow/core/framework/types_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/tf"
)

// saver is the name scope of the operations that save and restore.
const saver = "save"

// neededVariables returns the variables of the graph, in its order.
func neededVariables(graph *graphpb.GraphDef, all []Variable) ([]Variable, error) {
	byHandle := map[string]Variable{}
	for _, v := range all {
		byHandle[v.Handle] = v
	}
	taken := map[string]bool{}
	var needed []Variable
	for _, n := range graph.GetNode() {
		if n.GetOp() != "VarHandleOp" {
			continue
		}
		v, ok := byHandle[n.GetName()]
		if !ok || v.Value == nil {
			return nil, fmt.Errorf("variable %s has no value", n.GetName())
		}
		if dtype := n.GetAttr()["dtype"].GetType(); dtype != typespb.DataType(v.Value.DataType()) {
			return nil, fmt.Errorf("variable %s is %v, its value %v", n.GetName(), dtype, tf.TypeName(v.Value.DataType()))
		}
		if v.Name == "" || taken[v.Name] {
			return nil, fmt.Errorf("variable %s: its name %q is empty or taken", n.GetName(), v.Name)
		}
		taken[v.Name] = true
		needed = append(needed, v)
	}
	return needed, nil
}

// addSaver adds the operations by which loaders restore the variables (and
// could save them) to the graph.
func addSaver(graph *graphpb.GraphDef, variables []Variable) *pb.SaverDef {
	add := func(name, op string, attrs map[string]*attrpb.AttrValue, inputs ...string) string {
		name = saver + "/" + name
		graph.Node = append(graph.Node, &nodepb.NodeDef{Name: name, Op: op, Input: inputs, Attr: attrs})
		return name
	}
	text := func(name string, shape []int64, values ...string) string {
		return add(name, "Const", map[string]*attrpb.AttrValue{
			"dtype": typeAttr(typespb.DataType_DT_STRING), "value": tensorAttr(stringProto(shape, values)),
		})
	}
	model := text("model", []int64{}, "model")
	filename := add("filename", "PlaceholderWithDefault", map[string]*attrpb.AttrValue{
		"dtype": typeAttr(typespb.DataType_DT_STRING), "shape": shapeAttr([]int64{}),
	}, model)

	var names, reads []string
	var types []typespb.DataType
	for i, v := range variables {
		dtype := typespb.DataType(v.Value.DataType())
		names, types = append(names, v.Name), append(types, dtype)
		reads = append(reads, add("read_"+strconv.Itoa(i), "ReadVariableOp", map[string]*attrpb.AttrValue{"dtype": typeAttr(dtype)}, v.Handle))
	}
	count := []int64{int64(len(names))}
	tensorNames := text("tensor_names", count, names...)
	slices := text("shape_and_slices", count, make([]string, len(names))...)
	dtypes := map[string]*attrpb.AttrValue{"dtypes": typesAttr(types)}
	save := add("SaveV2", "SaveV2", dtypes, append([]string{filename, tensorNames, slices}, reads...)...)
	saved := add("saved", "Identity", map[string]*attrpb.AttrValue{"T": typeAttr(typespb.DataType_DT_STRING)}, filename, "^"+save)

	restore := add("RestoreV2", "RestoreV2", dtypes, filename, tensorNames, slices)
	var assigned []string
	for i, v := range variables {
		assign := add("assign_"+strconv.Itoa(i), "AssignVariableOp", map[string]*attrpb.AttrValue{"dtype": typeAttr(types[i])},
			v.Handle, restore+":"+strconv.Itoa(i))
		assigned = append(assigned, "^"+assign)
	}
	all := add("restore_all", "NoOp", nil, assigned...)
	return &pb.SaverDef{
		FilenameTensorName: filename + ":0",
		SaveTensorName:     saved + ":0",
		RestoreOpName:      all,
		Version:            pb.SaverDef_V2,
	}
}

// writeVariables writes the file of variables of a SavedModel and syncs it.
func writeVariables(files durable.FileSystem, dir string, variables []Variable) error {
	dir = filepath.Join(dir, variablesDir)
	if err := files.Mkdir(dir); err != nil {
		return err
	}
	if err := saveTensors(filepath.Join(dir, variablesPrefix), variables); err != nil {
		return err
	}
	// TensorFlow does not sync what it writes.
	entries, err := files.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := syncFile(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return files.SyncDir(dir)
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = f.Sync()
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// saveTensors writes tensors as TensorFlow's SaveV2 does.
func saveTensors(prefix string, variables []Variable) error {
	graph := tensorflow.NewGraph()
	feeds := map[tensorflow.Output]*tensorflow.Tensor{}
	feed := func(name string, t *tensorflow.Tensor) (tensorflow.Output, error) {
		op, err := graph.AddOperation(tensorflow.OpSpec{Type: "Placeholder", Name: name, Attrs: map[string]any{"dtype": t.DataType()}})
		if err != nil {
			return tensorflow.Output{}, err
		}
		feeds[op.Output(0)] = t
		return op.Output(0), nil
	}
	names := make([]string, len(variables))
	var values tensorflow.OutputList
	for i, v := range variables {
		names[i] = v.Name
		value, err := feed("value_"+strconv.Itoa(i), v.Value)
		if err != nil {
			return err
		}
		values = append(values, value)
	}
	inputs := []tensorflow.Input{}
	for _, text := range []struct {
		name  string
		value any
	}{{"prefix", prefix}, {"names", names}, {"slices", make([]string, len(names))}} {
		t, err := tensorflow.NewTensor(text.value)
		if err != nil {
			return err
		}
		o, err := feed(text.name, t)
		if err != nil {
			return err
		}
		inputs = append(inputs, o)
	}
	save, err := graph.AddOperation(tensorflow.OpSpec{Type: "SaveV2", Input: append(inputs, values)})
	if err != nil {
		return err
	}
	session, err := tf.NewSession(graph, tf.SessionConfig{Device: "cpu"})
	if err != nil {
		return err
	}
	defer session.Close()
	_, err = session.Run(feeds, nil, []*tensorflow.Operation{save})
	return err
}

func typeAttr(t typespb.DataType) *attrpb.AttrValue {
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_Type{Type: t}}
}

func typesAttr(t []typespb.DataType) *attrpb.AttrValue {
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_List{List: &attrpb.AttrValue_ListValue{Type: t}}}
}

func stringAttr(s string) *attrpb.AttrValue {
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_S{S: []byte(s)}}
}

func shapeAttr(dims []int64) *attrpb.AttrValue {
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_Shape{Shape: shapeProto(dims)}}
}

func tensorAttr(t *tensorpb.TensorProto) *attrpb.AttrValue {
	return &attrpb.AttrValue{Value: &attrpb.AttrValue_Tensor{Tensor: t}}
}

func stringProto(shape []int64, values []string) *tensorpb.TensorProto {
	t := &tensorpb.TensorProto{Dtype: typespb.DataType_DT_STRING, TensorShape: &shapepb.TensorShapeProto{}}
	if shape != nil {
		t.TensorShape = shapeProto(shape)
	}
	for _, v := range values {
		t.StringVal = append(t.StringVal, []byte(v))
	}
	return t
}
