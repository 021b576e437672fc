package train

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/dataset/named"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/internal/usage"
	"github.com/prioritycut/prioritycut/model"
)

// Count is the number of parameters of a part of the networks.
type Count struct {
	Network    string
	Parameters int64
}

// Counts lists the parts of a training graph, trained and frozen ones, in the
// family's order.
func Counts(s *graph.Scope, parts []model.Part) []Count {
	counts := make([]Count, len(parts))
	for i, p := range parts {
		counts[i].Network = p.Title
	}
	for _, v := range s.Variables(graph.Trainable, graph.Frozen) {
		at, longest := -1, ""
		for i, p := range parts {
			if strings.HasPrefix(v.Name, p.Prefix) && len(p.Prefix) > len(longest) {
				at, longest = i, p.Prefix
			}
		}
		if at >= 0 {
			counts[at].Parameters += int64(v.Size())
		}
	}
	return counts
}

// DryRun checks configuration and data, builds the graph and tells what a run
// would be, without training and without touching its folder.
func DryRun(ctx context.Context, o RunOptions) error {
	text, err := o.Config.Marshal()
	if err != nil {
		return err
	}
	// First what may be wrong: behind the configuration it would be overlooked.
	var data bytes.Buffer
	items, err := checkData(ctx, o.Config, &data)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "# configuration (`help_config` explains the keys)\n%s\n%s", withoutComments(text), &data)
	s := graph.New(tensorflow.Float)
	options, err := o.stepOptions()
	if err != nil {
		return err
	}
	step, err := BuildStep(s, options)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "\n# parameters\n")
	for _, c := range Counts(s, options.Family.Parts()) {
		fmt.Fprintf(o.Out, "%-32s %12d\n", c.Network, c.Parameters)
	}
	if err := checkWeights(s, step, o.Config); err != nil {
		return usage.Wrap(err)
	}
	if err := tellMemory(o, s, step, options); err != nil {
		return err
	}
	if r := options.Replicas; r.Size > 1 {
		fmt.Fprintf(o.Out, "for each of %v\n", r)
	}
	if items == 0 {
		return nil
	}
	t := &o.Config.Train
	perEpoch, err := t.StepsPerEpoch(items)
	if err != nil {
		return err
	}
	length := fmt.Sprintf("%d steps", t.TotalSteps(perEpoch))
	if t.PlanSeconds > 0 {
		length = fmt.Sprintf("%d to %d steps, as many as %d s allow,", t.PlanSteps[0], t.PlanSteps[len(t.PlanSteps)-1], t.PlanSeconds)
	}
	fmt.Fprintf(o.Out, "\n# run\n%s of %d pairs, %d an epoch; folder %s\n", length, t.BatchSize, perEpoch, o.Dir)
	return nil
}

// tellMemory prints what the machine needs and, of a GPU, its memory. It refuses what
// does not fit, where a GPU was not asked for: there is none to be asked.
func tellMemory(o RunOptions, s *graph.Scope, step *Step, options StepOptions) error {
	memory, err := EstimateMemory(s, step, options)
	if err != nil {
		return err
	}
	onGPU := memory
	if s.OwnKernels() {
		options.Plain = true
		plain := graph.New(tensorflow.Float)
		if step, err = BuildStep(plain, options); err == nil {
			onGPU, err = EstimateMemory(plain, step, options)
		}
		if err != nil {
			return err
		}
		options.Plain = false
	}
	fmt.Fprintf(o.Out, "\n# memory\n%v\non a GPU about %.1f GB of its memory\n", memory, gigabytes(onGPU.Device()))
	if strings.HasPrefix(options.Device, "gpu") {
		return nil
	}
	return checkMemory(memory, options, togetherIn(o.Cluster))
}

// checkWeights reads the weights of others that a run would begin with.
func checkWeights(s *graph.Scope, step *Step, c *config.Config) error {
	if c.InitFrom != "" {
		from, err := openInitial(c.InitFrom)
		if err != nil {
			return err
		}
		defer from.Close()
		if _, err := initFrom(from, s, c); err != nil {
			return err
		}
	}
	v, features := c.VGG19, step.Training.VGG()
	if features == nil || v.File == "" || v.File == config.RandomVGG19 || localfile.Check(v.File) != nil {
		return nil // the configuration has been told what is missing
	}
	_, err := vggValues(features, v)
	return err
}

// checkData prints what the data set holds and returns the items of an epoch, 0
// when no data is named.
func checkData(ctx context.Context, c *config.Config, out io.Writer) (items int, err error) {
	if c.Dataset.RootDir == "" {
		fmt.Fprintln(out, "# data: none named")
		return 0, nil
	}
	data, err := named.Open(ctx, c.Dataset)
	if err == nil {
		err = data.CanTrain()
	}
	if err != nil {
		return 0, usage.WrapUnless(ctx, err)
	}
	report, err := data.Check(ctx)
	if err != nil {
		return 0, err
	}
	fmt.Fprintf(out, "# data\n%v\n", report)
	return data.NumItems(), nil
}

// withoutComments leaves out lines that are comments or empty.
func withoutComments(text []byte) []byte {
	var kept []byte
	for _, line := range bytes.SplitAfter(text, []byte("\n")) {
		if trimmed := bytes.TrimSpace(line); len(trimmed) > 0 && trimmed[0] != '#' {
			kept = append(kept, line...)
		}
	}
	return kept
}
