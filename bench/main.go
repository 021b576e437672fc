// Command bench measures speed and memory, beside PyTorch where there is one.
package main

import (
	"context"
	"embed"
	"errors"
	goflag "flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/pflag"

	"github.com/prioritycut/prioritycut/internal/cli"
)

const summary = "Measures how long a training step, an animated frame, a reconstructed frame and the masks take and how much memory, " +
	"each in a process of its own. With a Python that has PyTorch and a checkout of first-order-model, the same is measured " +
	"there, in turn, and the table has the ratios."

// peerFiles are the peer's programs.
//
//go:embed peer/*.py
var peerFiles embed.FS

func main() {
	_ = goflag.Set("stderrthreshold", "WARNING") // the flag and the level exist
	os.Exit(command().Main())
}

// program is the command line of bench.
type program struct {
	*cli.Command
	options
	worker bool
}

func command() *program {
	p := &program{Command: cli.New("bench", summary)}
	p.Examples = []string{
		"bazel run //bench  # a step and a frame of the small preset, our side alone: a minute",
		"bazel run //bench -- --peer_python=venv/bin/python --reference=first-order-model  # beside PyTorch",
		"bazel run //bench -- --preset=vox-256 --rounds=3 --warmup=1 --repeats=3 --peer_python=venv/bin/python --reference=first-order-model  # at 256x256",
	}
	p.Group("What to measure", func(f *pflag.FlagSet) {
		f.StringSliceVar(&p.measures, "measure", []string{measureStep, measureFrame}, "`list` of "+strings.Join(measures, ", "))
		f.StringSliceVar(&p.presets, cli.Preset, []string{"shapes-64"}, "`list` of presets")
		f.StringSliceVar(&p.variants, cli.Variant, []string{"prioritycut", "fomm-adv"}, "`list` of variants whose steps are measured; "+
			"of fomm and fomm-adv all that the peer computes is public code")
		f.IntVar(&p.batch, "batch", 0, "`pairs` of a step (default the preset's own, and 1 above 128x128 pixels)")
		f.StringArrayVar(&p.sets, cli.Set, nil, "change one setting of both sides by `key=value` (may be repeated)")
	})
	p.Group("How", func(f *pflag.FlagSet) {
		f.IntVar(&p.rounds, "rounds", 5, "`number` of rounds: each starts one process per case and side")
		f.IntVar(&p.warmup, "warmup", 3, "`number` of repeats in each process that are not measured")
		f.IntVar(&p.repeats, "repeats", 10, "`number` of repeats in each process that are")
		f.IntVar(&p.threads, "threads", 0, "`number` of cores that each process is bound to, PyTorch computes with as many threads (default: all)")
		f.StringVar(&p.out, cli.Out, "bench.csv", "`file` for a row per process; it is replaced")
	})
	p.Group("The peer", func(f *pflag.FlagSet) {
		f.StringVar(&p.python, "peer_python", "", "`path` of a Python that has PyTorch (internal/pyenv/requirements/pytorch-2.5.txt)")
		f.StringVar(&p.reference, "reference", "", "`folder` of a checkout of first-order-model; it is imported, nothing of it is kept")
		f.StringSliceVar(&p.ways, "peer_ways", []string{wayEager}, "`list` of ways to compute, each a row where it applies: eager, channels_last, "+
			"jit (frames), lean (steps), or several joined by +")
	})
	p.Group("", func(f *pflag.FlagSet) {
		f.BoolVar(&p.worker, "worker", false, "measure the one job that standard input describes, in this process: what the program starts itself for")
	})
	return p
}

// Main runs the program with the process's flags and returns its exit code.
func (p *program) Main() int {
	return p.Command.Main(func([]string) error { return p.run() })
}

func (p *program) run() error {
	if p.worker {
		return work(context.Background(), os.Stdin, p.Out())
	}
	if !p.Changed("threads") {
		p.threads = runtime.NumCPU()
	}
	if err := p.check(); err != nil {
		return cli.Usage(err)
	}
	cases, err := p.plan()
	if err != nil {
		return cli.Usage(err)
	}
	scratch, err := os.MkdirTemp("", "prioritycut-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	ctx, stop := cli.UntilSignalled(p.Err(), "stopping; what is measured is kept")
	defer stop()
	b, err := p.newBench(ctx, scratch)
	if err != nil {
		return err
	}
	return p.measure(ctx, b, cases)
}

// measure runs the rounds and writes what they gave, be they complete or not.
func (p *program) measure(ctx context.Context, b *bench, cases []benchCase) error {
	all, err := b.run(ctx, cases)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	if len(b.rows) == 0 {
		return err
	}
	return errors.Join(err, writeRows(p.out, b.rows), b.writeTable(p.Out(), all))
}

// check reports flags that cannot be.
func (p *program) check() error {
	for _, n := range []struct {
		name               string
		value, least, most int
	}{
		{"rounds", p.rounds, 1, 1000}, {"warmup", p.warmup, 1, 1000}, {"repeats", p.repeats, 1, 1000},
		{"threads", p.threads, 1, runtime.NumCPU()}, {"batch", p.batch, 0, 1024},
	} {
		if n.value < n.least || n.value > n.most {
			return fmt.Errorf("--%s=%d: must be %d to %d", n.name, n.value, n.least, n.most)
		}
	}
	for name, list := range map[string][]string{"measure": p.measures, cli.Preset: p.presets, cli.Variant: p.variants, "peer_ways": p.ways} {
		if len(list) == 0 {
			return fmt.Errorf("--%s is empty", name)
		}
	}
	for _, way := range p.ways {
		if err := checkWay(way); err != nil {
			return err
		}
	}
	if info, err := os.Stat(filepath.Dir(p.out)); err != nil || !info.IsDir() {
		return fmt.Errorf("--out=%s: there is no folder %s", p.out, filepath.Dir(p.out))
	}
	return p.checkPeer()
}

// checkPeer makes the peer's paths absolute.
func (p *program) checkPeer() (err error) {
	if p.python == "" && p.reference == "" {
		if p.Changed("peer_ways") {
			return errors.New("--peer_ways needs a peer: --peer_python and --reference")
		}
		return nil
	}
	if p.python == "" || p.reference == "" {
		return errors.New("the peer needs both: --peer_python=PYTHON, with internal/pyenv/requirements/pytorch-2.5.txt installed, and --reference=DIR, a checkout of first-order-model")
	}
	if p.reference, err = filepath.Abs(p.reference); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(p.reference, "modules", "generator.py")); err != nil {
		return fmt.Errorf("--reference: that is no checkout of first-order-model: %w", err)
	}
	if p.python, err = exec.LookPath(p.python); err != nil {
		return fmt.Errorf("--peer_python: %w", err)
	}
	p.python, err = filepath.Abs(p.python)
	return err
}

// newBench makes both sides ready.
func (p *program) newBench(ctx context.Context, scratch string) (*bench, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	b := &bench{
		options: p.options, scratch: scratch, ours: side{name: ours, command: []string{self, "--worker"}},
		tell: func(format string, args ...any) { fmt.Fprintf(p.Err(), format+"\n", args...) },
	}
	if p.python == "" {
		return b, nil
	}
	dir, err := writePeer(scratch)
	if err != nil {
		return nil, err
	}
	probe := exec.CommandContext(ctx, p.python, "-c", "import torch, numpy")
	if said, err := probe.CombinedOutput(); err != nil {
		return nil, cli.Usage(fmt.Errorf("--peer_python=%s cannot import torch and numpy (%w): %s\ninstall them: %s -m pip install --require-hashes -r internal/pyenv/requirements/pytorch-2.5.txt",
			p.python, err, lastLine(said), p.python))
	}
	// Bytecode would be written into the checkout.
	b.peer = &side{name: peer, command: []string{p.python, "-B", filepath.Join(dir, "peer.py")}}
	return b, nil
}

// writePeer writes the peer's programs into a folder of scratch.
func writePeer(scratch string) (dir string, err error) {
	dir = filepath.Join(scratch, "peer")
	if err := os.Mkdir(dir, 0o777); err != nil {
		return "", err
	}
	entries, err := peerFiles.ReadDir("peer")
	for i := 0; i < len(entries) && err == nil; i++ {
		var text []byte
		if text, err = peerFiles.ReadFile("peer/" + entries[i].Name()); err == nil {
			err = os.WriteFile(filepath.Join(dir, entries[i].Name()), text, 0o666)
		}
	}
	return dir, err
}

func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}
