package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/rundir"
)

// versioned are the places of a run's folder that tell its format, by name: a
// file (a pattern) and the text before the number.
var versioned = map[string][2]string{
	"config.yaml":       {"config.yaml", "\nformat_version: "},
	"checkpoint":        {"checkpoints/*/manifest.json", "prioritycut-checkpoint\",\n  \"format_version\": "},
	"run in checkpoint": {"checkpoints/*/manifest.json", "\"meta\": {\n    \"format_version\": "},
	"metrics.csv":       {"metrics.csv", "\n"},
	"summary.csv":       {"summary.csv", "\n"},
}

// TestFoldersOfOtherVersions goes on with the folder of a run that an older or a
// newer version of the program wrote, as a whole and in each of its files alone.
// It is gone on with to the same bits, or refused with what to do and not a byte of
// it changed.
func TestFoldersOfOtherVersions(t *testing.T) {
	begun, gone := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "run")
	runTo(t, begun, 2)
	copyTree(t, begun, gone)
	runTo(t, gone, 3)
	want := weightsOf(t, gone)
	for version, number := range map[string]string{"older": "0", "newer": "2"} {
		names := []string{"all"}
		for name := range versioned {
			names = append(names, name)
		}
		for _, name := range names {
			t.Run(version+" "+name, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "run")
				copyTree(t, begun, dir)
				for of, place := range versioned {
					if name == of || name == "all" {
						setVersion(t, filepath.Join(dir, place[0]), place[1], number)
					}
				}
				before := sums(t, dir)
				c, stdout, stderr := program(t, dir, "--deterministic", "--steps=3")
				err := c.Run()
				if err == nil {
					if diff := cmp.Diff(want, weightsOf(t, dir)); diff != "" || name == "all" {
						t.Errorf("it goes on\n%s%s%s", stdout, stderr, diff)
					}
					return
				}
				said := stderr.String()
				if c.ProcessState.ExitCode() != cli.ExitUsage || !strings.Contains(said, "version") || !strings.Contains(said, dir) {
					t.Errorf("%v: %s", err, said)
				}
				if !strings.Contains(said, "use ") && !strings.Contains(said, "move ") && !strings.Contains(said, "choose ") {
					t.Errorf("it does not say what to do: %s", said)
				}
				if diff := cmp.Diff(before, sums(t, dir)); diff != "" {
					t.Errorf("the refused folder is changed: %s", diff)
				}
			})
		}
	}
}

// runTo trains a deterministic run as far as a step.
func runTo(t *testing.T, dir string, step int) {
	t.Helper()
	c, stdout, stderr := program(t, dir, "--deterministic", fmt.Sprintf("--steps=%d", step))
	if err := c.Run(); err != nil {
		t.Fatalf("%v\n%s%s", err, stdout, stderr)
	}
}

// setVersion puts another number behind a text in the files of a pattern, and
// their checksum to it.
func setVersion(t *testing.T, pattern, before, number string) {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %v, %v", pattern, paths, err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(data, []byte(before+"1")) {
			t.Fatalf("%s has no %q (%v)", path, before+"1", err)
		}
		data = bytes.ReplaceAll(data, []byte(before+"1"), []byte(before+number))
		files := map[string][]byte{path: data}
		if filepath.Ext(path) == ".json" {
			files[path+".crc32c"] = fmt.Appendf(nil, "%08x\n", crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
		}
		for path, data := range files {
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		place := filepath.Join(to, strings.TrimPrefix(path, from))
		if d.IsDir() {
			return os.MkdirAll(place, 0o755)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(place, data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// sums are the checksums of all files below a folder, but for that of the lock.
func sums(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == ".lock" {
			return err
		}
		data, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir)] = fmt.Sprintf("%x", sha256.Sum256(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// weightsOf are the checksums of the newest state of a run, but for what tells
// times.
func weightsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	for name, sum := range sums(t, filepath.Join(rundir.Dir(dir).Checkpoints(), "step-00000003")) {
		if filepath.Ext(name) == ".safetensors" {
			files[name] = sum
		}
	}
	if len(files) < 3 {
		t.Fatalf("the state is %v", files)
	}
	return files
}
