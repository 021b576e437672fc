package userdir

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain lets the test binary stand for a program: with asProgram set it
// enters the user's directory and says where it is.
func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		os.Exit(m.Run())
	}
	if err := Enter(); err != nil {
		os.Stdout.WriteString("error: " + err.Error() + "\n")
		os.Exit(1)
	}
	wd, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	_, left := os.LookupEnv(variable)
	lines := []string{wd, os.Getenv("RUNFILES_DIR"), map[bool]string{true: "set", false: "unset"}[left]}
	os.Stdout.WriteString(strings.Join(lines, "\n") + "\n")
	os.Exit(0)
}

const asProgram = "USERDIR_TEST_PROGRAM"

// run starts the test binary in dir with more environment and returns its
// working directory, its RUNFILES_DIR and whether the variable is left. It
// hides Bazel's test environment, for which test binaries change directory.
func run(t *testing.T, dir string, env ...string) (lines []string, err error) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Dir = dir
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		if name != variable && name != "PWD" && !strings.HasPrefix(name, "RUNFILES_") && !strings.HasPrefix(name, "TEST_") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	cmd.Env = append(append(cmd.Env, asProgram+"=1"), env...)
	out, err := cmd.Output()
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n"), err
}

func realTempDir(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestEnterGoesWhereTheUserIs(t *testing.T) {
	start, user := realTempDir(t), realTempDir(t)
	got, err := run(t, start, variable+"="+user, "RUNFILES_DIR=train.runfiles")
	if err != nil {
		t.Fatalf("%v: %q", err, got)
	}
	want := []string{user, filepath.Join(start, "train.runfiles"), "unset"}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("line %d: got %q, want %q", i, got[i], want[i])
		}
	}
}

func TestEnterStaysWithoutBazelRun(t *testing.T) {
	start := realTempDir(t)
	for _, env := range [][]string{{"RUNFILES_DIR=r"}, {"RUNFILES_DIR=r", variable + "="}} {
		got, err := run(t, start, env...)
		if err != nil {
			t.Fatalf("%v: %q", err, got)
		}
		if got[0] != start || got[1] != "r" {
			t.Errorf("with %q: in %q with RUNFILES_DIR=%q, want %q and r", env, got[0], got[1], start)
		}
	}
}

func TestEnterRefusesADirectoryThatIsGone(t *testing.T) {
	gone := filepath.Join(realTempDir(t), "gone")
	got, err := run(t, realTempDir(t), variable+"="+gone)
	if err == nil {
		t.Fatalf("no error for a missing directory, output %q", got)
	}
	if !strings.Contains(got[0], gone) || !strings.Contains(got[0], variable) {
		t.Errorf("error %q names neither the directory nor the variable", got[0])
	}
}
