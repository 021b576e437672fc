package train

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/internal/folderlock"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
)

// TestDeterministicRunsAreBitEqual compares every stored bit of two runs of 20
// steps, on two threads, and of a run of 20 steps that was stopped after 8.
// Warm-up and milestones lie on both sides of the stop, spectral norm adds
// state of its own, and validations and pictures come at other steps.
func TestDeterministicRunsAreBitEqual(t *testing.T) {
	begin := func(dir string, stopAt int64, sets ...string) {
		c := tiny(t, model.PriorityCut, append([]string{
			"steps=20", "deterministic=true", "sn=true", "cons_warmup_steps=12", "step_milestones=[{step: 10, factor: 0.1}]",
		}, sets...)...)
		if stopAt > 0 {
			runUntil(t, dir, c, stopAt)
		}
		complete(t, dir, c)
	}
	dirs := []string{t.TempDir(), t.TempDir(), t.TempDir()}
	begin(dirs[0], 0)
	begin(dirs[1], 0)
	begin(dirs[2], 8, "validation_steps=7", "picture_steps=9", "checkpoint_steps=6", "train_params.validation_videos=1", "log_steps=4")
	for _, other := range dirs[1:] {
		compareCheckpoints(t, dirs[0], other, 20)
	}
	compareMetrics(t, dirs[0], dirs[1])
	for _, name := range []string{"config.yaml", "README.txt", "summary.csv"} {
		compareFiles(t, filepath.Join(dirs[0], name), filepath.Join(dirs[1], name))
	}
	compareFiles(t, rundir.Dir(dirs[0]).Summary(), rundir.Dir(dirs[2]).Summary())
}

// runUntil runs a configuration and asks it to stop once it has taken so many
// steps.
func runUntil(t *testing.T, dir string, c *config.Config, steps int64) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	out := &lineCounter{after: steps, stop: stop}
	if err := Run(ctx, RunOptions{Config: c, Dir: dir, Out: out}); err != nil {
		t.Fatal(err)
	}
	store := checkpoint.OpenStore(rundir.Dir(dir).Checkpoints())
	if saved, err := store.Steps(); err != nil || len(saved) == 0 || saved[len(saved)-1] != steps {
		t.Fatalf("stopped after step %d, but the checkpoints are of steps %v, %v", steps, saved, err)
	}
	if _, err := os.Stat(rundir.Dir(dir).Summary()); err == nil {
		t.Error("a stopped run has a summary")
	}
}

// lineCounter calls stop when it is told of a step of number after or later.
type lineCounter struct {
	after int64
	stop  func()
}

func (l *lineCounter) Write(p []byte) (int, error) {
	for _, line := range bytes.Split(p, []byte("\n")) {
		var step int64
		if rest, ok := bytes.CutPrefix(line, []byte("step ")); ok {
			for _, digit := range rest {
				if digit < '0' || digit > '9' {
					break
				}
				step = 10*step + int64(digit-'0')
			}
		}
		if step >= l.after {
			l.stop()
		}
	}
	return len(p), nil
}

// compareCheckpoints compares every tensor of two runs after a step, bit by
// bit.
func compareCheckpoints(t *testing.T, a, b string, step int64) {
	t.Helper()
	var all [2]map[string][]byte
	var metas [2]rundir.Meta
	for i, dir := range []string{a, b} {
		c, err := checkpoint.OpenStore(rundir.Dir(dir).Checkpoints()).Open(step)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		all[i] = bitsOf(t, c)
		if metas[i], err = metaOf(c); err != nil {
			t.Fatal(err)
		}
	}
	if len(all[0]) < 100 || len(all[0]) != len(all[1]) {
		t.Errorf("%d and %d tensors", len(all[0]), len(all[1]))
	}
	for name, was := range all[0] {
		if !bytes.Equal(was, all[1][name]) {
			t.Errorf("%s differs", name)
		}
	}
	if metas[0].Attempt != metas[1].Attempt || metas[0].ConfigHash != metas[1].ConfigHash {
		t.Errorf("attempts %d and %d, configurations %s and %s", metas[0].Attempt, metas[1].Attempt, metas[0].ConfigHash, metas[1].ConfigHash)
	}
}

// bitsOf reads a checkpoint's tensors as bytes.
func bitsOf(t *testing.T, c *checkpoint.Checkpoint) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, group := range c.Groups() {
		tensors, err := c.Tensors(group)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range tensors {
			var b bytes.Buffer
			if _, err := n.Tensor.WriteContentsTo(&b); err != nil {
				t.Fatal(err)
			}
			all[group+" "+n.Name] = b.Bytes()
		}
	}
	return all
}

// compareMetrics compares the rows of two runs, but for the times.
func compareMetrics(t *testing.T, a, b string) {
	t.Helper()
	var all [2][]Row
	for i, dir := range []string{a, b} {
		rows, err := ReadMetrics(rundir.Dir(dir).Metrics())
		if err != nil {
			t.Fatal(err)
		}
		for j := range rows {
			delete(rows[j].Values, secondsPerStep)
			delete(rows[j].Values, dataWaitShare)
		}
		all[i] = rows
	}
	if diff := cmp.Diff(all[0], all[1]); diff != "" || len(all[0]) != 20 {
		t.Errorf("%d rows, which differ:\n%s", len(all[0]), diff)
	}
}

func compareFiles(t *testing.T, a, b string) {
	t.Helper()
	one, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	two, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one, two) {
		t.Errorf("%s and %s differ", a, b)
	}
}

// TestGoingOn looks at what stands between two runs of one folder.
func TestGoingOn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "[a b]*") // no pattern, just a name
	complete(t, dir, tiny(t, model.FOMM, "steps=3"))
	var said bytes.Buffer
	run := func(c *config.Config) error {
		said.Reset()
		return Run(context.Background(), RunOptions{Config: c, Dir: dir, Out: &said})
	}
	if err := run(tiny(t, model.FOMM, "steps=3")); err != nil || !bytes.Contains(said.Bytes(), []byte("complete after 3 steps")) {
		t.Errorf("a complete run says %q, %v", &said, err)
	}
	for _, c := range []struct {
		sets []string
		want string
	}{
		{[]string{"steps=9", "seed=3"}, "seed: 0 in the run, 3 now"},
		{[]string{"steps=9", "batch_size=3"}, "train_params.batch_size: 2 in the run, 3 now"},
		{[]string{"steps=9", "num_kp=4"}, "model_params.common_params.num_kp"},
	} {
		if err := run(tiny(t, model.FOMM, c.sets...)); err == nil || !bytes.Contains([]byte(err.Error()), []byte(c.want)) {
			t.Errorf("%v: %v, want %q", c.sets, err, c.want)
		}
	}
	if err := run(tiny(t, model.UNet, "steps=9")); err == nil {
		t.Error("a run goes on as another variant")
	}

	// Rows behind the checkpoint are those of a run that was killed.
	table, err := os.ReadFile(rundir.Dir(dir).Metrics())
	if err != nil {
		t.Fatal(err)
	}
	last := bytes.Replace(table[bytes.LastIndex(table, []byte("\n1,3,3,"))+1:], []byte("1,3,3,"), []byte("1,4,4,"), 1)
	table = append(append(table, last...), last[:len(last)/2]...)
	if err := os.WriteFile(rundir.Dir(dir).Metrics(), table, 0o666); err != nil {
		t.Fatal(err)
	}
	if rows, err := ReadMetrics(rundir.Dir(dir).Metrics()); err != nil || len(rows) != 4 {
		t.Fatalf("%d rows, %v, want 4: the torn one does not count", len(rows), err)
	}
	half := []string{filepath.Join(dir, ".metrics.csv.tmp-123"), filepath.Join(rundir.Dir(dir).Pictures(), ".picture-123.png")}
	for _, path := range half {
		if err := os.WriteFile(path, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(tiny(t, model.FOMM, "steps=5")); err != nil {
		t.Fatal(err)
	}
	for _, path := range half {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is left", path)
		}
	}
	rows, err := ReadMetrics(rundir.Dir(dir).Metrics())
	if err != nil || len(rows) != 5 {
		t.Fatalf("%d rows, %v, want 5", len(rows), err)
	}
	for i, r := range rows {
		if r.Step != int64(i+1) || i == 3 && r.Value("perceptual") == rows[2].Value("perceptual") {
			t.Errorf("row %d is of step %d with a loss of %v", i, r.Step, r.Value("perceptual"))
		}
	}

	lock, err := folderlock.Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Unlock()
	if err := run(tiny(t, model.FOMM, "steps=9")); err == nil || !bytes.Contains([]byte(err.Error()), []byte("in use by process")) {
		t.Errorf("a second trainer gets %v", err)
	}
}

// TestForeignFolder refuses folders that hold something else.
func TestForeignFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	err := Run(context.Background(), RunOptions{Config: tiny(t, model.FOMM), Dir: dir, Out: io.Discard})
	if err == nil || !bytes.Contains([]byte(err.Error()), []byte("thesis.tex")) {
		t.Errorf("a folder with files and no run gives %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("files were added to it: %v", entries)
	}
}

// TestBatchesFollowAttempts refuses a batch of another attempt.
func TestBatchesFollowAttempts(t *testing.T) {
	tr := &trainer{batches: wrongBatches{}, at: Position{Step: 3, Attempt: 5}}
	if _, err := tr.try(context.Background(), false); err == nil {
		t.Error("a batch of another attempt is trained on")
	}
}

type wrongBatches struct{}

func (wrongBatches) NextUntil(context.Context) (*dataset.Batch, error) {
	return &dataset.Batch{Attempt: 4}, nil
}
