package train

import (
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
		if got, err := largestBatch(o, bytes); err != nil || got != want {
			t.Errorf("%d bytes hold a batch of %d, %v; want %d", bytes, got, err, want)
		}
	}
}
