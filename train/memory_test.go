package train

import (
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
)

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

// A GPU's memory bounds the batch as the machine's does.
func TestDeviceMemory(t *testing.T) {
	o := OptionsOf(tiny(t, model.PriorityCut))
	o.Batch = 3
	s := graph.New(tensorflow.Float)
	step, err := BuildStep(s, o)
	if err != nil {
		t.Fatal(err)
	}
	m, err := EstimateMemory(s, step, o)
	if err != nil {
		t.Fatal(err)
	}
	if m.Device() <= m.Variables+m.Gradients || m.Device() >= m.Total() {
		t.Errorf("the GPU's part is %d bytes, of %d", m.Device(), m.Total())
	}
	for _, fits := range []int64{m.Device(), 0, -1} { // 0: TensorFlow does not tell
		if err := checkDeviceMemory(m, o, fits); err != nil {
			t.Errorf("%d bytes: %v", fits, err)
		}
	}
	err = checkDeviceMemory(m, o, m.Device()-1)
	if err == nil || !strings.Contains(err.Error(), "GPU's memory") || !strings.Contains(err.Error(), "train_params.batch_size=2") {
		t.Errorf("a byte too little: %v", err)
	}
}
