package train

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/golang/glog"
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/tf"
)

// isRefusal reports whether an error of a step is its own assertion: it moved
// nothing because a number in it was not finite.
func isRefusal(err error) bool {
	return tf.Code(err) == tf.InvalidArgument && strings.Contains(err.Error(), refusedMark)
}

// errTooManyRefused ends a run whose steps are refused one after the other.
var errTooManyRefused = errors.New("too many steps in a row were refused")

// guard counts refused steps, says what was wrong with them and ends the run
// when they follow each other.
type guard struct {
	step *Step
	run  graph.Runner
	// most is how many may be refused in a row.
	most int

	row   int
	total int64
}

// taken notes that a step was taken.
func (g *guard) taken() { g.row = 0 }

// refused notes that an attempt was refused with the given error, and reports
// what was not finite. It returns an error when there were too many in a row.
func (g *guard) refused(at Position, attempt int64, batch *dataset.Batch, all []feeds, refusal error) error {
	g.row++
	g.total++
	why := g.diagnose(all, refusal)
	glog.Warningf("step %d: attempt %d is refused, nothing was changed: %s; pictures of %s", at.Step+1, attempt, why, videosOf(batch))
	if g.row < g.most {
		return nil
	}
	return fmt.Errorf("%w: %d (max_refused_steps), the last one because %s; the state is that after step %d; "+
		"a lower learning rate or another `seed` in a new run may help", errTooManyRefused, g.row, why, at.Step)
}

// diagnose says which losses, measurements and gradients of an attempt were not
// finite, by computing them again without the assertion.
func (g *guard) diagnose(all []feeds, refusal error) string {
	var wrong []string
	for i, f := range all {
		found, err := g.notFinite(f)
		if err != nil {
			return "it cannot be told what was not finite: " + firstLine(err)
		}
		if len(all) > 1 && len(found) > 0 {
			found[0] = fmt.Sprintf("in micro-batch %d %s", i+1, found[0])
		}
		wrong = append(wrong, found...)
	}
	switch n := len(wrong); {
	case n == 0:
		return "a loss or gradient was not finite, but is when computed again: " + firstLine(refusal)
	case n > maxNamed:
		return fmt.Sprintf("%s and %d more are not finite", strings.Join(wrong[:maxNamed], ", "), n-maxNamed)
	default:
		return strings.Join(wrong, ", ")
	}
}

// notFinite names what is not in one run of the step, or of a micro-batch of it.
func (g *guard) notFinite(f feeds) (wrong []string, err error) {
	kinds := []string{"loss ", "measurement ", "gradient of "}
	names := [][]string{g.step.LossNames, g.step.StatNames, g.step.GradientNames}
	outputs := []tensorflow.Output{g.step.Losses, g.step.Stats, g.step.GradientNorms}
	if m := g.step.Micro; m != nil {
		outputs = []tensorflow.Output{m.Losses, m.Stats, m.GradientNorms}
	}
	if len(g.step.StatNames) == 0 { // and no output
		outputs[1] = outputs[0]
	}
	out, err := g.run.Run(f, outputs, nil)
	if err != nil {
		return nil, err
	}
	for i, kind := range kinds {
		values, err := floats(out[i])
		if err != nil {
			return nil, err
		}
		for j, name := range names[i] {
			if v := values[j]; math.IsNaN(v) || math.IsInf(v, 0) {
				wrong = append(wrong, fmt.Sprintf("%s%s is %v", kind, name, v))
			}
		}
	}
	return wrong, nil
}

// maxNamed bounds how many losses and gradients a message names.
const maxNamed = 6

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// videosOf names the videos of a batch.
func videosOf(b *dataset.Batch) string {
	var names []string
	for _, item := range b.Items {
		names = append(names, fmt.Sprintf("%q frames %d and %d", item.Name, item.Source, item.Driving))
	}
	return strings.Join(names, ", ")
}
