package tf

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"
	pb "github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

func nan32() float32 { return float32(math.NaN()) }

func addOp(t testing.TB, g *tensorflow.Graph, spec tensorflow.OpSpec) tensorflow.Output {
	t.Helper()
	op, err := g.AddOperation(spec)
	if err != nil {
		t.Fatal(err)
	}
	return tensorflow.Output{Op: op}
}

func placeholder(t testing.TB, g *tensorflow.Graph, name string, dataType tensorflow.DataType) tensorflow.Output {
	t.Helper()
	return addOp(t, g, tensorflow.OpSpec{Type: "Placeholder", Name: name, Attrs: map[string]any{"dtype": dataType}})
}

func constant(t testing.TB, g *tensorflow.Graph, name string, value any) tensorflow.Output {
	t.Helper()
	v, err := tensorflow.NewTensor(value)
	if err != nil {
		t.Fatal(err)
	}
	return addOp(t, g, tensorflow.OpSpec{Type: "Const", Name: name, Attrs: map[string]any{"dtype": v.DataType(), "value": v}})
}

func newSession(t testing.TB, g *tensorflow.Graph, c SessionConfig) *Session {
	t.Helper()
	s, err := NewSession(g, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestRun(t *testing.T) {
	g := tensorflow.NewGraph()
	x := placeholder(t, g, "x", tensorflow.Float)
	sum := addOp(t, g, tensorflow.OpSpec{Type: "AddV2", Name: "sum", Input: []tensorflow.Input{x, x}})
	for _, optimize := range []bool{false, true} {
		s := newSession(t, g, SessionConfig{Optimize: optimize, InterThreads: 1})
		in, err := NewTensor([]float32{1, 2, 3, 4}, 2, 2)
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Run(map[tensorflow.Output]*tensorflow.Tensor{x: in}, []tensorflow.Output{sum, sum}, []*tensorflow.Operation{sum.Op})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Values[float32](out[0])
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got, out[0].Shape()) != "[2 4 6 8] [2 2]" {
			t.Errorf("optimize %v: got %v %v", optimize, got, out[0].Shape())
		}
	}
}

func TestRunRefusesWhatWouldCrash(t *testing.T) {
	g := tensorflow.NewGraph()
	x := placeholder(t, g, "x", tensorflow.Float)
	s := newSession(t, g, SessionConfig{})
	one, err := Scalar(float32(1))
	if err != nil {
		t.Fatal(err)
	}
	type feeds = map[tensorflow.Output]*tensorflow.Tensor
	tests := []struct {
		name    string
		feeds   feeds
		fetches []tensorflow.Output
		targets []*tensorflow.Operation
		text    string
	}{
		{"nil tensor", feeds{x: nil}, nil, nil, "fed to x is nil"},
		{"feed without op", feeds{{}: one}, nil, nil, "no op"},
		{"fetch without op", nil, []tensorflow.Output{{}}, nil, "fetch 0 has no op"},
		// What a cut gradient looks like.
		{"fetch -1", nil, []tensorflow.Output{x, {Op: x.Op, Index: -1}}, nil, "fetch 1 is output -1 of x"},
		{"fetch 1 of 1", nil, []tensorflow.Output{{Op: x.Op, Index: 1}}, nil, "which has 1"},
		{"nil target", nil, nil, []*tensorflow.Operation{nil}, "target 0 is nil"},
	}
	for _, test := range tests {
		_, err := s.Run(test.feeds, test.fetches, test.targets)
		if err == nil || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.text)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Run(feeds{x: one}, []tensorflow.Output{x}, nil); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("run after close: %v", err)
	}
}

func TestSessionConfig(t *testing.T) {
	var none *Session
	if err := none.Close(); err != nil {
		t.Error(err)
	}
	for _, c := range []SessionConfig{
		{Device: "tpu"}, {Device: "gpu:"}, {Device: "gpu:-1"}, {Device: "gpu:x"}, {Device: "gpu:70000"}, {Device: "GPU"},
		{IntraThreads: -1}, {InterThreads: 5000},
	} {
		if c.Validate() == nil {
			t.Errorf("%+v is valid", c)
		}
		if _, err := NewSession(tensorflow.NewGraph(), c); err == nil {
			t.Errorf("%+v makes a session", c)
		}
	}
	text, err := SessionConfig{Device: "gpu:3", IntraThreads: 2, InterThreads: 1, MemoryGrowth: true}.Proto()
	if err != nil {
		t.Fatal(err)
	}
	var p pb.ConfigProto
	if err := proto.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	if p.IntraOpParallelismThreads != 2 || p.InterOpParallelismThreads != 1 || !p.UsePerSessionThreads ||
		p.GpuOptions.VisibleDeviceList != "" || // the process's: see TestOwnDevices
		!p.GpuOptions.AllowGrowth || p.DeviceCount != nil ||
		!p.GraphOptions.RewriteOptions.DisableMetaOptimizer {
		t.Errorf("got %v", &p)
	}
	text, err = SessionConfig{Device: "cpu", Optimize: true}.Proto()
	if err != nil {
		t.Fatal(err)
	}
	p.Reset()
	if err := proto.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	if n, ok := p.DeviceCount["GPU"]; !ok || n != 0 || p.GraphOptions.GetRewriteOptions().GetDisableMetaOptimizer() {
		t.Errorf("got %v", &p)
	}
}

func TestDevices(t *testing.T) {
	s := newSession(t, tensorflow.NewGraph(), SessionConfig{Device: "cpu"})
	if s.HasGPU() || len(s.Devices()) == 0 || s.Devices()[0].Type != "CPU" {
		t.Errorf("cpu: devices %v", s.Devices())
	}
	// Right on either kind of machine: a GPU session has a GPU or is an error.
	gpu, err := NewSession(tensorflow.NewGraph(), SessionConfig{Device: "gpu", MemoryGrowth: true})
	if err != nil {
		if !strings.Contains(err.Error(), "sees no GPU") || !strings.Contains(err.Error(), "device cpu or auto") {
			t.Errorf("gpu: %v", err)
		}
		return
	}
	if !gpu.HasGPU() {
		t.Error("gpu: a session without a GPU")
	}
	gpu.Close()
}

// Tests of what holds for a process run a part of this binary in one of its
// own: the part of that name in the environment.
const partEnv = "TF_TEST_PART"

var parts = map[string]func(){}

func TestMain(m *testing.M) {
	if part, ok := parts[os.Getenv(partEnv)]; ok {
		part()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// part prepares a part of this binary as a process, with the environment
// variables given and without those that steer TensorFlow.
func part(name string, env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TF_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(append(cmd.Env, partEnv+"="+name), env...)
	return cmd
}

// fail ends a part.
func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

// check ends a part on an error.
func check(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func init() {
	parts["deterministic"] = func() {
		if on, known := determinism(); !known || on {
			fail("at the start: %v %v", on, known)
		}
		// TensorFlow has latched "no" now: only its own function helps.
		g := tensorflow.NewGraph()
		size, err := tensorflow.NewTensor([]int32{3})
		check(err)
		shape, err := g.AddOperation(tensorflow.OpSpec{Type: "Const", Name: "shape", Attrs: map[string]any{"dtype": tensorflow.Int32, "value": size}})
		check(err)
		noise, err := g.AddOperation(tensorflow.OpSpec{
			Type: "RandomUniform", Name: "noise", Input: []tensorflow.Input{shape.Output(0)},
			Attrs: map[string]any{"dtype": tensorflow.Float},
		})
		check(err)
		draw := func(c SessionConfig) error {
			s, err := NewSession(g, c)
			check(err)
			defer s.Close()
			_, err = s.Run(nil, []tensorflow.Output{noise.Output(0)}, nil)
			return err
		}
		check(draw(SessionConfig{}))
		// An op that draws its own seed is now refused.
		if err := draw(SessionConfig{Deterministic: true}); Code(err) != InvalidArgument || !strings.Contains(err.Error(), "eterminis") {
			fail("an unseeded random op: %v", err)
		}
		if on, _ := determinism(); !on {
			fail("not deterministic")
		}
	}
	parts["once"] = func() {
		for _, name := range []string{logLevelEnv, "TF_ENABLE_ONEDNN_OPTS"} {
			if v, set := cEnv(name); set {
				fail("%s is %q", name, v)
			}
		}
	}
	parts["full float32"] = func() {
		if on, known := tf32(); !known || !on {
			fail("TensorFloat-32 at the start: %v %v", on, known)
		}
		for _, full := range []bool{true, false} { // it stays
			s, err := NewSession(tensorflow.NewGraph(), SessionConfig{FullFloat32: full})
			check(err)
			check(s.Close())
			if on, _ := tf32(); on {
				fail("TensorFloat-32 is on")
			}
		}
	}
	parts["environment"] = func() {
		check(os.Setenv("TF_DETERMINISTIC_OPS", "1"))
		if v, ok := cEnv("TF_DETERMINISTIC_OPS"); !ok || v != "1" {
			fail("C sees %q", v)
		}
		if on, known := determinism(); !known || !on {
			fail("the variable has no effect")
		}
	}
	parts["threads"] = func() {
		for _, n := range []int{1, 0, 1} {
			s, err := NewSession(tensorflow.NewGraph(), SessionConfig{IntraThreads: n})
			check(err)
			check(s.Close())
		}
		_, err := NewSession(tensorflow.NewGraph(), SessionConfig{IntraThreads: 2})
		if err == nil || !strings.Contains(err.Error(), "another process") {
			fail("a second pool: %v", err)
		}
	}
}

// The library starts no process again, whatever is set: programs do, by package
// startup.
func TestLibraryStartsOnce(t *testing.T) {
	cmd := part("once")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestProcessWideSettings(t *testing.T) {
	for _, name := range []string{"deterministic", "full float32", "environment", "threads"} {
		if out, err := part(name).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

func TestCaptureStderr(t *testing.T) {
	got, err := captureStderr(func() {
		fmt.Fprintln(os.Stderr, "kept")
		fmt.Fprintln(os.Stderr, "I0000 x.cc:401] MLIR V1 optimization pass is not enabled")
		fmt.Fprint(os.Stderr, "end")
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := string(withoutNotices(got)); s != "kept\nend" {
		t.Errorf("got %q", s)
	}
}
