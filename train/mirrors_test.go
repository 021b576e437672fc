package train

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"strings"
	"testing"

	"golang.org/x/sys/cpu"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

// TestDevicesTakeTheStepsOfOne compares steps on two and on four devices of one
// session, which share a batch of four pairs, with those on one, as
// TestWorkersTakeTheStepsOfOne does with processes: parts of the CPU stand for GPUs.
func TestDevicesTakeTheStepsOfOne(t *testing.T) {
	list, steps := everyday, int64(3)
	if long {
		list, steps = all(), 20
	}
	var table []string
	for _, x := range list {
		t.Run(x.String(), func(t *testing.T) {
			x.Steps = steps
			dir := t.TempDir()
			sessions := tf.SessionConfig{Device: "cpu", IntraThreads: 1}
			takeSteps(t, dir, x, graph.Replicas{}, sessions)
			numbers := []int{2, 4}
			if !long && (x.Parts > 0 || x.HalfWire) {
				numbers = numbers[:1]
			}
			for _, n := range numbers {
				takeSteps(t, dir, x, graph.Replicas{Size: n, InSession: true, HalfWire: x.HalfWire}, sessions)
				c := &comparison{T: t, x: x, dir: dir, n: n}
				c.run()
				t.Log(c.row())
				table = append(table, c.row())
			}
		})
	}
	if long {
		fmt.Println(strings.Replace(tableHead, "workers x pairs", "devices x pairs", 1) + strings.Join(table, ""))
	}
}

// runOn runs a configuration to its end on so many devices.
func runOn(t *testing.T, dir string, c *config.Config, devices int) {
	t.Helper()
	if err := Run(context.Background(), RunOptions{Config: c, Dir: dir, Out: io.Discard, Replicas: devices}); err != nil {
		t.Fatal(err)
	}
}

// onDevices is a run that is ready to take steps on so many devices.
func onDevices(t *testing.T, dir string, c *config.Config, devices int, mixed tf.MixedPrecision) *session {
	t.Helper()
	f, err := openFolder(rundir.Dir(dir), c, durable.OS{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.close)
	s := &session{config: c, folder: f, out: io.Discard, options: OptionsOf(c)}
	s.options.Replicas, s.options.Mixed = devicesOf(c.Run, devices), mixed
	if err := s.openData(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	if err := s.prepare(); err != nil {
		t.Fatal(err)
	}
	return s
}

// states are those of all devices, by rank.
func states(t *testing.T, s *session) []map[string][]byte {
	t.Helper()
	list := []map[string][]byte{stateIn(t, s.session, s.scope)}
	for _, m := range s.step.Mirrors {
		list = append(list, stateIn(t, s.session, m.Scope))
	}
	return list
}

// TestResumeOnOtherDevices goes on with runs on other numbers of devices: each begins
// with the bits of the checkpoint, and ends near the run on one.
func TestResumeOnOtherDevices(t *testing.T) {
	settings := func(steps int) *config.Config {
		return tiny(t, model.PriorityCut, "batch_size=4", "deterministic=true", "sn=true", "picture_steps=2", "validation_steps=2", fmt.Sprintf("steps=%d", steps))
	}
	dirs := map[[2]int]string{{1, 1}: t.TempDir(), {2, 1}: t.TempDir(), {1, 4}: t.TempDir()}
	for devices, dir := range dirs {
		runOn(t, dir, settings(2), devices[0])
		saved, err := checkpoint.OpenStore(rundir.Dir(dir).Checkpoints()).Open(2)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string][]byte{}
		for name, b := range bitsOf(t, saved) {
			_, name, _ = strings.Cut(name, " ")
			want[name] = b
		}
		saved.Close()
		s := onDevices(t, dir, settings(4), devices[1], tf.NoMixedPrecision)
		all := states(t, s)
		s.close()
		s.session = nil
		s.folder.close()
		if len(all) != devices[1] {
			t.Fatalf("there are %d devices, not %d", len(all), devices[1])
		}
		for rank, now := range all {
			if !maps.EqualFunc(now, want, bytes.Equal) {
				t.Errorf("from %d to %d: device %d begins with other bits than the checkpoint's", devices[0], devices[1], rank)
			}
		}
		runOn(t, dir, settings(4), devices[1])
	}
	want, err := ReadMetrics(rundir.Dir(dirs[[2]int{1, 1}]).Metrics())
	if err != nil {
		t.Fatal(err)
	}
	for devices, dir := range dirs {
		got, err := ReadMetrics(rundir.Dir(dir).Metrics())
		if err != nil || len(got) != 4 {
			t.Fatalf("%v: %d rows, %v", devices, len(got), err)
		}
		for i, row := range got {
			tolerance := 1e-4
			if i > 0 { // from weights that rounding sets apart: Adam makes much of it, and a mask may lose a pixel
				tolerance = 5e-2
			}
			for _, name := range termsOf(want[i]) {
				if v, w := row.Values[name], want[i].Values[name]; !(math.Abs(v-w) <= tolerance*math.Abs(w)+1e-6) {
					t.Errorf("from %d to %d devices: %s of step %d is %g, on one %g", devices[0], devices[1], name, i+1, v, w)
				}
			}
		}
	}
}

// TestLossScaleOfDevices lets scaled gradients overflow on two devices: the scale is
// halved on both, and nothing else moves on either.
func TestLossScaleOfDevices(t *testing.T) {
	s := onDevices(t, t.TempDir(), tiny(t, model.PriorityCut, "batch_size=4"), 2, tf.MixedFloat16)
	tr := s.trainer()
	batches := s.loader.Prefetch(context.Background(), 0)
	defer batches.Close()
	tr.batches = batches
	const huge = 1 << 126
	setScale(t, s, huge, 7)
	if err := s.shareState(); err != nil {
		t.Fatal(err)
	}
	before := states(t, s)
	if m, err := tr.try(context.Background(), true); m != nil || err != nil || tr.guard.total != 0 {
		t.Fatalf("%+v, %v, %d refused", m, err, tr.guard.total)
	}
	if scale, taken := scaleOf(t, s); scale != huge/2 || taken != 0 {
		t.Errorf("the scale is %g after %d steps", scale, taken)
	}
	after := states(t, s)
	for name, now := range after[0] {
		if !bytes.Equal(after[1][name], now) {
			t.Errorf("%s differs between devices", name)
		}
		if !ofScale(name) && !bytes.Equal(before[0][name], now) {
			t.Errorf("an overflow moves %s", name)
		}
	}
	if m, err := tr.try(context.Background(), true); err != nil || m == nil {
		// One halving is not enough: the scale goes on falling, alike everywhere.
		if scale, _ := scaleOf(t, s); err != nil || scale != huge/4 {
			t.Errorf("%v, a scale of %g", err, scale)
		}
	}
}

// TestDevicesInBFloat16 lets Grappler lower a step on two devices.
func TestDevicesInBFloat16(t *testing.T) {
	if !cpu.X86.HasAVX512F {
		t.Skip("bfloat16 needs AVX-512")
	}
	var losses []map[string]float64
	for _, mixed := range []string{"off", "bfloat16"} {
		c := tiny(t, model.FOMM, "batch_size=4", "mixed_precision="+mixed)
		s := onDevices(t, t.TempDir(), c, 2, c.Run.Mixed())
		tr := s.trainer()
		batches := s.loader.Prefetch(context.Background(), 0)
		defer batches.Close()
		tr.batches = batches
		m, err := tr.try(context.Background(), true)
		if m == nil || err != nil {
			t.Fatalf("%+v, %v", m, err)
		}
		losses = append(losses, m.Losses)
	}
	same := true
	for name, want := range losses[0] {
		got := losses[1][name]
		same = same && got == want
		if !(math.Abs(got-want) <= 0.05*math.Abs(want)+1e-3) {
			t.Errorf("%s is %g in bfloat16, %g in float32", name, got, want)
		}
	}
	if same {
		t.Error("nothing was lowered: losses have the same bits")
	}
}

// TestDevicesRefuse: what Run itself refuses of devices, before anything is written.
func TestDevicesRefuse(t *testing.T) {
	c := tiny(t, model.PriorityCut, "batch_size=4")
	cluster := &tf.Cluster{Workers: []string{"a:1", "b:1"}}
	for want, o := range map[string]RunOptions{
		"it must be 1 to 64": {Config: c, Replicas: 65}, "computes on one device": {Config: c, Replicas: 2, Cluster: cluster},
		"3 replicas cannot share alike": {Config: c, Replicas: 3},
	} {
		o.Dir, o.Out = t.TempDir(), io.Discard
		if err := Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if err := DryRun(context.Background(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a dry run: %v, want %q", err, want)
		}
	}
	o := OptionsOf(c)
	o.Replicas = devicesOf(c.Run, 2)
	m := estimateOf(t, o)
	err := m.within(programMemory+2*(m.Total()-programMemory)-1, o, 1)
	if err == nil || !strings.Contains(err.Error(), "for each of 2 replicas") || !strings.Contains(err.Error(), "batch_size=2") {
		t.Errorf("a byte too little for two: %v", err)
	}
	if err := m.within(programMemory+2*(m.Total()-programMemory), o, 1); err != nil {
		t.Error(err)
	}
	if err := checkDeviceMemory(m, o, m.Device()-1); err == nil || !strings.Contains(err.Error(), "each GPU's memory") {
		t.Errorf("a byte too little on each: %v", err)
	}
}
