package export

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	nodepb "github.com/wamuir/graft/tensorflow/core/framework/node_def_go_proto"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

// stored reads the graph that was written.
func stored(t testing.TB, dir string) *pb.MetaGraphDef {
	t.Helper()
	var m pb.SavedModel
	if err := proto.Unmarshal(readFile(t, filepath.Join(dir, "saved_model.pb")), &m); err != nil {
		t.Fatal(err)
	}
	if len(m.GetMetaGraphs()) != 1 {
		t.Fatalf("%d graphs", len(m.GetMetaGraphs()))
	}
	return m.GetMetaGraphs()[0]
}

func count(nodes []*nodepb.NodeDef, op string) int {
	n := 0
	for _, node := range nodes {
		if node.GetOp() == op {
			n++
		}
	}
	return n
}

func TestFrozenGraph(t *testing.T) {
	m := someModel(t, 1)
	out := filepath.Join(t.TempDir(), "tiny")
	plainDir, frozenDir := exported(t, m, Options{Out: out}).Dir, exported(t, m, Options{Out: out, Frozen: true}).Dir
	if v := stored(t, frozenDir).GetGraphDef().GetVersions(); v.GetProducer() < 1000 {
		t.Errorf("the graph says that it was made by version %d", v.GetProducer())
	}
	plain, frozen := stored(t, plainDir).GetGraphDef().GetNode(), stored(t, frozenDir).GetGraphDef().GetNode()
	for _, op := range []string{"VarHandleOp", "ReadVariableOp", "AssignVariableOp", "SaveV2", "RestoreV2", "NoOp"} {
		if n := count(frozen, op); n != 0 {
			t.Errorf("%d operations %s are left", n, op)
		}
	}
	if _, err := os.Stat(filepath.Join(frozenDir, "variables")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a frozen model has a folder of variables: %v", err)
	}
	// A residual block has one norm before its first convolution, which nothing
	// can take up, and one behind it. The decoder runs in four signatures.
	if n := count(frozen, "FusedBatchNormV3"); n != 4 {
		t.Errorf("%d batch norms are left, want one for the residual block of each of 4 decoders", n)
	}
	if was := count(plain, "FusedBatchNormV3"); was < 40 {
		t.Errorf("only %d batch norms to fold", was)
	}
	// Weights are stored once, however many signatures use them.
	seen := map[string]string{}
	bytes := 0
	for _, n := range frozen {
		content := n.GetAttr()["value"].GetTensor().GetTensorContent()
		if len(content) < 1000 || !(strings.HasPrefix(n.GetName(), "folded/") || strings.HasSuffix(n.GetName(), "ReadVariableOp")) {
			continue
		}
		bytes += len(content)
		if other := seen[string(content)]; other != "" {
			t.Errorf("%s and %s hold the same weights", n.GetName(), other)
		}
		seen[string(content)] = n.GetName()
	}
	if bytes == 0 {
		t.Error("no weights in the graph")
	}
}
