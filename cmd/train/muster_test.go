package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/train"
)

// meeting is how the tests of this file start workers, and how each ends.
type meeting struct {
	// lists of addresses by worker; rank is its index among them.
	lists [][]string
	ranks []int
	// other is a worker of another build; -1 is none.
	other int
	// codes are those of their ends; -1 is any of a failure.
	codes []int
	says  []string
}

// otherBuild copies this program with a byte more.
func otherBuild(t *testing.T) string {
	t.Helper()
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(path, append(self, 0), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// tensorFlowFolder is where this program's TensorFlow lies, which a copy of it
// elsewhere does not find by itself.
func tensorFlowFolder(t *testing.T) string {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(/\S+)/libtensorflow_cc\.so`).FindSubmatch(maps)
	if found == nil {
		t.Fatal("this program has not loaded TensorFlow")
	}
	return string(found[1])
}

// TestMeetings: workers that cannot be of one run end in time, each with words of
// its own, and nothing is written.
func TestMeetings(t *testing.T) {
	foreign := deaf(t)
	a, err := freeAddresses(12)
	if err != nil {
		t.Fatal(err)
	}
	two := func(x, y string) [][]string { return [][]string{{x, y}, {x, y}} }
	for name, m := range map[string]meeting{
		"other sizes": {lists: [][]string{{a[0], a[1]}, {a[0], a[1], a[2]}, {a[0], a[1], a[2]}}, ranks: []int{0, 1, 2}, other: -1,
			codes: []int{-1, -1, -1}, says: []string{"same TF_CONFIG", "same TF_CONFIG", "same TF_CONFIG"}},
		"a taken port": {lists: two(foreign, a[3]), ranks: []int{0, 1}, other: -1,
			codes: []int{1, train.ExitLost}, says: []string{"cannot listen at " + foreign, "another program's"}},
		"an index twice": {lists: two(a[4], a[5]), ranks: []int{1, 1}, other: -1,
			codes: []int{-1, -1}, says: []string{a[5], a[5]}},
		"an unknown name": {lists: [][]string{{a[6], "nobody.invalid:2222"}}, ranks: []int{0}, other: -1,
			codes: []int{train.ExitLost}, says: []string{"lookup nobody.invalid"}},
		"another build": {lists: two(a[7], a[8]), ranks: []int{0, 1}, other: 1,
			codes: []int{1, 1}, says: []string{"worker 1 (" + a[8] + ") differs from the chief in the program", "differs from the chief in the program"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			all := m.workers(t, dir, "--set=batch_size=6", "--set=worker_timeout=6")
			startAll(t, all)
			late := time.AfterFunc(2*time.Minute, func() { t.Error("they do not end") })
			defer late.Stop()
			for i, c := range all {
				if m.codes[i] < 0 { // who ends first is chance
					endsAsOne(t, c, m.says[i], "is missing")
					continue
				}
				endsWith(t, c, m.codes[i], m.says[i])
			}
			if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a folder was made (%v)", err)
			}
		})
	}
}

func (m meeting) workers(t *testing.T, dir string, flags ...string) (all []*exec.Cmd) {
	t.Helper()
	for i, list := range m.lists {
		text, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		c, _, _ := program(t, dir, flags...)
		c.Env = append(c.Env, fmt.Sprintf(`TF_CONFIG={"cluster": {"worker": %s}, "task": {"type": "worker", "index": %d}}`, text, m.ranks[i]))
		if i == m.other {
			c.Path = otherBuild(t)
			c.Env = append(c.Env, "LD_LIBRARY_PATH="+tensorFlowFolder(t))
		}
		all = append(all, c)
	}
	return all
}

// deaf listens, takes every connection and never says a word.
func deaf(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			if _, err := l.Accept(); err != nil {
				return
			}
		}
	}()
	return fmt.Sprintf("127.0.0.1:%d", l.Addr().(*net.TCPAddr).Port)
}

// TestLateWorker: a worker that is started again alone, while the others still
// run, ends, and so do they.
func TestLateWorker(t *testing.T) {
	dir := rundir.Dir(filepath.Join(t.TempDir(), "run"))
	all := workersOf(t, 2, string(dir), "--steps=1000000", "--set=worker_timeout=6")
	startAll(t, all)
	waitForSteps(t, dir, 1, all[0].Stderr.(*bytes.Buffer))
	if err := all[1].Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = all[1].Wait()
	again, _, _ := program(t, string(dir), "--steps=1000000", "--set=worker_timeout=6")
	again.Env = all[1].Env
	startAll(t, []*exec.Cmd{again})
	for _, c := range []*exec.Cmd{all[0], again} {
		endsAsOne(t, c, "is missing", "started later")
	}
}

// endsAsOne waits for a worker that fails with one of two words.
func endsAsOne(t *testing.T, c *exec.Cmd, one, other string) {
	t.Helper()
	err, said := c.Wait(), c.Stderr.(*bytes.Buffer).String()
	if err == nil || !strings.Contains(said, one) && !strings.Contains(said, other) {
		t.Errorf("%v:\n%s", err, said)
	}
}
