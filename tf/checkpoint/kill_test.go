package checkpoint

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/internal/folderlock"
)

// TestKill kills a process that saves and prunes without a pause.
func TestKill(t *testing.T) {
	const kills = 10
	root := t.TempDir()
	random := rand.New(rand.NewSource(1))
	newest := int64(-1)
	for i := range kills {
		reported := killSaver(t, root, time.Duration(random.Intn(60))*time.Millisecond)
		// What was reported as saved is there; one more may be.
		step, damaged := latest(t, OpenStore(root))
		if step < reported || step > reported+1 || reported <= newest || damaged != nil {
			t.Errorf("kill %d: latest is %d, damaged %v; reported %d, before %d", i, step, damaged, reported, newest)
		}
		newest = step
	}
	s := OpenStore(root)
	if err := s.Clean(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Prune(3); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(root); err != nil || len(entries) != 4 {
		t.Errorf("want three checkpoints and the lock: %v, %v", entries, err)
	}
}

// killSaver starts a process that saves to root, kills it some time after its
// first checkpoint and returns the last step that it reported as saved.
func killSaver(t *testing.T, root string, after time.Duration) int64 {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), rootEnv+"="+root)
	stderr := &bytes.Buffer{}
	cmd.Stderr = stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(stdout)
	reported := int64(-1)
	if _, err := fmt.Fscanln(r, &reported); err != nil {
		cmd.Process.Kill()
		t.Fatalf("the process saved nothing: %v\n%s", err, stderr)
	}
	time.Sleep(after)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := fmt.Fscanln(r, &reported); err != nil {
			break
		}
	}
	if err := cmd.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Fatalf("%v\n%s", err, stderr)
	}
	return reported
}

// rootEnv is the folder to which a process of its own saves until it is killed.
const rootEnv = "CHECKPOINT_TEST_ROOT"

func TestMain(m *testing.M) {
	if root := os.Getenv(rootEnv); root != "" {
		fmt.Fprintln(os.Stderr, saveForEver(root))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// saveForEver saves and prunes until something fails, and prints the steps that
// are saved.
func saveForEver(root string) error {
	s := OpenStore(root)
	lock, err := folderlock.Acquire(root)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if err := s.Clean(); err != nil {
		return err
	}
	step := int64(-1)
	if c, _, err := s.Latest(); err == nil {
		step = c.Step
		c.Close()
	}
	for {
		step++
		if err := s.Save(step, someMeta(step), someGroups(&testing.T{}, step)...); err != nil {
			return err
		}
		fmt.Println(step)
		if _, err := s.Prune(3); err != nil {
			return err
		}
	}
}
