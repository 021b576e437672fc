package cli_test

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/cli/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m, patient) }

// patient is a program that takes long to stop.
func patient() {
	c := cli.New("patient", "Waits.")
	os.Exit(c.Main(func([]string) error {
		ctx, stop := cli.UntilSignalled(os.Stdout, "stopping")
		defer stop()
		fmt.Println("ready")
		<-ctx.Done()
		time.Sleep(time.Second)
		fmt.Println("saved")
		return nil
	}))
}

// TestSignals sends signals one after the other, each when the one before it has
// been heard.
func TestSignals(t *testing.T) {
	for _, c := range []struct {
		signals []syscall.Signal
		code    int
	}{
		{[]syscall.Signal{syscall.SIGHUP}, 0},
		{[]syscall.Signal{syscall.SIGTERM}, 0},
		{[]syscall.Signal{syscall.SIGHUP, syscall.SIGHUP}, 0},
		{[]syscall.Signal{syscall.SIGXCPU, syscall.SIGXCPU}, 0},
		{[]syscall.Signal{syscall.SIGTERM, syscall.SIGINT}, 128 + 2},
		{[]syscall.Signal{syscall.SIGHUP, syscall.SIGTERM}, 128 + 15},
	} {
		p := clitest.New(t, "")
		p.Stdout = nil
		out, err := p.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for i, s := range c.signals {
			for want := []string{"ready", "stopping"}[min(i, 1)]; lines.Scan() && lines.Text() != want; {
			}
			if err := p.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
		}
		saved := false
		for lines.Scan() {
			saved = saved || lines.Text() == "saved"
		}
		var exit *exec.ExitError
		if err := p.Wait(); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		if code := p.ProcessState.ExitCode(); code != c.code || saved != (c.code == 0) {
			t.Errorf("%v: exit code %d, want %d; saved %t\n%s", c.signals, code, c.code, saved, &p.Errs)
		}
	}
}

// TestNobodyReads closes the program's output: it is not killed by that.
func TestNobodyReads(t *testing.T) {
	p := clitest.New(t, "")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.Stdout = write
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	lines := bufio.NewReader(read)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	read.Close()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("it ends with %v\n%s", err, &p.Errs)
	}
}
