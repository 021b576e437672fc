package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/internal/cli/clitest"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/train"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

func TestDocumented(t *testing.T) {
	c, _, _ := command()
	clitest.Documented(t, "../..", c)
}

// tiny are settings of networks small enough for tests.
var tiny = []string{
	"frame_shape=[32,32,3]", "batch_size=2", "num_kp=3",
	"kp_detector_params.block_expansion=4", "kp_detector_params.max_features=8", "kp_detector_params.num_blocks=2",
	"generator_params.block_expansion=4", "generator_params.max_features=8", "num_bottleneck_blocks=1",
	"dense_motion_params.block_expansion=4", "dense_motion_params.max_features=8", "dense_motion_params.num_blocks=2",
	"discriminator_params.block_expansion=2", "vgg19.width_divisor=32", "train_params.scales=[1]",
	"step_milestones=[]", "log_steps=1", "validation_videos=1", "validation_frames=2", "reconstruction_params.num_videos=1",
}

// program prepares a run with flags, tiny settings among them.
func program(t *testing.T, dir string, flags ...string) (c *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	for _, set := range tiny {
		flags = append(flags, "--set", set)
	}
	if flags = append(flags, "--device=cpu"); dir != "" {
		flags = append(flags, "--out="+dir)
	}
	p := clitest.New(t, "", flags...)
	return p.Cmd, &p.Out, &p.Errs
}

// TestTrainStopGoOn runs the program: it is stopped by a signal in the middle,
// goes on by the same command, and is complete at the end.
func TestTrainStopGoOn(t *testing.T) {
	dir := rundir.Dir(filepath.Join(t.TempDir(), "runs", "tiny"))
	const endless = "--steps=1000000"
	c, stdout, stderr := program(t, string(dir), endless)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	waitForSteps(t, dir, 3, stderr)

	second, _, refusal := program(t, string(dir), endless)
	if err := second.Run(); err == nil || !strings.Contains(refusal.String(), "in use by process") {
		t.Errorf("a second trainer: %v, %s", err, refusal)
	}

	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Fatalf("a stopped run ends with %v\n%s", err, stderr)
	}
	if !strings.Contains(stdout.String(), "stopped and saved after step") {
		t.Errorf("a stopped run says\n%s", stdout)
	}
	for _, noise := range []string{"oneDNN", "MLIR", "absl::InitializeLog", "cpu_feature_guard"} {
		if strings.Contains(stderr.String(), noise) {
			t.Errorf("TensorFlow's %s is not silenced:\n%s", noise, stderr)
		}
	}
	before := metrics(t, dir)
	last := before[len(before)-1].Step

	total := last + 2
	c, stdout, stderr = program(t, string(dir), "--steps="+strconv.FormatInt(total, 10))
	c.Env = append(c.Env, "ONEDNN_MAX_CPU_ISA=AVX2")
	if err := c.Run(); err != nil {
		t.Fatalf("a run that goes on ends with %v\n%s", err, stderr)
	}
	if !strings.Contains(stderr.String(), "ONEDNN_MAX_CPU_ISA was not set and is AVX2") {
		t.Errorf("a run that goes on with other kernels does not say so:\n%s", stderr)
	}
	for _, want := range []string{"going on at step " + strconv.FormatInt(last, 10), "complete after " + strconv.FormatInt(total, 10) + " steps", "unseen videos", "pictures are in", "next:", "bazel run //cmd:animate -- --checkpoint="} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("a run that goes on does not say %q:\n%s", want, stdout)
		}
	}
	for i, r := range metrics(t, dir) {
		if r.Step != int64(i+1) {
			t.Fatalf("row %d of metrics.csv is of step %d", i, r.Step)
		}
	}
	for _, path := range []string{dir.Config(), dir.Readme(), dir.Summary(), dir.Events(), dir.Checkpoints(), dir.Pictures()} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	if pictures, _ := filepath.Glob(filepath.Join(dir.Pictures(), "unseen-*.png")); len(pictures) != 1 {
		t.Errorf("pictures of unseen videos: %v", pictures)
	}

	c, stdout, _ = program(t, string(dir), "--steps="+strconv.FormatInt(total, 10))
	if err := c.Run(); err != nil || !strings.Contains(stdout.String(), "is complete after") {
		t.Errorf("a complete run says %q, %v", stdout, err)
	}
}

func metrics(t *testing.T, dir rundir.Dir) []train.Row {
	t.Helper()
	rows, err := train.ReadMetrics(dir.Metrics())
	if err != nil || len(rows) == 0 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	return rows
}

// waitForSteps waits until a run has logged so many steps.
func waitForSteps(t *testing.T, dir rundir.Dir, steps int, stderr *bytes.Buffer) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if rows, err := train.ReadMetrics(dir.Metrics()); err == nil && len(rows) >= steps {
			return
		}
	}
	t.Fatalf("no %d steps in time\n%s", steps, stderr)
}

// TestMistakes types what cannot work.
func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	yaml := filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(yaml, []byte("train_params: {batch_sise: 3}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		flags []string
		code  int
		want  string
	}{
		{[]string{"--presett=shapes-64"}, 2, "did you mean --preset?"},
		{[]string{"--preset=shape-64"}, 2, "did you mean shapes-64?"},
		{[]string{"--variant=cutmixx"}, 2, "did you mean cutmix?"},
		{[]string{"--set", "batch_sise=3"}, 2, "batch_size"},
		{[]string{"--config=" + yaml}, 2, "batch_size"},
		{[]string{"--config=" + yaml + "x"}, 2, "no such file"},
		{[]string{"--steps=0"}, 2, "at least 1"},
		{[]string{"--data=" + empty}, 2, empty},
		{[]string{"--data=" + empty + "x"}, 2, empty + "x"},
		{[]string{"--data=sample:talking-hat"}, 2, "talking-head"},
		{[]string{"--vgg19=" + yaml + "x"}, 2, "no such file"},
		{[]string{"--vgg19=" + yaml, "--set=vgg19.width_divisor=1"}, 1, yaml},
		{[]string{"--preset=vox-256", "--data=" + empty, "--set=vgg19.width_divisor=1"}, 2, "--vgg19=random"},
		{[]string{"--init_from=" + empty + "x"}, 2, "init_from"},
		{[]string{"--device=gpu:7"}, 1, "gpu"},
	} {
		out := filepath.Join(dir, "new", "run")
		command, _, stderr := program(t, out, c.flags...)
		if strings.HasPrefix(c.flags[0], "--device") || strings.HasPrefix(c.flags[0], "--preset=vox") {
			command.Args = append([]string{command.Args[0]}, append(c.flags, "--out="+out, "--log_dir="+dir)...)
		}
		err := command.Run()
		var exit *exec.ExitError
		if err != nil {
			exit, _ = err.(*exec.ExitError)
		}
		if exit == nil || exit.ExitCode() != c.code || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%v: %v, want code %d and %q:\n%s", c.flags, err, c.code, c.want, stderr)
		}
		if strings.Contains(stderr.String(), "goroutine ") {
			t.Errorf("%v: a panic", c.flags)
		}
		if _, err := os.Stat(filepath.Dir(out)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%v: a folder was made (%v)", c.flags, err)
			os.RemoveAll(filepath.Dir(out))
		}
	}
}

// TestHangUpDuringValidation closes the terminal while a validation of many
// minutes is done after the first step: the state is saved at once, and the same
// command goes on.
func TestHangUpDuringValidation(t *testing.T) {
	dir := rundir.Dir(filepath.Join(t.TempDir(), "run"))
	c, _, stderr := program(t, string(dir), "--steps=3", "--set=validation_steps=1",
		"--set=train_params.validation_videos=100", "--set=train_params.validation_frames=1000")
	c.Stdout = nil
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(stdout)
	readUntil(t, out, "Ctrl-C saves and stops")
	if err := c.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil || !strings.Contains(string(rest), "stopped") || strings.Contains(string(rest), "validation L1") {
		t.Errorf("it ends with %v\n%s%s", err, rest, stderr)
	}
	c, again, stderr := program(t, string(dir), "--steps=3", "--set=train_params.validation_videos=1", "--set=train_params.validation_frames=2")
	if err := c.Run(); err != nil || !strings.Contains(again.String(), "complete after 3 steps") {
		t.Errorf("going on ends with %v\n%s%s", err, again, stderr)
	}
	if rows := metrics(t, dir); len(rows) != 3 {
		t.Errorf("%d rows of metrics.csv", len(rows))
	}
}

// TestNobodyTakesItsOutput runs with a folder for temporary files that is none,
// and closes standard output and standard error: nothing of it ends the run.
func TestNobodyTakesItsOutput(t *testing.T) {
	dir := rundir.Dir(filepath.Join(t.TempDir(), "run"))
	c, _, _ := program(t, string(dir), "--steps=3")
	c.Args = slices.DeleteFunc(c.Args, func(arg string) bool { return strings.HasPrefix(arg, "--log_dir") })
	c.Env = append(c.Env, "TMPDIR=/dev/null/none")
	c.Stdout, c.Stderr = nil, nil
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	readUntil(t, bufio.NewReader(stdout), "training")
	stdout.Close()
	stderr.Close()
	if err := c.Wait(); err != nil {
		t.Errorf("it ends with %v", err)
	}
	if rows := metrics(t, dir); len(rows) != 3 {
		t.Errorf("%d rows of metrics.csv", len(rows))
	}
	logs, err := filepath.Glob(filepath.Join(dir.Logs(), "*.log"))
	if err != nil || len(logs) != 1 {
		t.Fatalf("logs: %v, %v", logs, err)
	}
	if text, err := os.ReadFile(logs[0]); err != nil || !strings.Contains(string(text), "--vgg19: the perceptual loss compares random") {
		t.Errorf("the log says %q, %v", text, err)
	}
}

// readUntil reads lines up to one that holds text.
func readUntil(t *testing.T, r *bufio.Reader, text string) {
	t.Helper()
	var read strings.Builder
	for {
		line, err := r.ReadString('\n')
		read.WriteString(line)
		if strings.Contains(line, text) {
			return
		}
		if err != nil {
			t.Fatalf("%v before %q:\n%s", err, text, &read)
		}
	}
}

// TestHelp prints what a newcomer reads.
func TestHelp(t *testing.T) {
	for _, c := range []struct{ flag, want string }{
		{"--help", "sample:talking-head"}, {"--help_config", "bg_threshold"}, {"--dry_run", "# memory"},
	} {
		command, stdout, stderr := program(t, "", c.flag)
		if err := command.Run(); err != nil || !strings.Contains(stdout.String(), c.want) {
			t.Errorf("%s: %v, does not say %q\n%s%s", c.flag, err, c.want, stdout, stderr)
		}
	}
}

// TestDryRunTellsBadDataFirst: behind the configuration it would be overlooked.
func TestDryRunTellsBadDataFirst(t *testing.T) {
	command, stdout, stderr := program(t, "", "--dry_run", "--data="+t.TempDir())
	if err := command.Run(); err == nil || stdout.Len() > 0 || !strings.Contains(stderr.String(), "holds no video") {
		t.Errorf("%v\n%s%s", err, stdout, stderr)
	}
}
