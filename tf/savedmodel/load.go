package savedmodel

import (
	"fmt"
	"path/filepath"

	tensorflow "github.com/wamuir/graft/tensorflow"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"

	"github.com/prioritycut/prioritycut/tf"
)

// loadChecked loads what was checked: of the graph only what signatures,
// initialisation and the restoring of variables need. On an error the session
// may still have to be closed.
func loadChecked(dir string, meta *pb.MetaGraphDef, config tf.SessionConfig) (*tensorflow.Graph, *tf.Session, error) {
	own, err := usesKernels(config)
	if err != nil {
		return nil, nil, err
	}
	graph, err := importNeeded(meta, own)
	if err != nil {
		return nil, nil, err
	}
	s, err := tf.NewSession(graph, config)
	if err != nil {
		return nil, nil, err
	}
	if err := restoreVariables(dir, graph, s, meta.GetSaverDef()); err != nil {
		return nil, s, fmt.Errorf("reading its variables: %w", err)
	}
	for _, name := range initOps(meta) {
		op := graph.Operation(plainNode(name))
		if op == nil {
			return nil, s, fmt.Errorf("its graph has no operation %.80q, by which it is initialised", name)
		}
		if _, err := s.Run(nil, nil, []*tensorflow.Operation{op}); err != nil {
			return nil, s, fmt.Errorf("initialising it: %w", err)
		}
	}
	return graph, s, nil
}

// importNeeded makes a graph of what is needed of the file's, with convolutions
// of our own if they are wanted.
func importNeeded(meta *pb.MetaGraphDef, own bool) (*tensorflow.Graph, error) {
	needed, err := neededGraph(meta)
	if err == nil && own {
		needed, err = withKernels(needed, meta)
	}
	if err != nil {
		return nil, err
	}
	return tf.ImportGraph(needed)
}

// neededGraph is what is needed of the file's graph.
func neededGraph(meta *pb.MetaGraphDef) (*graphpb.GraphDef, error) {
	needed, err := Prune(meta.GetGraphDef(), roots(meta))
	if err != nil {
		return nil, fmt.Errorf("its graph is damaged: %w", err)
	}
	for _, nodes := range bodies(needed) {
		for _, n := range nodes {
			dropOptions(n)
		}
	}
	boundLists(needed)
	broadcastFills(needed)
	return needed, nil
}

// roots are the tensors for whose sake a graph is loaded.
func roots(meta *pb.MetaGraphDef) []string {
	there := map[string]bool{}
	for _, n := range meta.GetGraphDef().GetNode() {
		there[n.GetName()] = true
	}
	saver := meta.GetSaverDef()
	var list []string
	for _, t := range append(servedTensors(meta), saver.GetRestoreOpName(), saver.GetFilenameTensorName()) {
		// A signature of tensors that are not there fails when it is called.
		if name := plainNode(t); there[name] {
			list = append(list, name)
		}
	}
	return list
}

// dropOptions takes away how a call wants the process to be configured, which is
// for whoever loads the model to say, and beside which operation one wants to be
// placed: that one may not be needed, and TensorFlow keeps variables and those who
// write to them together by itself.
func dropOptions(n *nodepb.NodeDef) {
	delete(n.Attr, "_class")
	for _, name := range []string{"config", "config_proto", "executor_type"} {
		if a := n.GetAttr()[name]; a != nil && (n.GetOp() == "PartitionedCall" || n.GetOp() == "StatefulPartitionedCall") {
			n.Attr[name] = stringAttr("")
		}
	}
}

// restoreVariables reads the variables of the folder of that name.
func restoreVariables(dir string, graph *tensorflow.Graph, s *tf.Session, saver *pb.SaverDef) error {
	if saver.GetRestoreOpName() == "" {
		return nil
	}
	restore := graph.Operation(plainNode(saver.GetRestoreOpName()))
	file, index, err := outputOf(saver.GetFilenameTensorName())
	if err != nil {
		return err
	}
	op := graph.Operation(file)
	if restore == nil || op == nil || index >= op.NumOutputs() || op.Output(index).DataType() != tensorflow.String {
		return fmt.Errorf("saver_def names %.80q and %.80q, which the graph does not have", saver.GetRestoreOpName(), saver.GetFilenameTensorName())
	}
	prefix, err := tensorflow.NewTensor(filepath.Join(dir, variablesDir, variablesPrefix))
	if err != nil {
		return err
	}
	_, err = s.Run(map[tensorflow.Output]*tensorflow.Tensor{op.Output(index): prefix}, nil, []*tensorflow.Operation{restore})
	return err
}
