package reliability

import (
	"encoding/json"
	"fmt"
	"net"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
	"github.com/prioritycut/prioritycut/internal/fault"
	"github.com/prioritycut/prioritycut/internal/rundir"
	trainer "github.com/prioritycut/prioritycut/train"
)

const (
	// workerSteps is the length of runs of several workers.
	workerSteps = 10
	// workerTimeout is their worker_timeout in seconds.
	workerTimeout = 20
	// slowDisk makes the program's checkpoints take their time.
	slowDisk = "PRIORITYCUT_TEST_SLOW_DISK"
)

// workerSets are settings of runs of several workers. Checkpoint and validation
// come after steps of their own.
var workerSets = []string{
	fmt.Sprintf("worker_timeout=%d", workerTimeout), "checkpoint_steps=5", "validation_steps=8", "picture_steps=8",
	"validation_videos=4", "validation_frames=24",
}

// slowly is a file system on which each write of a checkpoint takes a while.
func slowly() *fault.FS {
	return &fault.FS{Plan: func(_ int, c fault.Call) *fault.Fault {
		if c.Op == "write" && strings.Contains(c.Path, "checkpoints") {
			time.Sleep(20 * time.Millisecond)
		}
		return nil
	}}
}

// phase is what a run of workers is busy with when one of them is killed.
type phase struct {
	name string
	// reached reports whether it has begun for a worker.
	reached func(dir rundir.Dir, all []worker, rank int) bool
	// cut reports whether a chief that was killed then did not come to its end.
	cut func(dir rundir.Dir) bool
}

var phases = []phase{
	{"start", func(_ rundir.Dir, all []worker, rank int) bool { return !deaf(all[rank]) },
		func(dir rundir.Dir) bool { return !hasSteps(string(dir)) }},
	{"muster", func(_ rundir.Dir, all []worker, _ int) bool { return !slices.ContainsFunc(all, deaf) },
		func(dir rundir.Dir) bool { return !hasSteps(string(dir)) }},
	{"step", func(dir rundir.Dir, _ []worker, _ int) bool { return rowsOf(dir) >= 6 }, func(dir rundir.Dir) bool { return rowsOf(dir) == 6 }},
	{"save", func(dir rundir.Dir, _ []worker, _ int) bool { return exists(dir.Checkpoints(), ".tmp-*") },
		func(dir rundir.Dir) bool { return !exists(dir.Checkpoints(), "step-*") }},
	{"validation", func(dir rundir.Dir, _ []worker, _ int) bool { return exists(dir.Pictures(), "train-*8.png") },
		func(dir rundir.Dir) bool { return rowsOf(dir) == 7 }},
}

// deaf reports whether a worker does not wait for others yet.
func deaf(w worker) bool {
	c, err := net.Dial("tcp", w.address)
	if err == nil {
		c.Close()
	}
	return err != nil
}

func rowsOf(dir rundir.Dir) int {
	rows, err := trainer.ReadMetrics(dir.Metrics())
	if err != nil {
		return 0
	}
	return len(rows)
}

func exists(dir, pattern string) bool {
	found, _ := filepath.Glob(filepath.Join(dir, pattern)) // the pattern is none of a user's
	return len(found) > 0
}

// TestKilledWorkers kills each worker in each phase of a run: the others end in
// time with their own exit code and a line that names it, and the same command
// goes on to the bits of a run that nothing happens to.
func TestKilledWorkers(t *testing.T) {
	n, tries := 2, []phase{phases[3]}
	if long {
		n, tries = 3, phases
	}
	want := filepath.Join(t.TempDir(), "undisturbed")
	endTogether(t, startWorkers(t, n, want))
	var rows []string
	for _, p := range tries {
		for rank := range n {
			t.Run(fmt.Sprintf("%s_%d", p.name, rank), func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "run")
				row := killWorker(t, n, rank, p, dir)
				endTogether(t, startWorkers(t, n, dir))
				equal(t, want, dir, workerSteps)
				rows = append(rows, fmt.Sprintf("%s%t |", row, !t.Failed()))
				t.Log(rows[len(rows)-1])
			})
		}
	}
	if long {
		fmt.Println("| killed | while | others end after | exit codes | the line | goes on bit-equal |\n| --- | --- | --- | --- | --- | --- |")
		for _, r := range rows {
			fmt.Println(r)
		}
	}
}

// worker is one process of a run, and the address that others know it by.
type worker struct {
	*clitest.Program
	address string
}

// startWorkers starts n processes of one run.
func startWorkers(t *testing.T, n int, dir string) []worker {
	t.Helper()
	all := make([]worker, n)
	addresses := make([]string, n)
	for i := range all {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addresses[i] = l.Addr().String()
	}
	list, err := json.Marshal(addresses)
	if err != nil {
		t.Fatal(err)
	}
	flags := []string{"--out=" + dir, fmt.Sprintf("--steps=%d", workerSteps), fmt.Sprintf("--set=batch_size=%d", n)}
	for _, set := range workerSets {
		flags = append(flags, "--set="+set)
	}
	for i := range all {
		all[i] = worker{clitest.New(t, "", flags...), addresses[i]}
		all[i].Env = append(all[i].Env, slowDisk+"=1", fmt.Sprintf(`TF_CONFIG={"cluster": {"worker": %s}, "task": {"type": "worker", "index": %d}}`, list, i))
	}
	return all
}

// endTogether runs workers to the end.
func endTogether(t *testing.T, all []worker) {
	t.Helper()
	for _, w := range all {
		if err := w.Start(); err != nil {
			t.Fatal(err)
		}
	}
	for i, w := range all {
		if err := w.Wait(); err != nil {
			t.Errorf("worker %d ends with %v\n%s", i, err, &w.Errs)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// killWorker starts workers, kills one in a phase, and returns the row of the
// table for what the others do.
func killWorker(t *testing.T, n, rank int, p phase, dir string) string {
	t.Helper()
	all := startWorkers(t, n, dir)
	ended := make([]chan time.Time, n)
	for i, w := range all {
		if err := w.Start(); err != nil {
			t.Fatal(err)
		}
		ended[i] = make(chan time.Time, 1)
		go func() {
			_ = w.Wait() // its exit code is looked at
			ended[i] <- time.Now()
		}()
	}
	until(t, p.name, func() bool { return p.reached(rundir.Dir(dir), all, rank) })
	if err := all[rank].Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended[rank]
	if rank == 0 && !p.cut(rundir.Dir(dir)) {
		t.Errorf("the chief was killed too late for %s", p.name)
	}
	others := slices.Delete(slices.Clone(all), rank, rank+1)
	if p.name == phases[0].name { // whoever has not begun to wait has its time still
		until(t, "the others wait", func() bool { return !slices.ContainsFunc(others, deaf) })
	}
	since := time.Now()
	var seconds, codes []string
	line := ""
	for i, w := range all {
		if i == rank {
			continue
		}
		took, code := (<-ended[i]).Sub(since), w.ProcessState.ExitCode()
		if took > (workerTimeout+5)*time.Second || code != trainer.ExitLost {
			t.Errorf("worker %d ends after %v with %d\n%s", i, took, code, &w.Errs)
		}
		seconds, codes = append(seconds, fmt.Sprintf("%.1f", took.Seconds())), append(codes, fmt.Sprint(code))
		line = nameOfMissing(t, w.Errs.String(), fmt.Sprintf("worker %d (%s) is missing", rank, all[rank].address))
	}
	return fmt.Sprintf("| worker %d of %d | %s | %s s | %s | %s | ", rank, n, p.name, strings.Join(seconds, ", "), strings.Join(codes, ", "), line)
}

// until waits for what comes within minutes.
func until(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for deadline := time.Now().Add(4 * time.Minute); !reached(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

var missingLine = regexp.MustCompile(`(?m)^.*(is|are) missing.*$`)

// nameOfMissing is what a worker says of the one that is missing, in one line.
func nameOfMissing(t *testing.T, said, want string) string {
	t.Helper()
	lines := missingLine.FindAllString(said, -1)
	if len(lines) != 1 || !strings.Contains(lines[0], want) {
		t.Errorf("it says %q, not once %q\n%s", lines, want, said)
		return ""
	}
	return want
}
