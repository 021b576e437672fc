// Command export makes a SavedModel of a trained model.
package main

import (
	"context"
	"errors"
	goflag "flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/export"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/logging"
	"github.com/prioritycut/prioritycut/internal/rundir"
	_ "github.com/prioritycut/prioritycut/internal/startup/plain" // what is exported has TensorFlow's convolutions
	"github.com/prioritycut/prioritycut/internal/usage"
)

const summary = "Writes a trained model as a SavedModel, NAME/VERSION/ as TensorFlow Serving has it, for any program that loads " +
	"SavedModels: TensorFlow's own operations only, the batch size open. Before it appears it is loaded and compared with the checkpoint. " +
	"Without flags it exports the last default training run."

// modelsDir is where models go that are not told where.
const modelsDir = "saved_models"

func main() {
	_ = goflag.Set("stderrthreshold", "WARNING") // the flag and the level exist
	os.Exit(command().Main())
}

// program is the command line of export.
type program struct {
	*cli.Command
	checkpoint string
	options    export.Options
	dryRun     bool
}

func command() *program {
	p := &program{Command: cli.New("export", summary)}
	p.Kept = "nothing is left of the version that was being written, and older ones are untouched"
	p.Examples = []string{
		"bazel run //cmd:export  # what the default training run learned",
		"bazel run //cmd:export -- --checkpoint=runs/vox-256-prioritycut --out=models/vox --frozen  # one file: weights as constants, batch norm folded",
		"bazel run //cmd:export -- --checkpoint=runs/vox-256-prioritycut/checkpoints/step-00100000 --out=models/vox --version=3  # one checkpoint",
		"bazel run //cmd:export -- --signatures=encode_source,keypoints,animate_frame --default=animate_frame --frozen  # for engines that see one signature, or no pictures as files",
		"bazel run //cmd:export -- --dry_run  # what the model takes and gives, and write nothing",
	}
	o := &p.options
	p.Group("What to export", func(f *pflag.FlagSet) {
		f.StringVar(&p.checkpoint, "checkpoint", "", "`folder` of a training run, a converted one, or one checkpoint (default "+defaultRun()+")")
	})
	p.Group("Where to and how", func(f *pflag.FlagSet) {
		f.StringVar(&o.Out, cli.Out, "", "`folder` DIR/NAME of the model; the version becomes a folder in it (default "+filepath.Join(modelsDir, "<preset>-<variant>")+")")
		f.Int64Var(&o.Version, "version", 0, "`number` of the version; an existing one is never overwritten (default: the step of the run, or one above the newest version)")
		f.BoolVar(&o.Frozen, "frozen", false, "weights as constants of the graph, batch norm folded into the convolutions before it: one file without variables")
		f.StringSliceVar(&o.Signatures, "signatures", nil, "`names` of the signatures to write, with commas (default: all); leave out predict_bytes for engines that cannot decode pictures")
		f.StringVar(&o.Default, "default", "", "`name` of the signature to write as serving_default too, such as animate_frame, for engines that see no other; "+
			"serving_default as it is usually is left out then")
		f.BoolVar(&p.dryRun, cli.DryRun, false, "build and describe the model, and write nothing")
	})
	p.Paths(cli.Input, "checkpoint")
	p.Paths(cli.OutputFolder, cli.Out)
	p.Topic("help_signatures", "say what the signatures of an exported model do", signatures)
	return p
}

// defaultRun is the folder of a training run without flags.
func defaultRun() string { return rundir.Default(config.DefaultPreset, string(config.DefaultVariant)) }

// Main runs the program with the process's flags and returns its exit code.
func (p *program) Main() int {
	return p.Command.Main(func([]string) error {
		ctx, stop := cli.UntilSignalled(logging.Stderr(), "")
		defer stop()
		return p.run(ctx)
	})
}

func (p *program) run(ctx context.Context) error {
	m, err := p.open()
	if err != nil {
		return cli.Usage(err)
	}
	if p.options.Out == "" {
		p.options.Out = filepath.Join(modelsDir, m.Meta.Preset+"-"+m.Meta.Variant)
	}
	plan, err := export.Prepare(m, p.options)
	if err != nil {
		return cli.Usage(err)
	}
	if p.dryRun {
		_, err := fmt.Fprintf(p.Out(), "%s would be written to %s\n\n%s", m.Dir, plan.Dir, plan.Readme)
		return err
	}
	done, err := plan.Write(ctx)
	if errors.Is(err, context.Canceled) {
		return errors.New("stopped: nothing was written")
	}
	if err != nil {
		return err
	}
	return p.report(plan, done)
}

// open opens the model to export.
func (p *program) open() (*infer.Model, error) {
	path := p.checkpoint
	if path == "" {
		path = defaultRun()
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no training run in %s yet: `bazel run //cmd:train` makes one in minutes, "+
				"`bazel run //cmd:convert` brings in a published checkpoint; or name a run by --checkpoint", path)
		}
	}
	return infer.Load(path)
}

func (p *program) report(plan *export.Plan, done export.Written) error {
	base, err := filepath.Abs(p.options.Out) // servers want it so
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.Out(), "%s: step %d, %.1f MB, %d signatures; differs from the checkpoint by %.1g at most\n"+
		"what they take and give: %s\n",
		plan.Dir, plan.Notes.Step, float64(done.Bytes)/1e6, len(plan.Signatures), done.Difference,
		filepath.Join(plan.Dir, "assets.extra", infer.ReadmeFile))
	cli.Next(p.Out(),
		cli.Step{Command: cli.Program("serve", "--saved_model="+p.options.Out), For: "serve it: a page in the browser, REST, metrics"},
		cli.Step{Command: "tensorflow_model_server --model_name=" + usage.Quote(plan.Name) + " --model_base_path=" + usage.Quote(base), For: "or by TensorFlow Serving"})
	return err
}

// signatures explains the signatures.
func signatures(w io.Writer) error {
	_, err := io.WriteString(w, export.SignatureHelp())
	return err
}
