// Command bench measures speed and memory, beside PyTorch where there is one.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	goflag "flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/pyenv"
	"github.com/prioritycut/prioritycut/tf"
)

const summary = "Measures how long a training step, an animated frame, a reconstructed frame, single convolutions, the masks and a start take " +
	"and how much memory, each in a process of its own. With --peers the same is measured in PyTorch and in engines for trained models, in turn, and " +
	"the report has the ratios and how they stand with the project's targets."

// peerFiles are the peers' programs.
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
	asWorker bool
}

func command() *program {
	p := &program{Command: cli.New("bench", summary)}
	p.Examples = []string{
		"bazel run //bench  # a step and a frame of the small preset, our side alone: a minute",
		"bazel run //bench -- --peers=pytorch-2.5 --reference=first-order-model  # beside PyTorch",
		"bazel run //bench -- --quick --reference=first-order-model  # what matters most, beside everybody: five minutes",
		"bazel run //bench -- --full --resume --reference=first-order-model --out=full.csv --report=full.md --plot=growth.svg  # all targets: more than an hour",
	}
	p.Group("What to measure", func(f *pflag.FlagSet) {
		f.BoolVar(&p.full, "full", false, "all that the targets are about, what matters most first; "+
			"--measure, --preset, --variant, --batch, --size, --peers and --peer_ways choose among it")
		f.BoolVar(&p.quick, "quick", false, "single rounds of what matters most, in about five minutes once everything is prepared; the same flags choose")
		f.StringSliceVar(&p.measures, "measure", []string{measureStep, measureFrame}, "`list` of "+strings.Join(measures, ", ")+
			", or "+measureWorkers+": processes that share each batch, beside one with all cores")
		f.StringSliceVar(&p.presets, cli.Preset, []string{shapes}, "`list` of presets")
		f.StringSliceVar(&p.variants, cli.Variant, []string{"prioritycut", "fomm-adv"}, "`list` of variants whose steps are measured; "+
			"of fomm and fomm-adv all that PyTorch computes is public code")
		f.IntSliceVar(&p.batches, "batch", []int{0}, "`list` of pairs of a step (0: the preset's own, and 1 above 128x128 pixels)")
		f.IntSliceVar(&p.workers, "workers", []int{2}, "`list` of numbers of processes that share each batch (--measure="+measureWorkers+")")
		f.IntSliceVar(&p.sizes, "size", []int{0}, "`list` of sides of the pictures (0: the preset's own)")
		f.StringArrayVar(&p.sets, cli.Set, nil, "change one setting of all sides by `key=value` (may be repeated)")
		f.StringSliceVar(&p.isas, "isa", nil, "`list` of instruction sets, of avx512 and avx2, that every side is limited to which obeys a switch "+
			"(default the processor's own; with --full and --quick all that it has)")
	})
	p.Group("How", func(f *pflag.FlagSet) {
		f.IntVar(&p.rounds, "rounds", 5, "`number` of rounds: each starts one process per case and side (with --full 3, with --quick 1)")
		f.IntVar(&p.warmup, "warmup", 3, "`number` of repeats in each process that are not measured")
		f.IntVar(&p.repeats, "repeats", 10, "`number` of repeats in each process that are")
		f.StringVar(&p.device, cli.Device, "cpu", "`where` steps are computed, by our side and PyTorch: cpu or gpu")
		f.IntVar(&p.threads, "threads", 0, "`number` of cores that each process is bound to; every side computes with as many threads (default: all)")
		f.BoolVar(&p.prepareOnly, "prepare_only", false, "install peers, write models and have PyTorch compile its networks, so that a later run only measures")
		f.StringVar(&p.cache, "cache", "", "`folder` for models and what compilers make of them (default ${XDG_CACHE_HOME:-~/.cache}/prioritycut/bench)")
	})
	p.Group("Results", func(f *pflag.FlagSet) {
		f.StringVar(&p.out, cli.Out, "bench.csv", "`file` for a row per process, written after each; it is replaced, unless --resume")
		f.BoolVar(&p.resume, "resume", false, "go on with --out: what it holds is not measured again")
		f.BoolVar(&p.reportOnly, "report_only", false, "measure nothing: write the report and the drawing of what --out holds")
		f.StringVar(&p.report, "report", "", "`file` for the tables, as Markdown (default standard output)")
		f.StringVar(&p.plot, "plot", "", "`file` for a drawing of the cost over size and batch, as SVG")
	})
	p.Group("Beside whom", func(f *pflag.FlagSet) {
		f.StringSliceVar(&p.peers, "peers", nil, "`list` of "+strings.Join(rivalNames(), ", ")+" (with --full and --quick all of them); "+
			"tensorflow is this program without kernels of its own, the others are installed on first use: some gigabytes")
		f.StringVar(&p.reference, "reference", "", "`folder` of a checkout of first-order-model; it is imported, nothing of it is kept")
		f.StringSliceVar(&p.ways, "peer_ways", []string{wayEager}, "`list` of PyTorch's ways to compute, each a row where it applies: eager, channels_last, "+
			"jit (frames), compile, lean (steps), or several joined by +; behind @ may stand the one version that it is for, as in lean@pytorch-2.5 "+
			"(with --full and --quick all that they have)")
	})
	p.Group("", func(f *pflag.FlagSet) {
		f.BoolVar(&p.asWorker, "worker", false, "measure the one job that standard input describes, in this process: what the program starts itself for")
	})
	p.Paths(cli.Input, "reference")
	p.Paths(cli.OutputFile, cli.Out, "report", "plot")
	p.Paths(cli.OutputFolder, "cache")
	return p
}

// Main runs the program with the process's flags and returns its exit code.
func (p *program) Main() int {
	return p.Command.Main(func([]string) error { return p.run() })
}

func (p *program) run() error {
	if p.asWorker {
		return work(context.Background(), os.Stdin, p.Out())
	}
	if !p.Changed("threads") {
		p.threads = runtime.NumCPU()
	}
	if err := p.check(); err != nil {
		return cli.Usage(err)
	}
	shared := slices.Contains(p.measures, measureWorkers)
	var groups [][]benchCase
	var err error
	if shared {
		err = p.checkWorkers()
	} else {
		groups, err = p.plan()
	}
	if err != nil {
		return cli.Usage(err)
	}
	ctx, stop := cli.UntilSignalled(p.Err(), "stopping; what is measured is kept")
	defer stop()
	scratch, err := os.MkdirTemp("", "prioritycut-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	b, err := p.newBench(ctx, scratch)
	if err != nil {
		return err
	}
	if shared {
		return p.measureShared(ctx, b)
	}
	if p.prepareOnly {
		return b.prepareAll(ctx, groups)
	}
	return p.measure(ctx, b, groups)
}

// measure runs the rounds and writes what they gave, be they complete or not.
func (p *program) measure(ctx context.Context, b *bench, groups [][]benchCase) error {
	all, err := b.run(ctx, groups)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	if p.reportOnly && !slices.ContainsFunc(all, func(o *outcome) bool { return len(o.results) > 0 }) {
		return cli.Usage(fmt.Errorf("--report_only: %s holds nothing of what is asked for", p.out))
	}
	if len(b.rows) == 0 {
		return err
	}
	if p.plot != "" {
		if drawing := plotGrowth(all); drawing != nil {
			err = errors.Join(err, durable.WriteFile(p.plot, drawing))
		}
	}
	if p.report == "" {
		return errors.Join(err, b.writeReport(p.Out(), all))
	}
	var text bytes.Buffer
	return errors.Join(err, b.writeReport(&text, all), durable.WriteFile(p.report, text.Bytes()))
}

// check reports flags that cannot be, and completes those that were not given.
func (p *program) check() error {
	for _, n := range []struct {
		name               string
		value, least, most int
	}{
		{"rounds", p.rounds, 1, 1000}, {"warmup", p.warmup, 1, 1000}, {"repeats", p.repeats, 1, 1000},
		{"threads", p.threads, 1, runtime.NumCPU()}, {"batch", slices.Min(append(p.batches, 0)), 0, 1024}, {"batch", slices.Max(append(p.batches, 0)), 0, 1024},
		{"size", slices.Min(append(p.sizes, 0)), 0, 4096}, {"size", slices.Max(append(p.sizes, 0)), 0, 4096},
	} {
		if n.value < n.least || n.value > n.most {
			return fmt.Errorf("--%s=%d: must be %d to %d", n.name, n.value, n.least, n.most)
		}
	}
	for name, n := range map[string]int{"measure": len(p.measures), cli.Preset: len(p.presets), cli.Variant: len(p.variants), "peer_ways": len(p.ways),
		"batch": len(p.batches), "size": len(p.sizes)} {
		if n == 0 {
			return fmt.Errorf("--%s is empty", name)
		}
	}
	if p.device != "cpu" && p.device != "gpu" {
		return fmt.Errorf("--device=%s: must be cpu or gpu", p.device)
	}
	if p.device == "gpu" && !slices.Equal(p.measures, []string{measureStep}) {
		return fmt.Errorf("--device=gpu is for --measure=%s alone", measureStep)
	}
	for _, way := range p.ways {
		if err := checkWay(way); err != nil {
			return err
		}
	}
	for name, path := range map[string]string{cli.Out: p.out, "report": p.report, "plot": p.plot} {
		if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
			return fmt.Errorf("--%s=%s: there is no folder %s", name, path, filepath.Dir(path))
		}
	}
	if err := p.complete(); err != nil {
		return err
	}
	return p.checkPeers()
}

// complete gives flags that were not given what the plan has.
func (p *program) complete() error {
	if p.full && p.quick {
		return errors.New("--full and --quick exclude each other")
	}
	p.resume = p.resume || p.reportOnly
	if p.full || p.quick {
		p.chosen = map[string]bool{}
		for _, name := range []string{"measure", cli.Preset, cli.Variant, "batch", "size", "peer_ways"} {
			p.chosen[name] = p.Changed(name)
		}
		if p.Changed("warmup") || p.Changed("repeats") {
			return errors.New("--full and --quick have --warmup and --repeats of their own for each case: leave them out")
		}
		if p.slower = slowerInFull; p.quick {
			p.slower = 0
		}
		if !p.Changed("rounds") {
			if p.rounds = 3; p.quick {
				p.rounds = 1
			}
		}
		if !p.Changed("peers") {
			p.peers = rivalNames()
		}
	}
	if !p.Changed("isa") {
		p.isas = []string{isaBest()}
		if (p.full || p.quick) && isaBest() == isaAVX512 {
			p.isas = append(p.isas, isaAVX2)
		}
	} else {
		for _, isa := range p.isas {
			if err := checkISA(isa); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkCache finds the folder for models; it is asked for last, since what was
// mistyped is to be told first.
func (p *program) checkCache() (err error) {
	if p.reportOnly {
		return nil // it makes no model
	}
	if p.cache == "" {
		if p.cache, err = os.UserCacheDir(); err != nil {
			return fmt.Errorf("no folder for models: %w; give --cache", err)
		}
		p.cache = filepath.Join(p.cache, "prioritycut", "bench")
	}
	p.cache, err = filepath.Abs(p.cache)
	return err
}

// checkPeers makes the reference's path absolute.
func (p *program) checkPeers() (err error) {
	needed := false
	for _, name := range p.peers {
		r, ok := rivalNamed(name)
		if !ok {
			return fmt.Errorf("--peers: %q is nobody known; there are %s", name, strings.Join(rivalNames(), ", "))
		}
		needed = needed || r.list != "" && !p.reportOnly
	}
	if len(p.peers) == 0 && p.Changed("peer_ways") {
		return errors.New("--peer_ways needs a peer: --peers and --reference")
	}
	if !needed {
		return nil
	}
	if p.reference == "" {
		return fmt.Errorf("--peers=%s needs --reference=DIR, a checkout of first-order-model", strings.Join(p.peers, ","))
	}
	if p.reference, err = filepath.Abs(p.reference); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(p.reference, "modules", "generator.py")); err != nil {
		return fmt.Errorf("--reference: that is no checkout of first-order-model: %w", err)
	}
	return nil
}

// newBench makes all sides ready.
func (p *program) newBench(ctx context.Context, scratch string) (_ *bench, err error) {
	if err := p.checkCache(); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if p.build, err = buildSum(self); err != nil {
		return nil, err
	}
	b := &bench{
		options: p.options, sides: map[string]side{ours: {name: ours, command: []string{self, "--worker"}}},
		save: func(rows []Row) error { return writeRows(p.out, rows) },
		tell: func(format string, args ...any) { fmt.Fprintf(p.Err(), format+"\n", args...) },
	}
	if p.resume {
		if b.rows, err = readRows(p.out); err != nil {
			return nil, cli.Usage(err)
		}
		if p.reportOnly {
			b.options.build = lastBuild(b.rows) // the report is of what was measured, whoever writes it
		}
		b.earlier = resultsOf(b.rows)
	}
	dir, sum, err := writePeers(scratch)
	if err != nil {
		return nil, err
	}
	b.peerSum = sum
	for _, name := range p.peers {
		r, _ := rivalNamed(name)
		s := side{name: name, command: b.sides[ours].command}
		if r.list != "" && !p.reportOnly {
			var python string
			python, s.missing = pyenv.Python(ctx, r.list, b.tell) // the others can be measured all the same
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			// Bytecode would be written into the checkout.
			s.command = []string{python, "-B", filepath.Join(dir, r.script)}
			if r.arg != "" {
				s.command = append(s.command, r.arg)
			}
		}
		b.sides[name] = s
	}
	return b, nil
}

// writePeers writes the peers' programs into a folder of scratch and returns
// what tells them from other versions.
func writePeers(scratch string) (dir string, sum []byte, err error) {
	dir = filepath.Join(scratch, "peer")
	if err := os.Mkdir(dir, 0o777); err != nil {
		return "", nil, err
	}
	entries, err := peerFiles.ReadDir("peer")
	all := sha256.New()
	for i := 0; i < len(entries) && err == nil; i++ {
		var text []byte
		if text, err = peerFiles.ReadFile("peer/" + entries[i].Name()); err == nil {
			all.Write(text)
			err = os.WriteFile(filepath.Join(dir, entries[i].Name()), text, 0o666)
		}
	}
	return dir, all.Sum(nil), err
}

// buildSum tells our programs apart: the executable and its op library.
func buildSum(executable string) (string, error) {
	ops, err := tf.FindOps()
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, path := range []string{executable, ops} {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		sum.Write(text)
	}
	return hex.EncodeToString(sum.Sum(nil)[:4]), nil
}

func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}
