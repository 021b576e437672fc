package train

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/evaluate"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/localfile"
)

// Count is the number of trained parameters of a network.
type Count struct {
	Network    string
	Parameters int64
}

// Counts lists the networks of a graph in a fixed order. VGG-19 is frozen; the
// dense motion network, a part of the generator, is counted on its own.
func Counts(s *graph.Scope) []Count {
	counts := []Count{{Network: "keypoint detector"}, {Network: "dense motion"}, {Network: "generator without dense motion"}, {Network: "discriminator"}, {Network: "VGG-19 (frozen)"}}
	for _, v := range s.Variables(graph.Trainable, graph.Frozen) {
		at := 4
		switch {
		case strings.HasPrefix(v.Name, "kp_detector."):
			at = 0
		case strings.HasPrefix(v.Name, "generator.dense_motion_network."):
			at = 1
		case strings.HasPrefix(v.Name, "generator."):
			at = 2
		case strings.HasPrefix(v.Name, "discriminator."):
			at = 3
		}
		counts[at].Parameters += int64(v.Size())
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
	fmt.Fprintf(o.Out, "# configuration (--help_config explains the keys)\n%s\n%s", withoutComments(text), &data)
	s := graph.New(tensorflow.Float)
	options := OptionsOf(o.Config)
	step, err := BuildStep(s, options)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "\n# parameters\n")
	for _, c := range Counts(s) {
		fmt.Fprintf(o.Out, "%-32s %12d\n", c.Network, c.Parameters)
	}
	if err := checkWeights(s, step, o.Config); err != nil {
		return err
	}
	memory, err := EstimateMemory(s, step, options)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "\n# memory\n%v\n", memory)
	if err := checkMemory(memory, options); err != nil {
		return err
	}
	if items == 0 {
		return nil
	}
	t := &o.Config.Train
	perEpoch, err := t.StepsPerEpoch(items)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.Out, "\n# run\n%d steps of %d pairs, %d an epoch; folder %s\n", t.TotalSteps(perEpoch), t.BatchSize, perEpoch, o.Dir)
	return nil
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
	v := c.VGG19
	if v.File == "" || v.File == config.RandomVGG19 || localfile.Check(v.File) != nil {
		return nil // the configuration has been told what is missing
	}
	_, err := vggValues(step.VGG, v)
	return err
}

// checkData prints what the data set holds and returns the items of an epoch, 0
// when no data is named.
func checkData(ctx context.Context, c *config.Config, out io.Writer) (items int, err error) {
	if c.Dataset.RootDir == "" {
		fmt.Fprintln(out, "# data: none named")
		return 0, nil
	}
	data, err := evaluate.OpenData(ctx, c)
	if err != nil {
		return 0, err
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
