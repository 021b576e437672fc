package savedmodel

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	graphpb "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"

	funcpb "github.com/wamuir/graft/tensorflow/core/framework/function_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
)

// FuzzMetaGraph reads any bytes as a SavedModel's graph. What passes holds only
// what computes, wherever in it; TensorFlow is not asked.
func FuzzMetaGraph(f *testing.F) {
	read := func(dir string, change func(*pb.SavedModel)) { f.Add(changed(f, dir, change)) }
	plain := write(f, filepath.Join(f.TempDir(), "plain"), constantLine(f))
	variables := write(f, filepath.Join(f.TempDir(), "variables"), line(f, []float32{1, 2, 3}, []float32{4, 5, 6}))
	read(plain, func(*pb.SavedModel) {})
	read(variables, func(*pb.SavedModel) {})
	read(plain, changes(library(caller("f", "g"), caller("g")), initialise("two")))
	read(plain, add(writer("x")...))
	read(plain, func(m *pb.SavedModel) {
		m.MetaGraphs[0].GraphDef.Library = &funcpb.FunctionDefLibrary{Function: []*funcpb.FunctionDef{caller("f", "f")}}
	})
	f.Fuzz(func(t *testing.T, text []byte) {
		// The variables are those of the second seed.
		if err := os.WriteFile(filepath.Join(variables, modelFile), text, 0o644); err != nil {
			t.Fatal(err)
		}
		meta, err := readMetaGraph(variables, false)
		if err != nil {
			return
		}
		needed, err := neededGraph(meta)
		if err != nil {
			return
		}
		for _, def := range []*graphpb.GraphDef{meta.GetGraphDef(), needed} {
			functions := map[string]bool{}
			for _, fn := range def.GetLibrary().GetFunction() {
				functions[fn.GetSignature().GetName()] = true
			}
			for _, body := range bodies(def) {
				for _, n := range body {
					if op := n.GetOp(); !computing[op] && !functions[op] && op != restoring && (def == needed || !saving[op]) {
						t.Errorf("%s passes", op)
					}
				}
			}
		}
	})
}

// FuzzVariables reads any bytes as the index of a SavedModel's variables.
func FuzzVariables(f *testing.F) {
	dir := write(f, filepath.Join(f.TempDir(), "m"), line(f, []float32{1, 2, 3}, []float32{4, 5, 6}))
	path := filepath.Join(dir, variablesDir, variablesPrefix+".index")
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	footer := make([]byte, indexFooter)
	binary.LittleEndian.PutUint64(footer[indexFooter-8:], indexMagic)
	f.Add(footer)
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		_ = checkVariables(dir) // it ends, and takes no more memory than the file
	})
}
