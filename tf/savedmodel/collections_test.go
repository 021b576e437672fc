package savedmodel

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	varpb "github.com/wamuir/graft/tensorflow/core/framework/variable_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

// TestVariablesAreListed: what converters and loaders look for in a file: nodes
// of variables named as they are shared, by a name that depends on the values,
// and collections whose entries name nodes of the graph.
func TestVariablesAreListed(t *testing.T) {
	names := map[string]bool{}
	for _, values := range [][]float32{{1, 2, 3}, {1, 2, 4}} {
		def := line(t, values, []float32{0, 0, 0})
		def.Variables[0].Trainable = true
		dir := write(t, filepath.Join(t.TempDir(), "1"), def)
		text, err := os.ReadFile(filepath.Join(dir, modelFile))
		if err != nil {
			t.Fatal(err)
		}
		var file pb.SavedModel
		if err := proto.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		meta := file.GetMetaGraphs()[0]
		nodes := map[string]string{}
		for _, n := range meta.GetGraphDef().GetNode() {
			nodes[n.GetName()] = n.GetOp()
			if n.GetOp() != "VarHandleOp" {
				continue
			}
			names[n.GetName()] = true
			if shared := string(n.GetAttr()["shared_name"].GetS()); shared != n.GetName() || !regexp.MustCompile(`^line\.(weight|bias)-[0-9a-f]{16}$`).MatchString(shared) {
				t.Errorf("node %s is shared as %s", n.GetName(), shared)
			}
		}
		for collection, want := range map[string]int{allVariables: 2, trainableVariables: 1} {
			list := meta.GetCollectionDef()[collection].GetBytesList().GetValue()
			if len(list) != want {
				t.Errorf("%s has %d entries", collection, len(list))
			}
			for _, entry := range list {
				var v varpb.VariableDef
				if err := proto.Unmarshal(entry, &v); err != nil {
					t.Fatal(err)
				}
				got := []string{nodes[nodeOf(v.GetVariableName())], nodes[nodeOf(v.GetInitializerName())], nodes[nodeOf(v.GetInitialValueName())], nodes[nodeOf(v.GetSnapshotName())]}
				if strings.Join(got, " ") != "VarHandleOp AssignVariableOp RestoreV2 ReadVariableOp" || !v.GetIsResource() || v.GetTrainable() != strings.HasPrefix(v.GetVariableName(), "line.weight") {
					t.Errorf("%s: %v names %v", collection, &v, got)
				}
			}
		}
	}
	if len(names) != 4 {
		t.Errorf("two models share variables: %v", names)
	}
}
