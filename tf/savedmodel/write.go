package savedmodel

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"
	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/prioritycut/prioritycut/internal/durable"
)

// tempPrefix begins the names of folders in which SavedModels grow.
const tempPrefix = ".tmp-model-"

// Def is a SavedModel to be written.
type Def struct {
	// Graph holds what all signatures compute. What none of them needs is not
	// written.
	Graph *graphpb.GraphDef
	// Signatures are its functions. Their inputs are Placeholders.
	Signatures []SignatureDef
	// Variables are the values of the graph's VarHandleOps: all that the
	// signatures need; more are ignored. A graph of constants has none.
	Variables []Variable
	// Extra are files under assets.extra, by name.
	Extra map[string][]byte
	// Check, if there is one, is called on the finished folder before it gets
	// its name; an error removes it.
	Check func(dir string) error
}

// Variable is a variable of a SavedModel.
type Variable struct {
	// Name is that of its tensor in the file of variables.
	Name string
	// Handle is the name of the VarHandleOp.
	Handle string
	// Value is stored.
	Value *tensorflow.Tensor
	// Trainable variables are those that somebody who goes on training moves.
	Trainable bool
}

// Write writes a SavedModel as a new folder: all of it, durably, or
// nothing under that name. A folder that exists is an error and is left alone.
// It grows in a hidden folder beside its place; those of killed processes are
// removed first.
// The graph is tagged "serve"; TensorFlow's loaders of version 1 and 2,
// TensorFlow Serving and Open read it.
func Write(dir string, def Def) error {
	if err := writeModel(dir, def); err != nil {
		return fmt.Errorf("writing SavedModel %s: %w", dir, err)
	}
	return nil
}

func writeModel(dir string, def Def) error {
	if err := checkDef(def); err != nil {
		return err
	}
	if err := mustNotExist(dir); err != nil {
		return err
	}
	dir = filepath.Clean(dir)
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return err
	}
	// What an export left that was killed goes here.
	temp, err := durable.NewFolder(filepath.Dir(dir), tempPrefix)
	if err != nil {
		return err
	}
	defer temp.Remove()
	// The folder aside is its owner's alone; the model is for all who may read
	// new folders.
	whole := filepath.Join(temp.Path, filepath.Base(dir))
	if err := os.Mkdir(whole, 0o777); err != nil {
		return err
	}
	if err := fill(durable.OS{}, whole, def); err != nil {
		return err
	}
	if def.Check != nil {
		if err := def.Check(whole); err != nil {
			return err
		}
	}
	// Renaming over an empty folder would succeed.
	if err := mustNotExist(dir); err != nil {
		return err
	}
	return durable.Publish(durable.OS{}, whole, dir)
}

func mustNotExist(path string) error {
	_, err := os.Lstat(path)
	if err == nil {
		return fmt.Errorf("%w; what was exported is never overwritten: choose another name or version", fs.ErrExist)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// checkDef refuses what could not be loaded.
func checkDef(def Def) error {
	if def.Graph == nil || len(def.Signatures) == 0 {
		return errors.New("there is no graph or no signature")
	}
	nodes := map[string]*nodepb.NodeDef{}
	for _, n := range def.Graph.GetNode() {
		nodes[n.GetName()] = n
	}
	seen := map[string]bool{}
	for _, s := range def.Signatures {
		if s.Name == "" || seen[s.Name] {
			return fmt.Errorf("signature name %q is empty or taken", s.Name)
		}
		seen[s.Name] = true
		if len(s.Outputs) == 0 {
			return fmt.Errorf("signature %s has no outputs", s.Name)
		}
		for key, spec := range s.Inputs {
			if n := nodes[nodeOf(spec.Tensor)]; n.GetOp() != "Placeholder" {
				return fmt.Errorf("signature %s: input %s, tensor %q, is no Placeholder of the graph", s.Name, key, spec.Tensor)
			}
		}
		for key, spec := range s.Outputs {
			if nodes[nodeOf(spec.Tensor)] == nil {
				return fmt.Errorf("signature %s: output %s, tensor %q, is not in the graph", s.Name, key, spec.Tensor)
			}
		}
	}
	for name := range def.Extra {
		if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\\x00") {
			return fmt.Errorf("%q is not the name of a file", name)
		}
	}
	return nil
}

// fill writes the files of a SavedModel into a folder and syncs them.
func fill(files durable.FileSystem, dir string, def Def) error {
	graph, err := def.Pruned()
	if err != nil {
		return err
	}
	variables, err := neededVariables(graph, def.Variables)
	if err != nil {
		return err
	}
	meta := &pb.MetaGraphDef{
		MetaInfoDef: &pb.MetaGraphDef_MetaInfoDef{
			Tags:              []string{ServeTag},
			TensorflowVersion: tensorflow.Version(),
		},
		SignatureDef: map[string]*pb.SignatureDef{},
	}
	for _, s := range def.Signatures {
		meta.SignatureDef[s.Name] = signatureProto(s)
	}
	if len(variables) > 0 {
		if graph, variables, err = nameVariables(graph, variables); err != nil {
			return err
		}
		meta.SaverDef = addSaver(graph, variables)
		if meta.CollectionDef, err = variableCollections(variables); err != nil {
			return err
		}
		if err := writeVariables(files, dir, variables); err != nil {
			return err
		}
	}
	meta.GraphDef = graph
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(&pb.SavedModel{
		SavedModelSchemaVersion: 1, MetaGraphs: []*pb.MetaGraphDef{meta},
	})
	if err != nil {
		return err
	}
	if len(text) > maxModelBytes {
		return fmt.Errorf("%s would have %d bytes, and protocol buffers end at %d: keep the weights as variables", modelFile, len(text), maxModelBytes)
	}
	if err := writeSmall(files, filepath.Join(dir, modelFile), text); err != nil {
		return err
	}
	if err := writeExtra(files, dir, def.Extra); err != nil {
		return err
	}
	return files.SyncDir(dir)
}

// Pruned is the part of the graph that is written.
func (def Def) Pruned() (*graphpb.GraphDef, error) {
	return Prune(def.Graph, signatureTensors(def.Signatures))
}

// signatureTensors lists what signatures feed and fetch. An input that no
// output needs stays, so that it can be fed.
func signatureTensors(signatures []SignatureDef) []string {
	var list []string
	for _, s := range signatures {
		for _, specs := range []map[string]TensorSpec{s.Inputs, s.Outputs} {
			for _, key := range sortedKeys(specs) {
				list = append(list, specs[key].Tensor)
			}
		}
	}
	return list
}

func writeExtra(files durable.FileSystem, dir string, extra map[string][]byte) error {
	if len(extra) == 0 {
		return nil
	}
	dir = filepath.Join(dir, extraDir)
	if err := files.Mkdir(dir); err != nil {
		return err
	}
	for _, name := range sortedKeys(extra) {
		if err := writeSmall(files, filepath.Join(dir, name), extra[name]); err != nil {
			return err
		}
	}
	return files.SyncDir(dir)
}

func writeSmall(fs durable.FileSystem, path string, text []byte) error {
	return durable.WriteNew(fs, path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}
