package train

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
	framework "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
)

// hashOnly makes a process of this test print its graphs' hashes and leave.
const hashOnly = "PRIORITYCUT_TEST_GRAPH_HASH"

// TestGradientGraphsAreEqualInEveryProcess builds the whole training step in
// fresh processes, where everything has other addresses: TensorFlow's gradients
// go by them where an operation has many inputs.
func TestGradientGraphsAreEqualInEveryProcess(t *testing.T) {
	if os.Getenv(hashOnly) != "" {
		fmt.Printf("hash %s\n", graphHash(t))
		return
	}
	const processes = 20
	seen := map[string]int{}
	for range processes {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v=false")
		cmd.Env = append(os.Environ(), hashOnly+"=1")
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		_, hash, ok := strings.Cut(string(out), "hash ")
		if !ok {
			t.Fatalf("the process printed no hash: %s", out)
		}
		seen[strings.SplitN(hash, "\n", 2)[0]]++
	}
	if len(seen) != 1 {
		t.Errorf("%d processes built %d different graphs: %v", processes, len(seen), seen)
	}
}

// graphHash is the hash of a step, gradients included, whose losses have as many
// terms as those of the presets.
func graphHash(t *testing.T) string {
	t.Helper()
	c := tiny(t, model.PriorityCut, "frame_shape=[64,64,3]", "batch_size=9", "train_params.scales=[1, 0.5, 0.25]")
	s := graph.New(tensorflow.Float)
	if _, err := BuildStep(s, OptionsOf(c)); err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := s.Graph().WriteTo(&text); err != nil {
		t.Fatal(err)
	}
	// Attributes are written in any order.
	var def framework.GraphDef
	if err := proto.Unmarshal(text.Bytes(), &def); err != nil {
		t.Fatal(err)
	}
	sorted, err := proto.MarshalOptions{Deterministic: true}.Marshal(&def)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(sorted))
}
