package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/golang/glog"
	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

// trainer returns a command with all shared flags and what it prints.
func trainer() (c *Command, s *Shared, stdout, stderr *bytes.Buffer) {
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	c = New("train", "Trains.")
	c.Keys = []string{"train_params", "train_params.batch_size", "seed"}
	c.Stdout, c.Stderr = stdout, stderr
	return c, c.AddShared(), stdout, stderr
}

func TestSharedFlags(t *testing.T) {
	c, s, _, stderr := trainer()
	code := c.Run([]string{
		"--preset=p", "--config", "c.yaml", "--set=a=1,2", "--set", "b=[3, 4]", "--variant=unet", "--data=d", "--steps=1e3",
		"--out=o", "--init-from=i", "--vgg19=random", "--seed=-7", "--device=cpu", "--deterministic=false", "--dry-run",
	}, func([]string) error { return nil })
	if code != ExitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	steps, seed, no := int64(1000), int64(-7), false
	want := Shared{
		Preset: "p", Config: "c.yaml", Set: []string{"a=1,2", "b=[3, 4]"}, Variant: "unet", Data: "d", Steps: &steps,
		Out: "o", InitFrom: "i", VGG19: "random", Seed: &seed, Device: "cpu", Deterministic: &no, DryRun: true,
	}
	if diff := cmp.Diff(want, *s); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c, s, _, _ = trainer()
	if code := c.Run(nil, func([]string) error { return nil }); code != ExitOK {
		t.Errorf("no flags: exit code %d", code)
	}
	if diff := cmp.Diff(Shared{}, *s); diff != "" {
		t.Errorf("no flags (-want +got):\n%s", diff)
	}
	if c.Changed(Steps) {
		t.Error("steps were not given")
	}
}

func TestSomeSharedFlags(t *testing.T) {
	c := New("evaluate", "Evaluates.")
	c.Stderr = &bytes.Buffer{}
	c.AddShared(Data, Out)
	if code := c.Run([]string{"--data=d", "--out=o"}, func([]string) error { return nil }); code != ExitOK {
		t.Errorf("exit code %d", code)
	}
	c = New("evaluate", "Evaluates.")
	c.Stderr = &bytes.Buffer{}
	c.AddShared(Data)
	if code := c.Run([]string{"--out=o"}, nil); code != ExitUsage {
		t.Errorf("a flag of another program: exit code %d", code)
	}
	c = New("evaluate", "Evaluates.")
	c.AddShared("no_such_flag")
	if _, _, err := c.Parse(nil); err == nil {
		t.Error("a shared flag that there is not was added")
	}
}

func TestWrongFlags(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--presett=x"}, "unknown flag --presett; did you mean --preset?"},
		{[]string{"--dri-run"}, "did you mean --dry_run?"},
		{[]string{"--xyzzy"}, "unknown flag --xyzzy; see train --help"},
		{[]string{"--batch_size=3"}, "unknown flag --batch_size; it is a setting: --set batch_size=VALUE"},
		{[]string{"--train_params.batch_size=3"}, "--set train_params.batch_size=VALUE"},
		{[]string{"-data=x"}, "flags have two dashes; did you mean --data?"},
		{[]string{"-x"}, "unknown flag -x"},
		{[]string{"--steps=many"}, "--steps=many: must be a whole number"},
		{[]string{"--steps=1.5"}, "must be a whole number"},
		{[]string{"--steps=NaN"}, "must be a whole number"},
		{[]string{"--seed=99999999999999999999"}, "must be a whole number"},
		{[]string{"--steps"}, "--steps needs a value: --steps=n"},
		{[]string{"--data="}, "--data is empty"},
		{[]string{"--dry_run=perhaps"}, "must be true or false"},
		{[]string{"--dry_run", "true"}, "without a blank"},
		{[]string{"batch_size=3"}, "settings are given as --set batch_size=3"},
		{[]string{"run"}, `unexpected argument "run"`},
		{[]string{strings.Repeat("x", 5000)}, "..."},
		{[]string{"--v=x"}, "--v=x: cannot be read"},
	} {
		command, _, stdout, stderr := trainer()
		code := command.Run(c.args, func([]string) error { t.Errorf("%v: ran", c.args); return nil })
		if code != ExitUsage || !strings.Contains(stderr.String(), c.want) || !strings.HasPrefix(stderr.String(), "train: ") {
			t.Errorf("%v: exit code %d, %q lacks %q", c.args, code, stderr, c.want)
		}
		if stdout.Len() > 0 || stderr.Len() > 300 {
			t.Errorf("%v: prints %d and %d bytes", c.args, stdout.Len(), stderr.Len())
		}
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, ExitOK},
		{errors.New("the disk is full"), ExitFailed},
		{Usage(errors.New("no such preset")), ExitUsage},
		{Usage(nil), ExitOK},
	} {
		command, _, _, stderr := trainer()
		if got := command.Run(nil, func([]string) error { return c.err }); got != c.want {
			t.Errorf("%v: exit code %d, want %d", c.err, got, c.want)
		}
		if c.err != nil && stderr.String() != "train: "+c.err.Error()+"\n" {
			t.Errorf("%v: printed %q", c.err, stderr)
		}
	}
}

// A full disk is told with what to do, also where another program found it full.
func TestFullDisk(t *testing.T) {
	const advice = "free space and type the same command again: all of it is kept\n"
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&os.PathError{Op: "write", Path: "a", Err: syscall.ENOSPC}, true},
		{errors.New("ffmpeg: av_interleaved_write_frame(): No space left on device"), true},
		{fmt.Errorf("free it and type the same again: %w", syscall.ENOSPC), false},
		{&os.PathError{Op: "read", Path: "a", Err: syscall.EIO}, false},
	} {
		command, _, _, stderr := trainer()
		command.Kept = "all of it is kept"
		if got := command.Run(nil, func([]string) error { return c.err }); got != ExitFailed || strings.HasSuffix(stderr.String(), advice) != c.want {
			t.Errorf("%v: exit code %d, printed %q", c.err, got, stderr)
		}
	}
}

func TestArguments(t *testing.T) {
	c, _, _, _ := trainer()
	c.MaxArgs = 2
	var got []string
	code := c.Run([]string{"a", "--steps=3", "--", "--b"}, func(rest []string) error { got = rest; return nil })
	if diff := cmp.Diff([]string{"a", "--b"}, got); code != ExitOK || diff != "" {
		t.Errorf("exit code %d (-want +got):\n%s", code, diff)
	}
}

func TestHelp(t *testing.T) {
	c, _, stdout, _ := trainer()
	c.Examples = []string{"bazel run //cmd:train  # minutes on two cores"}
	c.Group("Of its own", func(flags *pflag.FlagSet) { flags.Int("rows", 4, "`number` of rows") })
	c.Topic("help_config", "list every key", func(w io.Writer) error {
		_, err := io.WriteString(w, "all keys\n")
		return err
	})
	if code := c.Run([]string{"--help", "--preset=x"}, func([]string) error { return errors.New("ran") }); code != ExitOK {
		t.Fatalf("exit code %d", code)
	}
	text := stdout.String()
	at := 0
	for _, want := range []string{
		"train: Trains.", "Examples:\n  # minutes on two cores\n  bazel run //cmd:train\n", "What to train:", "--preset name",
		"--set key=value", "The run:", "--steps n", "The machine:", "Of its own:", "--rows number", "(default 4)",
		"Help:", "--help_config", "-h, --help", "--helpfull",
	} {
		i := strings.Index(text[at:], want)
		if i < 0 {
			t.Errorf("help lacks %q after position %d", want, at)
			continue
		}
		at += i
	}
	if strings.Contains(text, "vmodule") || strings.Count(text, "Help:") != 1 {
		t.Errorf("the short help is not short:\n%s", text)
	}
	for _, line := range strings.Split(text, "\n") {
		if len(line) > 90 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	for name := range sharedUsage {
		if !strings.Contains(text, "--"+name+" ") {
			t.Errorf("help lacks --%s", name)
		}
	}
	for args, want := range map[string]string{"--helpfull": "--vmodule", "--help_config": "all keys\n"} {
		stdout.Reset()
		c, _, stdout, _ := trainer()
		c.Topic("help_config", "list every key", func(w io.Writer) error {
			_, err := io.WriteString(w, "all keys\n")
			return err
		})
		if code := c.Run([]string{args}, nil); code != ExitOK || !strings.Contains(stdout.String(), want) {
			t.Errorf("%s: exit code %d, lacks %q", args, code, want)
		}
	}
}

func TestLogFlagsReachGlog(t *testing.T) {
	c, _, _, stderr := trainer()
	code := c.Run([]string{"-v=2", "--log_dir=" + os.TempDir(), "--stderrthreshold=FATAL"}, func([]string) error {
		if !bool(glog.V(2)) || bool(glog.V(3)) {
			t.Error("-v=2 did not reach the log")
		}
		return nil
	})
	if code != ExitOK {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	c, _, _, _ = trainer()
	if code := c.Run([]string{"--v=0"}, func([]string) error { return nil }); code != ExitOK || bool(glog.V(1)) {
		t.Errorf("--v=0: exit code %d", code)
	}
}
