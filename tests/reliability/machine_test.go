package reliability

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
	trainer "github.com/prioritycut/prioritycut/train"
)

// fullDisk trains on a file system of a few megabytes that a file fills up, in a
// name space of its own. Where mounting is not allowed nothing is tried.
func fullDisk(t *testing.T, n int) int {
	if err := exec.Command("unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt").Run(); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	const steps = 15
	for i := range n {
		dir := t.TempDir()
		disk := filepath.Join(dir, "disk")
		if err := os.Mkdir(disk, 0o777); err != nil {
			t.Fatal(err)
		}
		p := clitest.New(t, "", "--out="+filepath.Join(disk, "run"), fmt.Sprintf("--steps=%d", steps))
		// The program runs twice: the disk fills while it trains, and has room
		// again for the second time. Then the run is carried out of the name space.
		script := `mount -t tmpfs -o size=48m none "$DISK" && cd / || exit 9
"$@" & train=$!
until [ "$(wc -l 2>/dev/null < "$DISK/run/metrics.csv" || echo 0)" -gt ` + fmt.Sprint(3+i) + ` ]; do sleep 0.05; done
dd if=/dev/zero of="$DISK/filler" bs=64k 2>/dev/null
wait $train; echo "full: $?"
rm "$DISK/filler"
"$@"; echo "again: $?"
cp -a "$DISK/run" "$KEPT"`
		c := exec.Command("unshare", append([]string{"-rm", "sh", "-c", script, "sh", p.Path}, p.Args[1:]...)...)
		c.Env = append(p.Env, "DISK="+disk, "KEPT="+filepath.Join(dir, "kept"))
		var out, errs bytes.Buffer
		c.Stdout, c.Stderr = &out, &errs
		if err := c.Run(); err != nil {
			failf(t, "%v\n%s%s", err, &out, &errs)
			continue
		}
		full, again := strings.Contains(out.String(), "full: 1"), strings.Contains(out.String(), "again: 0")
		if !full || !again || !strings.Contains(errs.String(), "free space") {
			failf(t, "full %t, again %t\n%s%s", full, again, &out, &errs)
			continue
		}
		equal(t, undisturbed(t, steps), filepath.Join(dir, "kept"), steps)
	}
	return n
}

// soak trains in this process and compares what it holds early with what it
// holds late: many checkpoints, validations and pictures lie between.
func soak(t *testing.T, n int) int {
	early, late := int64(30), int64(90)
	if long {
		early, late = 500, 12000
		if soakSteps > 0 {
			early, late = int64(max(soakSteps/4, 2)), int64(max(soakSteps, 10))
		}
	}
	held := map[int64]holdings{}
	watch := watcher(func(step int64) {
		if step == early || step == late-1 {
			runtime.GC()
			held[step] = now()
		}
	})
	err := trainer.Run(context.Background(), trainer.RunOptions{Config: mustConfigure(t, late), Dir: filepath.Join(t.TempDir(), "run"), Out: watch})
	if err != nil {
		t.Fatal(err)
	}
	was, is := held[early], held[late-1]
	if was.descriptors == 0 || is.descriptors > was.descriptors || is.goroutines > was.goroutines || is.children > was.children || is.threads > was.threads+2 || is.memory > was.memory+slack {
		failf(t, "after %d steps %+v, after %d steps %+v", early, was, late-1, is)
	}
	t.Logf("after %d steps %+v, after %d steps %+v", early, was, late-1, is)
	return n
}

// holdings are what a process has that must not grow; the memory, in MB, may by
// what allocators keep.
type holdings struct{ goroutines, descriptors, children, threads, memory int }

// slack is how many MB more a process may hold.
const slack = 64

func now() holdings {
	count := func(pattern string) int {
		found, _ := filepath.Glob(pattern)
		return len(found)
	}
	h := holdings{goroutines: runtime.NumGoroutine(), descriptors: count("/proc/self/fd/*"), threads: count("/proc/self/task/*")}
	var pages int
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		_, _ = fmt.Sscan(strings.Fields(string(text))[1], &pages)
	}
	h.memory = pages * os.Getpagesize() >> 20
	lists, _ := filepath.Glob("/proc/self/task/*/children")
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		h.children += len(strings.Fields(string(text)))
	}
	return h
}

// watcher is called with the step of each line of progress.
type watcher func(step int64)

func (w watcher) Write(p []byte) (int, error) {
	for _, line := range strings.Split(string(p), "\n") {
		var step, total int64
		if n, _ := fmt.Sscanf(line, "step %d/%d", &step, &total); n == 2 {
			w(step)
		}
	}
	return len(p), nil
}
