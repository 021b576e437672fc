package train

import (
	"context"
	"fmt"
	"testing"
	"time"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// TestStepOnGPU compares a step of each variant on a GPU with the same step on the
// CPU: losses and gradients, with TensorFloat-32 and then, for the process, without.
// It says how long a step takes.
func TestStepOnGPU(t *testing.T) {
	device := tftest.Device()
	if device == "cpu" {
		t.Skipf("not run on a GPU: %s=gpu has it run on one (docs/testing.md)", tftest.DeviceEnv)
	}
	for _, full := range []bool{false, true} {
		for _, variant := range model.AllVariants() {
			t.Run(fmt.Sprintf("%s, full float32 %t", variant, full), func(t *testing.T) {
				c := smallOf(t, variant)
				o := OptionsOf(c)
				v := attempts(t, c, o)(0)
				want, wantNorms, _ := onDevice(t, o, v, tf.SessionConfig{Device: "cpu"})
				o.Device = device
				got, gotNorms, took := onDevice(t, o, v, tf.SessionConfig{Device: device, FullFloat32: full, MemoryGrowth: true})
				tolerance := 3e-2 // ten bits of the factors
				if full {
					tolerance = 1e-3
				}
				compare(t, "losses", got, want, tolerance, 0)
				compare(t, "norms of gradients", gotNorms, wantNorms, 2*tolerance, 0)
				t.Logf("%v a step", took)
			})
		}
	}
}

// TestReplicasOnGPU compares a step on two GPUs of one session with the same step on
// one.
func TestReplicasOnGPU(t *testing.T) {
	device := tftest.Device()
	if device == "cpu" {
		t.Skipf("not run on a GPU: %s=gpu has it run on two (docs/testing.md)", tftest.DeviceEnv)
	}
	sessions := tf.SessionConfig{Device: device, FullFloat32: true, MemoryGrowth: true}
	one, err := tf.NewSession(graph.New(tensorflow.Float).Graph(), sessions)
	if err != nil {
		t.Fatal(err)
	}
	gpus := 0
	for _, d := range one.Devices() {
		if d.Type == "GPU" {
			gpus++
		}
	}
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	if gpus == 1 {
		t.Skip("not run: there is one GPU alone")
	}
	for _, variant := range model.AllVariants() {
		t.Run(string(variant), func(t *testing.T) {
			c := smallOf(t, variant)
			o := OptionsOf(c)
			o.Device = device
			v := attempts(t, c, o)(0)
			want, wantNorms, took := onDevice(t, o, v, sessions)
			o.Replicas = devicesOf(c.Run, 2)
			got, gotNorms, tookTwo := onDevice(t, o, v, sessions)
			compare(t, "losses", got, want, 1e-3, 0)
			compare(t, "norms of gradients", gotNorms, wantNorms, 2e-3, 0)
			t.Logf("%v a step, on one %v", tookTwo, took)
		})
	}
}

// onDevice takes steps, of which it returns the first one's numbers and the quickest
// one's time.
func onDevice(t *testing.T, o StepOptions, v StepValues, sessions tf.SessionConfig) (losses, norms []float64, took time.Duration) {
	t.Helper()
	s := graph.New(tensorflow.Float)
	step, err := BuildStep(s, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := step.BuildMirrors(s, o); err != nil {
		t.Fatal(err)
	}
	shared, err := step.share(s, true)
	if err != nil {
		t.Fatal(err)
	}
	session, err := tf.NewReplicatedSession(step.Graphs(s), sessions)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if err := graph.Initialize(session, s.Variables(), 3); err != nil {
		t.Fatal(err)
	}
	run := step.Over(session)
	runAll(t, run, shared)
	all, err := step.AllFeeds(o, v)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		began := time.Now()
		fetched, err := step.Take(context.Background(), run, all, []tensorflow.Output{step.Losses, step.GradientNorms})
		if err != nil {
			t.Fatal(err)
		}
		if lap := time.Since(began); i == 1 || lap < took {
			took = lap
		}
		if i > 0 {
			continue
		}
		if losses, err = floats(fetched[0]); err == nil {
			norms, err = floats(fetched[1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return losses, norms, took
}
