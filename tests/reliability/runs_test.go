package reliability

import (
	"context"
	"math/rand"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/internal/fault"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/tf/checkpoint"
	trainer "github.com/prioritycut/prioritycut/train"
)

// TestRuns tries what is promised of training runs.
func TestRuns(t *testing.T) {
	defer forget()
	keep(t,
		promise{"a chain of kills ends bit-equal to one run", killed, 2, 64},
		promise{"a run that is told to stop, twice at times, has valid files and goes on bit-equal", signalled, 2, 40},
		promise{"a fault at a call of the file system loses nothing", faulty, 3, 100000},
		promise{"rot in the newest checkpoint is noticed, the one before it is taken", rotten, 20, 500},
		promise{"a full disk ends a run with words, and the same command goes on bit-equal", fullDisk, 1, 5},
		promise{"goroutines, children, descriptors and memory stay constant over a long run", soak, 1, 1},
	)
}

// killed kills one run again and again.
func killed(t *testing.T, n int) int {
	steps := int64(5 * n)
	dir, random := filepath.Join(t.TempDir(), "run"), rand.New(rand.NewSource(1))
	for i := range n {
		p := start(t, dir, steps)
		ended := make(chan error, 1)
		go func() { ended <- p.Wait() }()
		// Some way into the steps behind the last checkpoint, at any moment.
		if !waitForRows(dir, 5*i+1+random.Intn(5), ended) {
			break // it has come to its end
		}
		time.Sleep(time.Duration(random.Intn(300)) * time.Millisecond)
		_ = p.Process.Kill()
		<-ended
	}
	if finish(t, dir, steps) {
		equal(t, undisturbed(t, steps), dir, steps)
	}
	return n
}

// signalled sends one signal, or two soon after each other.
func signalled(t *testing.T, n int) int {
	const steps = 15
	random := rand.New(rand.NewSource(2))
	signals := []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT}
	for i := range n {
		dir := filepath.Join(t.TempDir(), "run")
		p := start(t, dir, steps)
		ended := make(chan error, 1)
		go func() { ended <- p.Wait() }()
		if waitForRows(dir, 1+random.Intn(steps-1), ended) {
			_ = p.Process.Signal(signals[i%len(signals)])
			if i%2 == 1 {
				time.Sleep(time.Duration(random.Intn(200)) * time.Millisecond)
				_ = p.Process.Signal(syscall.SIGTERM)
			}
			<-ended
		}
		if finish(t, dir, steps) {
			equal(t, undisturbed(t, steps), dir, steps)
		}
	}
	return n
}

// faulty fails calls of a run's writes, one in each run, in turn by each error.
// Calls before the first step may end the run at once; all others are forgiven.
func faulty(t *testing.T, n int) int {
	const steps = 6
	want := undisturbed(t, steps)
	c := mustConfigure(t, steps)
	faults := []fault.Fault{{Err: syscall.ENOSPC, Short: true}, {Err: syscall.EIO}, {Err: syscall.EROFS}}
	all := &fault.FS{Quick: true}
	options := func(dir string, files *fault.FS) trainer.RunOptions {
		return trainer.RunOptions{Config: c, Dir: dir, Out: quiet, Files: files}
	}
	if err := trainer.Run(context.Background(), options(filepath.Join(t.TempDir(), "run"), all)); err != nil {
		t.Fatal(err)
	}
	calls := all.Calls()
	n = min(n, len(calls))
	for i := range n {
		at := i * len(calls) / n
		dir := filepath.Join(t.TempDir(), "run")
		files := &fault.FS{Quick: true, Plan: fault.At(at, 1, faults[i%len(faults)])}
		if err := trainer.Run(context.Background(), options(dir, files)); err != nil {
			if hasSteps(dir) {
				failf(t, "%v at call %d (%v) ends the run: %s", faults[i%len(faults)].Err, at, calls[at], firstLine(err))
			}
			if err := trainer.Run(context.Background(), options(dir, &fault.FS{Quick: true})); err != nil {
				failf(t, "the same command after a fault at call %d (%v): %v", at, calls[at], err)
				continue
			}
		}
		equal(t, want, dir, steps)
	}
	return n
}

func hasSteps(dir string) bool {
	rows, err := trainer.ReadMetrics(rundir.Dir(dir).Metrics())
	return err == nil && len(rows) > 0
}

// rotten changes one bit of one file of the newest checkpoint.
func rotten(t *testing.T, n int) int {
	const steps = 15
	dir := copyOf(t, undisturbed(t, steps))
	random := rand.New(rand.NewSource(3))
	store := checkpoint.OpenStore(rundir.Dir(dir).Checkpoints())
	saved, err := store.Steps()
	if err != nil || len(saved) < 2 {
		t.Fatalf("%v, %v", saved, err)
	}
	before := saved[len(saved)-2]
	files, err := filepath.Glob(filepath.Join(store.Dir(steps), "*"))
	if err != nil || len(files) < 4 {
		t.Fatalf("%v, %v", files, err)
	}
	for i := range n {
		path := files[i%len(files)]
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bad := append([]byte(nil), good...)
		at := random.Intn(len(bad))
		bad[at] ^= 1 << random.Intn(8)
		if err := os.WriteFile(path, bad, 0o666); err != nil {
			t.Fatal(err)
		}
		c, damaged, err := checkpoint.OpenStore(rundir.Dir(dir).Checkpoints()).Latest()
		if err != nil || c.Step != before || len(damaged) != 1 {
			failf(t, "byte %d of %s: %v, damaged %v", at, filepath.Base(path), err, damaged)
		}
		if c != nil {
			c.Close()
		}
		if err := os.WriteFile(path, good, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return n
}
