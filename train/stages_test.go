package train

import (
	"bytes"
	"strings"
	"testing"

	framework "github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
)

// waitingEntries counts the entries of stages, and those that wait for another.
func waitingEntries(t *testing.T, s *graph.Scope) (entries, waiting int) {
	t.Helper()
	var data bytes.Buffer
	if _, err := s.Graph().WriteTo(&data); err != nil {
		t.Fatal(err)
	}
	var def framework.GraphDef
	if err := proto.Unmarshal(data.Bytes(), &def); err != nil {
		t.Fatal(err)
	}
	for _, node := range def.Node {
		if node.Op != "Identity" || !strings.Contains(node.Name[strings.LastIndex(node.Name, "/")+1:], "entry") {
			continue
		}
		entries++
		for _, input := range node.Input {
			if strings.HasPrefix(input, "^") {
				waiting++
				break
			}
		}
	}
	return entries, waiting
}

// Stages of large pictures take turns, which a step that runs to its end allows;
// those of small ones do not.
func TestStagesTakeTurns(t *testing.T) {
	for size, turns := range map[string]bool{"[64,64,3]": false, "[160,160,3]": true} {
		c := tiny(t, model.PriorityCut, "frame_shape="+size, "train_params.scales=[1, 0.5]")
		o := OptionsOf(c)
		p := newStepper(t, o)
		entries, waiting := waitingEntries(t, p.s)
		if entries < 4 || (waiting > 0) != turns || waiting >= entries {
			t.Errorf("%s: %d of %d entries wait", size, waiting, entries)
		}
		f, err := p.step.Feeds(o, attempts(t, c, o)(0))
		if err != nil {
			t.Fatal(err)
		}
		if losses, _ := p.take([]feeds{f}); len(losses) != len(p.step.LossNames) {
			t.Errorf("%d losses", len(losses))
		}
	}
}
