package tf

import (
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
	for _, device := range []string{"/device:CPU:2", "/device:CPU:1"} {
		p := newPlacement(g, device)
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
			if op.Device() != device {
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
	s := &Session{own: "GPU:1"}
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
	if err := s.checkDevice("gpu:1"); err != nil {
		t.Error(err)
	}
	s.own = "GPU:2"
	if err := s.checkDevice("gpu:2"); err == nil || !strings.Contains(err.Error(), "sees gpu:0, gpu:1") {
		t.Errorf("a third GPU of two: %v", err)
	}
}
