package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/video"
)

// TestWorkersOfIPv6: workers may be named by addresses of IPv6.
func TestWorkersOfIPv6(t *testing.T) {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skipf("this machine has no IPv6 on its loopback: %v", err)
	}
	l.Close()
	all := workersOf(t, 2, filepath.Join(t.TempDir(), "run"), "--steps=1", "--set=worker_timeout=60")
	for _, c := range all {
		last := len(c.Env) - 1
		c.Env[last] = strings.ReplaceAll(c.Env[last], "127.0.0.1", "[::1]")
	}
	startAll(t, all)
	endsWith(t, all[0], 0, "complete after 1 step")
	endsWith(t, all[1], 0, "")
}

// TestWorkersOfOtherVideos: under one path each worker sees a folder of its own,
// and the second one has a video more. Each says so, and nothing is written.
func TestWorkersOfOtherVideos(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	all := workersOf(t, 2, dir, "--data=/proc/self/cwd/videos", "--steps=1", "--set=worker_timeout=60")
	for i, c := range all {
		c.Dir = t.TempDir()
		// With it a program of Bazel's tests goes to its package's folder.
		c.Env = slices.DeleteFunc(c.Env, func(v string) bool { return strings.HasPrefix(v, "TEST_WORKSPACE=") })
		for _, name := range []string{"train/a", "train/b", "train/c", "test/d"} {
			if i == 0 && name == "train/c" {
				continue
			}
			folder := filepath.Join(c.Dir, "videos", name)
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			for n := range 3 {
				if err := video.WritePNG(filepath.Join(folder, fmt.Sprintf("%d.png", n)), video.NewFrame(32, 32)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	startAll(t, all)
	for _, c := range all {
		endsWith(t, c, 1, ") differs from the chief in the list of training videos: ")
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder was made (%v)", err)
	}
}
