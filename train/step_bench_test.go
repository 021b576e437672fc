package train

import (
	"testing"
	"time"

	tensorflow "github.com/wamuir/graft/tensorflow"
	"golang.org/x/sys/unix"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/graph/memory"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
)

// BenchmarkStep times whole training steps of the presets on random pictures:
// on the clock, in processor time, and the process's peak memory beside the
// estimate. Run one preset at a time to read its memory:
//
//	go test ./train -run - -bench Step/shapes-64
func BenchmarkStep(b *testing.B) {
	for preset, batch := range map[string]string{"shapes-64": "4", "vox-256": "1", "taichi-256": "1", "bair-256": "1"} {
		b.Run(preset, func(b *testing.B) { benchmarkStep(b, preset, batch) })
	}
}

func benchmarkStep(b *testing.B, preset, batch string) {
	c, _, err := config.Resolve(config.Options{
		Preset: preset, VGG19: "random", AllowMissing: true, Device: "cpu",
		Sets: []string{"train_params.batch_size=" + batch},
	})
	if err != nil {
		b.Fatal(err)
	}
	o := OptionsOf(c)
	start := time.Now()
	s := graph.New(tensorflow.Float)
	step, err := BuildStep(s, o)
	if err != nil {
		b.Fatal(err)
	}
	built := time.Since(start)
	need, err := memory.Estimate(s, step.Train, step.Losses)
	if err != nil {
		b.Fatal(err)
	}
	sess, err := tf.NewSession(s.Graph(), sessionConfigOf(c.Run))
	if err != nil {
		b.Fatal(err)
	}
	defer sess.Close()
	idle := resources(b).Maxrss
	if err := graph.Initialize(sess, s.Variables(), 1); err != nil {
		b.Fatal(err)
	}
	feeds := randomFeeds(b, step, o)
	run := func() {
		if _, err := sess.Run(feeds, []tensorflow.Output{step.Losses}, []*tensorflow.Operation{step.Train}); err != nil {
			b.Fatal(err)
		}
	}
	start = time.Now()
	run()
	b.Logf("built %d operations in %v, first step %v", len(s.Graph().Operations()), built, time.Since(start))
	before := cpuTime(b)
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		run()
	}
	b.ReportMetric(float64(cpuTime(b)-before)/1e6/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(resources(b).Maxrss)/1024, "peak-MB")
	b.ReportMetric(float64(idle)/1024, "idle-MB")
	b.ReportMetric(float64(need.Variables)/(1<<20), "variables-MB")
	b.ReportMetric(float64(need.Temporaries)/(1<<20), "temporaries-MB")
}

func resources(b *testing.B) unix.Rusage {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u
}

// cpuTime is what this process has computed so far, on all cores; unlike the
// time on the clock it does not tell of the machine's other work.
func cpuTime(b *testing.B) time.Duration {
	u := resources(b)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func randomFeeds(b testing.TB, step *Step, o StepOptions) map[tensorflow.Output]*tensorflow.Tensor {
	r := random.New(1)
	pixels := func() []uint8 {
		values := make([]uint8, o.Batch*o.Height*o.Width*3)
		for i := range values {
			values[i] = uint8(r.IntN(256))
		}
		return values
	}
	rates := config.Rates{}
	for _, p := range o.Family.Players() {
		rates[p.Name] = 2e-4
	}
	batch := &dataset.Batch{N: o.Batch, H: o.Height, W: o.Width, Source: pixels(), Driving: pixels()}
	f, err := step.Feeds(o, StepValues{Batch: batch, Draws: Draw(1, 0, o), Rates: rates, Warmup: 1})
	if err != nil {
		b.Fatal(err)
	}
	return f
}
