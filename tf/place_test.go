package tf

import (
	"fmt"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

// TestOwnDevices runs two sessions of one process on devices of their own: operations
// of the graph, gradients among them, name theirs, and are fed and fetched as if
// they were the graph's. CPUs stand for GPUs.
func TestOwnDevices(t *testing.T) {
	g := tensorflow.NewGraph()
	add := func(spec tensorflow.OpSpec) tensorflow.Output {
		op, err := g.AddOperation(spec)
		if err != nil {
			t.Fatal(err)
		}
		return op.Output(0)
	}
	x := add(tensorflow.OpSpec{Type: "Placeholder", Name: "x", Attrs: map[string]any{"dtype": tensorflow.Float, "shape": tensorflow.MakeShape(2)}})
	y := add(tensorflow.OpSpec{Type: "Square", Name: "y", Input: []tensorflow.Input{x}})
	dy, err := g.AddGradients("gradients", []tensorflow.Output{y}, []tensorflow.Output{x}, nil)
	if err != nil {
		t.Fatal(err)
	}
	options, err := proto.Marshal(&pb.ConfigProto{DeviceCount: map[string]int32{"CPU": 3}})
	if err != nil {
		t.Fatal(err)
	}
	value, err := NewTensor([]float32{3, -4}, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, device := range []string{"CPU:2", "CPU:1"} {
		p := newPlacement(g)
		p.devices = []string{device}
		session, err := tensorflow.NewSession(p.copied, &tensorflow.SessionOptions{Config: options})
		if err != nil {
			t.Fatal(err)
		}
		defer session.Close()
		out, err := p.run(session, map[tensorflow.Output]*tensorflow.Tensor{x: value}, []tensorflow.Output{y, dy[0]}, []*tensorflow.Operation{y.Op})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range [][2]float32{{9, 16}, {6, -8}} {
			if v, err := Values[float32](out[i]); err != nil || v[0] != want[0] || v[1] != want[1] {
				t.Errorf("%s: fetch %d is %v, %v", device, i, v, err)
			}
		}
		for _, op := range p.copied.Operations() {
			if op.Device() != "/device:"+device {
				t.Errorf("%s is on %q, not on %s", op.Name(), op.Device(), device)
			}
		}
		late := add(tensorflow.OpSpec{Type: "Neg", Name: "late" + device[len(device)-1:], Input: []tensorflow.Input{x}})
		if _, err := p.run(session, nil, []tensorflow.Output{late}, nil); err == nil || !strings.Contains(err.Error(), "added after the first run") {
			t.Errorf("an operation that came late: %v", err)
		}
	}
}

// TestOwnGPU holds what a session of gpu:N takes for its own of several.
func TestOwnGPU(t *testing.T) {
	s := &Session{own: []string{"GPU:1"}}
	for i, bytes := range []int64{0, 5 << 30, 7 << 30} {
		d := tensorflow.Device{Name: "/job:localhost/replica:0/task:0/device:CPU:0", Type: "CPU"}
		if i > 0 {
			d = tensorflow.Device{Name: "/job:localhost/replica:0/task:0/device:GPU:" + string(rune('0'+i-1)), Type: gpuType, MemoryLimitBytes: bytes}
		}
		s.devices = append(s.devices, d)
	}
	if limit, ok := s.DeviceMemory(); !ok || limit != 7<<30 {
		t.Errorf("its memory is %d bytes, %t", limit, ok)
	}
	if got := s.Placement(); got != "on GPU:1 with 7.0 GB" {
		t.Error(got)
	}
	if err := s.checkDevice("gpu:1", 1); err != nil {
		t.Error(err)
	}
	if err := s.checkDevice("gpu:2", 1); err == nil || !strings.Contains(err.Error(), "sees gpu:0, gpu:1") {
		t.Errorf("a third GPU of two: %v", err)
	}
}

// TestReplicasOwnGPUs holds what a session of several graphs takes for its own, of
// three GPUs.
func TestReplicasOwnGPUs(t *testing.T) {
	s := &Session{devices: []tensorflow.Device{{Name: "/job:localhost/replica:0/task:0/device:CPU:0", Type: cpuType}}}
	for i, bytes := range []int64{5 << 30, 4 << 30, 3 << 30} {
		s.devices = append(s.devices, tensorflow.Device{
			Name: fmt.Sprintf("/job:localhost/replica:0/task:0/device:GPU:%d", i), Type: gpuType, MemoryLimitBytes: bytes})
	}
	for _, device := range []string{"auto", "gpu"} {
		if err := s.checkDevice(device, 2); err != nil {
			t.Error(err)
		}
		if limit, ok := s.DeviceMemory(); !ok || limit != 4<<30 {
			t.Errorf("each has %d bytes, %t", limit, ok)
		}
		if got := s.Placement(); got != "on GPU:0 with 5.0 GB, GPU:1 with 4.0 GB" {
			t.Error(got)
		}
		if err := s.checkDevice(device, 4); err == nil || !strings.Contains(err.Error(), "for 4 replicas: TensorFlow sees gpu:0, gpu:1, gpu:2") {
			t.Errorf("four graphs for three GPUs: %v", err)
		}
	}
}

// TestReplicasOfOneSession runs two graphs on a CPU device each, as one run: what they
// reduce meets, variables of one name are each graph's own, and nothing of a graph lies on another's
// device.
func TestReplicasOfOneSession(t *testing.T) {
	const n = 3
	graphs := make([]*tensorflow.Graph, n)
	feeds := map[tensorflow.Output]*tensorflow.Tensor{}
	var sums, reads []tensorflow.Output
	var assigns []*tensorflow.Operation
	for r := range graphs {
		g, prefix := tensorflow.NewGraph(), fmt.Sprintf("replica_%d/", r)
		graphs[r] = g
		x := placeholder(t, g, prefix+"x", tensorflow.Float)
		key := func(name string, value int32) tensorflow.Output { return constant(t, g, prefix+name, value) }
		sum := addOp(t, g, tensorflow.OpSpec{Type: "CollectiveReduceV2", Name: prefix + "sum",
			Input: []tensorflow.Input{x, key("size", n), key("group", 1), key("instance", 1), tensorflow.OutputList{}},
			Attrs: map[string]any{"merge_op": "Add", "final_op": "Id", "communication_hint": "ring"}})
		handle := addOp(t, g, tensorflow.OpSpec{Type: "VarHandleOp", Name: prefix + "v",
			Attrs: map[string]any{"dtype": tensorflow.Float, "shape": tensorflow.ScalarShape(), "shared_name": "v"}})
		assign, err := g.AddOperation(tensorflow.OpSpec{Type: "AssignVariableOp", Name: prefix + "assign",
			Input: []tensorflow.Input{handle, x}, Attrs: map[string]any{"dtype": tensorflow.Float}})
		if err != nil {
			t.Fatal(err)
		}
		sums, assigns = append(sums, sum), append(assigns, assign)
		reads = append(reads, addOp(t, g, tensorflow.OpSpec{Type: "ReadVariableOp", Name: prefix + "read",
			Input: []tensorflow.Input{handle}, Attrs: map[string]any{"dtype": tensorflow.Float}}))
		if feeds[x], err = NewTensor([]float32{float32(r + 1)}); err != nil {
			t.Fatal(err)
		}
	}
	s, err := NewReplicatedSession(graphs, SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := s.Placement(); got != "on CPU:0, CPU:1, CPU:2" {
		t.Error(got)
	}
	for range 2 {
		got, err := s.Run(feeds, sums, assigns)
		if err != nil {
			t.Fatal(err)
		}
		for r := range graphs {
			if v, err := Values[float32](got[r]); err != nil || v[0] != 6 {
				t.Errorf("replica %d: the sum is %v, %v", r, v, err)
			}
		}
	}
	got, err := s.Run(nil, reads, nil)
	if err != nil {
		t.Fatal(err)
	}
	for r := range graphs {
		if v, err := Values[float32](got[r]); err != nil || v[0] != float32(r+1) {
			t.Errorf("replica %d: its variable is %v, %v", r, v, err)
		}
	}
	for _, op := range s.placed.copied.Operations() {
		if want := fmt.Sprintf("/device:CPU:%c", op.Name()[len("replica_")]); op.Device() != want {
			t.Errorf("%s is on %q, not on %s", op.Name(), op.Device(), want)
		}
	}
}

// TestReplicasAreRefused: what cannot be one session.
func TestReplicasAreRefused(t *testing.T) {
	two := []*tensorflow.Graph{tensorflow.NewGraph(), tensorflow.NewGraph()}
	for want, c := range map[string]SessionConfig{
		"gives each its own": {Device: "gpu:1"}, "a worker of a cluster": {Device: "cpu", Server: &Server{}}, "is unknown": {Device: "tpu"},
	} {
		if _, err := NewReplicatedSession(two, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for want, graphs := range map[string][]*tensorflow.Graph{"0 graphs": nil, "65 graphs": make([]*tensorflow.Graph, 65), "is nil": make([]*tensorflow.Graph, 2)} {
		if _, err := NewReplicatedSession(graphs, SessionConfig{Device: "cpu"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d graphs: %v", len(graphs), err)
		}
	}
}
