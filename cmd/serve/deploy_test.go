package main

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/prioritycut/prioritycut/infer/tinymodel"
)

const installed = "/opt/prioritycut/bin/serve"

// accepted runs the program with the flags of an example as far as its version:
// unknown flags and values come before.
func accepted(t *testing.T, line []string) {
	t.Helper()
	if len(line) < 2 || line[0] != installed {
		t.Fatalf("the command is %q", line)
	}
	p := command()
	p.Stdout = io.Discard
	if done, _, err := p.Parse(append(line[1:], "--version")); !done || err != nil {
		t.Errorf("%q: %v", line, err)
	}
}

func TestUnit(t *testing.T) {
	unit, err := os.ReadFile("../../examples/prioritycut.service")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(unit), "\nExecStart=")
	line, _, _ := strings.Cut(rest, "\n")
	accepted(t, strings.Fields(line))

	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze in PATH: the unit is not verified")
	}
	// It wants to see the program.
	path := filepath.Join(t.TempDir(), "prioritycut.service")
	if err := os.WriteFile(path, []byte(strings.Replace(string(unit), installed, "/bin/true", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// instructions are the lines of a Dockerfile by their first words.
func instructions(t *testing.T, path string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for _, line := range strings.Split(strings.ReplaceAll(string(text), "\\\n", " "), "\n") {
		word, rest, _ := strings.Cut(line, " ")
		if line != "" && word != "#" {
			found[word] = append(found[word], strings.TrimSpace(rest))
		}
	}
	return found
}

func TestDockerfile(t *testing.T) {
	file := instructions(t, "../../examples/Dockerfile")
	known := "FROM RUN ADD USER ENV EXPOSE HEALTHCHECK STOPSIGNAL ENTRYPOINT CMD"
	for word, lines := range file {
		if !strings.Contains(" "+known+" ", " "+word+" ") || word != "RUN" && len(lines) != 1 {
			t.Errorf("%s %q", word, lines)
		}
	}
	words := func(text string) (list []string) {
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		return list
	}
	accepted(t, append(words(file["ENTRYPOINT"][0]), words(file["CMD"][0])...))

	// The check of health asks the program as it runs.
	_, check, _ := strings.Cut(file["HEALTHCHECK"][0], "CMD ")
	run := filepath.Join(t.TempDir(), "run")
	if err := tinymodel.Write(run, 1); err != nil {
		t.Fatal(err)
	}
	r := begin(t, "--checkpoint="+run, "--work="+t.TempDir())
	healthy := func() error {
		command := words(strings.ReplaceAll(check, "127.0.0.1/8501", strings.Replace(strings.TrimPrefix(r.url, "http://"), ":", "/", 1)))
		return exec.Command(command[0], command[1:]...).Run()
	}
	if err := healthy(); err != nil {
		t.Errorf("the service is not healthy: %v", err)
	}
	if err := r.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := r.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, &r.Errs)
	}
	if err := healthy(); err == nil {
		t.Error("a service that was stopped is healthy")
	}
}
