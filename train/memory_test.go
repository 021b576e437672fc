package train

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
)

// stepsOnly makes a process of this test take two steps of that batch and leave.
const stepsOnly = "PRIORITYCUT_TEST_STEPS_OF_BATCH"

// TestMemoryOfStep compares estimates with the peaks of processes that take two
// steps.
func TestMemoryOfStep(t *testing.T) {
	if batch := os.Getenv(stepsOnly); batch != "" {
		peak, estimate := memoryOfSteps(t, batch)
		fmt.Printf("peak %d estimate %d\n", peak, estimate)
		return
	}
	for _, batch := range []string{"4", "16"} {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v=false")
		cmd.Env = append(os.Environ(), stepsOnly+"="+batch)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("batch %s: %v\n%s", batch, err, out)
		}
		_, text, _ := strings.Cut(string(out), "peak ")
		var peak, estimate float64
		if _, err := fmt.Sscanf("peak "+text, "peak %f estimate %f", &peak, &estimate); err != nil {
			t.Fatalf("batch %s: %v in %s", batch, err, out)
		}
		if r := estimate / peak; r < 0.95 || r > 1.35 {
			t.Errorf("batch %s: %.0f MB were estimated, %.0f taken", batch, estimate/1e6, peak/1e6)
		}
	}
}

// memoryOfSteps takes two steps of the small preset and returns the process's
// peak and the estimate of it.
func memoryOfSteps(t *testing.T, batch string) (peak, estimate int64) {
	t.Helper()
	c, _, err := config.Resolve(config.Options{
		Preset: "shapes-64", VGG19: "random", AllowMissing: true, Device: "cpu",
		Sets: []string{"train_params.batch_size=" + batch},
	})
	if err != nil {
		t.Fatal(err)
	}
	o := OptionsOf(c)
	s := graph.New(tensorflow.Float)
	step, err := BuildStep(s, o)
	if err != nil {
		t.Fatal(err)
	}
	need, err := EstimateMemory(s, step, o)
	if err != nil {
		t.Fatal(err)
	}
	session, err := tf.NewSession(s.Graph(), sessionConfigOf(c.Run))
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if err := graph.Initialize(session, s.Variables(), 1); err != nil {
		t.Fatal(err)
	}
	feeds := randomFeeds(t, step, o)
	for range 2 {
		if _, err := session.Run(feeds, []tensorflow.Output{step.Losses}, []*tensorflow.Operation{step.Train}); err != nil {
			t.Fatal(err)
		}
	}
	// getrusage would count what the process was before it became this program.
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscanf(text, "%d kB", &peak); err != nil {
		t.Fatal(err)
	}
	return peak << 10, need.Total()
}

// The batch that is named fits, and one more does not.
func TestLargestBatch(t *testing.T) {
	o := OptionsOf(tiny(t, model.PriorityCut))
	need := func(batch int) int64 {
		o.Batch = batch
		s := graph.New(tensorflow.Float)
		step, err := BuildStep(s, o)
		if err != nil {
			t.Fatal(err)
		}
		m, err := EstimateMemory(s, step, o)
		if err != nil {
			t.Fatal(err)
		}
		return m.Total()
	}
	limit := need(3)
	if more := need(4); more <= limit {
		t.Fatalf("4 pairs need %d bytes, 3 need %d", more, limit)
	}
	for want, bytes := range map[int]int64{3: limit, 2: limit - 1, 0: 1} {
		o.Batch = 5
		if got, err := largestBatch(o, func(m MemoryEstimate) bool { return m.Total() <= bytes }); err != nil || got != want {
			t.Errorf("%d bytes hold a batch of %d, %v; want %d", bytes, got, err, want)
		}
	}
}

// Processes of one machine need their memory together.
func TestMemoryOfProcesses(t *testing.T) {
	o := OptionsOf(tiny(t, model.PriorityCut))
	o.Batch, o.Replicas = 4, graph.Replicas{Size: 2}
	m := estimateOf(t, o)
	if err := errors.Join(m.within(2*m.Total(), o, 2), m.within(2*m.Total()-1, o, 1)); err != nil {
		t.Error(err)
	}
	err := m.within(2*m.Total()-1, o, 2)
	for _, say := range []string{"each of the 2 processes", "together", "train_params.batch_size=2"} {
		if err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("a byte too little for two: %v, without %q", err, say)
		}
	}
}

// A GPU's memory bounds the batch as the machine's does.
func TestDeviceMemory(t *testing.T) {
	o := OptionsOf(tiny(t, model.PriorityCut))
	o.Batch = 3
	m := estimateOf(t, o)
	if m.Device() <= m.Variables+m.Gradients || m.Device() >= m.Total() {
		t.Errorf("the GPU's part is %d bytes, of %d", m.Device(), m.Total())
	}
	for _, fits := range []int64{m.Device(), 0, -1} { // 0: TensorFlow does not tell
		if err := checkDeviceMemory(m, o, fits); err != nil {
			t.Errorf("%d bytes: %v", fits, err)
		}
	}
	err := checkDeviceMemory(m, o, m.Device()-1)
	if err == nil || !strings.Contains(err.Error(), "GPU's memory") || !strings.Contains(err.Error(), "train_params.batch_size=2") {
		t.Errorf("a byte too little: %v", err)
	}
}

// estimateOf is the estimate of a step.
func estimateOf(t *testing.T, o StepOptions) MemoryEstimate {
	t.Helper()
	s := graph.New(tensorflow.Float)
	step, err := BuildStep(s, o)
	if err != nil {
		t.Fatal(err)
	}
	m, err := EstimateMemory(s, step, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
