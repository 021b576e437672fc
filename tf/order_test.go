package tf

import (
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
	"github.com/wamuir/graft/tensorflow/op"
)

// An operation waits for one that was added later: without its input neither runs.
func TestRunAfter(t *testing.T) {
	s := op.NewScope()
	early := op.Const(s.SubScope("early"), int32(1))
	open := op.Placeholder(s.SubScope("open"), tensorflow.Int32)
	late := op.Neg(s.SubScope("late"), open)
	other := op.Const(op.NewScope(), int32(1))
	if err := RunAfter(early.Op, late.Op); err != nil {
		t.Fatal(err)
	}
	if err := RunAfter(early.Op, other.Op); err == nil || !strings.Contains(err.Error(), "different graphs") {
		t.Errorf("operations of two graphs: %v", err)
	}
	if err := RunAfter(nil, late.Op); err == nil {
		t.Error("an operation that does not exist was ordered")
	}
	graph, err := s.Finalize()
	if err != nil {
		t.Fatal(err)
	}
	session := newSession(t, graph, SessionConfig{Device: "cpu"})
	if _, err := session.Run(nil, []tensorflow.Output{early}, nil); err == nil || !strings.Contains(err.Error(), "placeholder") {
		t.Errorf("the early one alone: %v", err)
	}
	x, err := Scalar(int32(3))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.Run(map[tensorflow.Output]*tensorflow.Tensor{open: x}, []tensorflow.Output{early}, nil); err != nil {
		t.Errorf("both: %v", err)
	}
}
