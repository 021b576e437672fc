package checkpoint

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

func noError(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// someGroups returns tensors that depend on step only.
func someGroups(t testing.TB, step int64) []Group {
	weights := make([]float32, 3000)
	for i := range weights {
		weights[i] = float32(step)*10 + float32(i)
	}
	return []Group{
		{Name: "weights", Tensors: []NamedTensor{
			{"kp_detector.conv.weight", tftest.Of(t, weights, 10, 100, 3)},
			{"kp_detector.conv.bias", tftest.Of(t, weights[:7], 7)},
			{"scale", tftest.Of(t, []float64{float64(step)})},
			{"empty", tftest.Of(t, []float32{}, 0, 4)},
		}},
		{Name: "optimizer", Tensors: []NamedTensor{
			{"step", tftest.Of(t, []int64{step})},
			{"flags", tftest.Of(t, []bool{true, false, true}, 3)},
			{"pixels", tftest.Of(t, []uint8{0, 127, 255}, 1, 3)},
			{"signed", tftest.Of(t, []int32{-1, int32(step)}, 2)},
		}},
	}
}

func someMeta(step int64) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"attempt":%d,"seed":5}`, step+3))
}

// checkCheckpoint compares an open checkpoint with what someGroups gives.
func checkCheckpoint(c *Checkpoint, groups []Group) error {
	for _, g := range groups {
		read, err := c.Tensors(g.Name)
		if err != nil {
			return err
		}
		got := map[string]*tensorflow.Tensor{}
		for _, r := range read {
			got[r.Name] = r.Tensor
		}
		if len(got) != len(g.Tensors) {
			return fmt.Errorf("%s: %d tensors, want %d", g.Name, len(got), len(g.Tensors))
		}
		for _, want := range g.Tensors {
			r := got[want.Name]
			if r == nil {
				return fmt.Errorf("%s: no %s", g.Name, want.Name)
			}
			if !slices.Equal(r.Shape(), want.Tensor.Shape()) || !cmp.Equal(r.Value(), want.Tensor.Value()) {
				return fmt.Errorf("%s: %s is %v, want %v", g.Name, want.Name, r.Value(), want.Tensor.Value())
			}
		}
	}
	return nil
}

// quick is the file system without waiting for the disk.
type quick struct{ durable.OS }

type quickFile struct{ durable.File }

func (quickFile) Sync() error { return nil }

func (q quick) Create(path string) (durable.File, error) {
	f, err := q.OS.Create(path)
	return quickFile{f}, err
}

func (quick) SyncDir(string) error { return nil }

func quickStore(t testing.TB) *Store { return OpenStoreOn(quick{}, t.TempDir()) }

func save(t testing.TB, s *Store, step int64) {
	t.Helper()
	if err := s.Save(step, someMeta(step), someGroups(t, step)...); err != nil {
		t.Fatal(err)
	}
}

// latest returns the step of the newest intact checkpoint, after comparing all
// in it, and the steps reported as damaged: the same whether tensors are read once
// they are asked for, or kept.
func latest(t testing.TB, s *Store) (int64, []int64) {
	t.Helper()
	step, damaged := latestKeeping(t, s)
	for _, keep := range [][]string{{"weights"}, {"optimizer", "weights"}} {
		if again, also := latestKeeping(t, s, keep...); again != step || !slices.Equal(also, damaged) {
			t.Errorf("keeping %v: latest is %d, damaged %v, not %d and %v", keep, again, also, step, damaged)
		}
	}
	return step, damaged
}

func latestKeeping(t testing.TB, s *Store, keep ...string) (int64, []int64) {
	t.Helper()
	c, damaged, err := s.Latest(keep...)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 2 { // what was kept is handed over once, then it is read again
		if err := checkCheckpoint(c, someGroups(t, c.Step)); err != nil {
			t.Errorf("step %d: %v", c.Step, err)
		}
	}
	var meta struct{ Attempt int64 }
	if err := json.Unmarshal(c.Meta, &meta); err != nil || meta.Attempt != c.Step+3 {
		t.Errorf("step %d: meta %s, %v", c.Step, c.Meta, err)
	}
	var steps []int64
	for _, d := range damaged {
		steps = append(steps, d.Step)
	}
	return c.Step, steps
}

func steps(t testing.TB, s *Store) []int64 {
	t.Helper()
	steps, err := s.Steps()
	if err != nil {
		t.Fatal(err)
	}
	return steps
}
