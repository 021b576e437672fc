package folderlock

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// asHolder makes the test's binary a process that has the lock of the folder
// that the variable names.
const asHolder = "FOLDERLOCK_TEST_HOLDER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(asHolder); dir != "" {
		if _, err := Acquire(dir); err != nil {
			panic(err)
		}
		fmt.Println("locked")
		time.Sleep(time.Minute)
	}
	os.Exit(m.Run())
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	first, err := Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	var locked *LockedError
	if _, err := Acquire(dir); !errors.As(err, &locked) {
		t.Errorf("second lock of one process: %v", err)
	}
	for range 2 {
		if err := first.Unlock(); err != nil {
			t.Fatal(err)
		}
	}

	// Another process has it until it is killed.
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asHolder+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "locked\n" {
		t.Fatalf("%q, %v", line, err)
	}
	_, err = Acquire(dir)
	host, hostErr := os.Hostname()
	if hostErr != nil {
		t.Fatal(hostErr)
	}
	if !errors.As(err, &locked) || !strings.Contains(err.Error(), fmt.Sprintf("process %d", cmd.Process.Pid)) || !strings.Contains(err.Error(), host) {
		t.Errorf("got %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() // says that it was killed
	again, err := Acquire(dir)
	if err != nil {
		t.Fatalf("after the kill: %v", err)
	}
	if err := again.Unlock(); err != nil {
		t.Error(err)
	}
	if _, err := Acquire(dir + "/missing"); err == nil || errors.As(err, &locked) {
		t.Errorf("missing folder: %v", err)
	}
}

// TestDiscardedLock leaves no file, and who opened it before locks another.
func TestDiscardedLock(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, lockName)
	first, err := Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	late, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	if !names(path, late) {
		t.Error("the file is not known by its name")
	}
	for range 2 {
		if err := first.Discard(); err != nil {
			t.Fatal(err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	second, err := Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Unlock()
	if names(path, late) {
		t.Error("a discarded file counts as the lock")
	}
	var locked *LockedError
	if _, err := Acquire(dir); !errors.As(err, &locked) {
		t.Errorf("the folder is locked twice: %v", err)
	}
}
