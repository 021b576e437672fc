package train

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/graph"
)

// zeroByConstruction are gradients that are sums of what cancels out: biases in
// front of a norm or of a softmax over all places, and those of jacobians, of
// which only the ratio counts. Rounding is all there is of them.
var zeroByConstruction = regexp.MustCompile(`conv[0-9]*\.bias$|^kp_detector\.(kp|jacobian)\.bias$`)

// comparison holds the attempts of n workers against those of one process.
// Differences are shares of a tensor's largest value.
type comparison struct {
	*testing.T
	x   exchange
	dir string
	n   int

	refused int // attempts
	// losses, averages and gradients are the largest differences; weights that of
	// the last attempt's.
	losses, averages, gradients, weights float64
	// farthest is the tensor of the largest difference of gradients.
	farthest string
	// numbers are the largest gradients so far of tensors that are one number.
	numbers map[string]float64
}

const tableHead = `| variant | workers x pairs | refused | losses | averages | gradients | farthest |
| --- | --- | --- | --- | --- | --- | --- |
`

func (c *comparison) row() string {
	last := c.farthest
	if c.x.Free {
		last = fmt.Sprintf("weights at the end: %.1e", c.weights)
	}
	return fmt.Sprintf("| %v | %d x %d | %d | %.1e | %.1e | %.1e | %s |\n", c.x, c.n, 4/c.n, c.refused, c.losses, c.averages, c.gradients, last)
}

// tolerance is what losses and averages are held to.
func (c *comparison) tolerance() float64 {
	switch {
	case c.x.Free: // is reported
		return math.Inf(1)
	case c.x.Double:
		return 1e-10
	}
	return 1e-5
}

func (c *comparison) run() {
	c.Helper()
	for attempt := range c.x.Steps {
		var want, first taken
		read(c.T, c.dir, fileOf(graph.Replicas{}, attempt), &want)
		for rank := range c.n {
			var got taken
			read(c.T, c.dir, fileOf(graph.Replicas{Size: c.n, Rank: rank}, attempt), &got)
			what := fmt.Sprintf("worker %d of %d, attempt %d", rank, c.n, attempt)
			if rank == 0 {
				first = got
				c.attempt(what, got, want)
			} else {
				c.sameBits(what, got, first)
			}
		}
	}
	if c.refused != 1 {
		c.Errorf("%d attempts are refused", c.refused)
	}
}

// sameBits compares two workers.
func (c *comparison) sameBits(what string, got, first taken) {
	c.Helper()
	if got.Refused != first.Refused {
		c.Errorf("%s: refused %t, by the first %t", what, got.Refused, first.Refused)
	}
	if !got.Refused && !slices.Equal(got.Losses, first.Losses) {
		c.Errorf("%s: losses are %v, the first worker's %v", what, got.Losses, first.Losses)
	}
	for name, v := range first.After {
		if !slices.Equal(got.After[name], v) {
			c.Errorf("%s: %s has other bits than the first worker's", what, name)
		}
	}
}

// attempt compares one worker's with that of one process.
func (c *comparison) attempt(what string, got, want taken) {
	c.Helper()
	if got.Refused != want.Refused {
		c.Fatalf("%s: refused %t, by one %t", what, got.Refused, want.Refused)
	}
	if want.Refused {
		c.refused++
		if diff := cmp.Diff(want.Before, got.After); diff != "" && !c.x.Free {
			c.Errorf("%s: a refused step moves %s", what, diff)
		}
		return
	}
	c.near(what+": losses", got.Losses, want.Losses, &c.losses)
	largest := largestOfAll(want.Gradients)
	for name, g := range want.Gradients {
		c.gradient(what, name, got.Gradients[name], g, largest)
	}
	c.weights = 0
	for name, v := range want.After {
		if strings.Contains(name, ".running_") || strings.HasSuffix(name, ".weight_u") {
			c.near(what+": "+name, got.After[name], v, &c.averages)
		}
		c.weights = max(c.weights, apart(got.After[name], v, 0))
	}
}

// near asks for the tolerance without exception.
func (c *comparison) near(what string, got, want []float64, worst *float64) {
	c.Helper()
	d := apart(got, want, 0)
	if *worst = max(*worst, d); !(d <= c.tolerance()) {
		c.Errorf("%s: %.2g of the largest apart", what, d)
	}
}

// gradient asks for the tolerance, but for what bfloat16 may round on the wire:
// that is asked of graph.AllReduceAll.
func (c *comparison) gradient(what, name string, got, want []float64, largest float64) {
	c.Helper()
	if !zeroByConstruction.MatchString(name) {
		largest = 0
	}
	if len(want) == 1 {
		// One number has no larger one beside it. Where its sum over the samples goes
		// through zero, its size is what it has been.
		if c.numbers == nil {
			c.numbers = map[string]float64{}
		}
		c.numbers[name] = max(c.numbers[name], math.Abs(want[0]))
		largest = max(largest, c.numbers[name])
	}
	d := apart(got, want, largest)
	if d > c.gradients {
		c.gradients, c.farthest = d, name
	}
	if !(d <= c.tolerance()) && !c.x.HalfWire {
		c.Errorf("%s: gradient of %s: %.2g of the largest apart", what, name, d)
	}
}

func compare(t *testing.T, what string, got, want []float64, tolerance, least float64) {
	t.Helper()
	if d := apart(got, want, least); !(d <= tolerance) {
		t.Errorf("%s: %.2g of the largest apart", what, d)
	}
}

// apart is the largest difference as a share of the largest wanted value, or of
// least if that is larger.
func apart(got, want []float64, least float64) float64 {
	if len(got) != len(want) || len(got) == 0 {
		return math.Inf(1)
	}
	scale, d := max(largestOf(want), least), 0.0
	for i := range want {
		if got[i] != want[i] {
			d = max(d, math.Abs(got[i]-want[i])/scale)
		}
	}
	return d
}

func largestOf(values []float64) float64 {
	largest := 0.0
	for _, v := range values {
		largest = max(largest, v, -v)
	}
	return largest
}

func largestOfAll(lists map[string][]float64) float64 {
	largest := 0.0
	for _, list := range lists {
		largest = max(largest, largestOf(list))
	}
	return largest
}
