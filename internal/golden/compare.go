package golden

import (
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
)

// Rule says how far results may lie apart: |got - want| <= Tol * scale for
// every element.
type Rule struct {
	Tol float64
	// Floor is the least scale of a tensor.
	Floor float64
	// Scale is what the tolerance is relative to.
	Scale Scale
}

// Scale is what a tolerance is relative to.
type Scale int

const (
	// OfTensor: the largest absolute value of the wanted tensor, or Floor.
	OfTensor Scale = iota
	// OfElement: the absolute value of each wanted element.
	OfElement
	// Absolute: 1.
	Absolute
)

// What counts as equal. Perturbing weights and kernels by 1e-13 moves the
// results by at most 0.35 of each tolerance and changes no mask.
var (
	Forward        = Rule{Tol: 1e-4, Floor: 1e-3}            // forward.npz, float32 graphs
	Gradients      = Rule{Tol: 2e-3, Floor: 1e-3}            // grads.npz, float32 graphs
	TrainLosses    = Rule{Tol: 1e-8, Scale: OfElement}       // train3: losses, float64 graphs
	TrainGradients = Rule{Tol: 1e-6, Floor: 1e-4}            // train3: step0_grad.*, float64
	TrainDeltas    = Rule{Tol: 1e-5, Floor: 1e-3}            // train3: delta3.*, float64
	Metrics        = Rule{Tol: 1e-6, Scale: Absolute}        // metrics.npz, float64
	ZeroGradient   = Rule{Tol: 1e-9, Scale: Absolute}        // gradients that are zero, float64
	ZeroGradient32 = Rule{Tol: 1e-4, Scale: Absolute}        // the same, float32
	ZeroChange     = Rule{Tol: 2e-6, Scale: Absolute}        // their change after three steps, float64
	Exact          = Rule{Tol: 0, Floor: 1, Scale: OfTensor} // masks, counts
)

// difference is what a comparison found.
type difference struct {
	name  string
	size  int
	scale float64 // the largest that was applied
	abs   float64 // largest |got - want|
	rel   float64 // largest |got - want| / scale
	tol   float64
	at    int // element of the largest rel
}

// compare measures got against want. A NaN or infinity on either side counts
// as infinitely far, unless both are the same infinity.
func (r Rule) compare(name string, got, want []float64) (difference, error) {
	d := difference{name: name, size: len(want), tol: r.Tol}
	if len(got) != len(want) {
		return d, fmt.Errorf("%s: got %d elements, want %d", name, len(got), len(want))
	}
	largest := r.Floor
	for _, w := range want {
		// An infinity would make everything else equal.
		if !math.IsInf(w, 0) {
			largest = math.Max(largest, math.Abs(w))
		}
	}
	for i, w := range want {
		scale := 1.0
		switch r.Scale {
		case OfTensor:
			scale = largest
		case OfElement:
			scale = math.Abs(w)
		}
		abs := distance(got[i], w)
		rel := abs / scale
		if abs == 0 {
			rel = 0
		}
		d.scale, d.abs = math.Max(d.scale, scale), math.Max(d.abs, abs)
		if rel > d.rel || math.IsNaN(rel) {
			d.rel, d.at = rel, i
		}
	}
	if !(d.rel <= r.Tol) {
		return d, fmt.Errorf("%s: element %d of %d is %v, want %v: %.3g of the scale %.3g apart, at most %.3g allowed",
			name, d.at, d.size, got[d.at], want[d.at], d.rel, d.scale, r.Tol)
	}
	return d, nil
}

func distance(a, b float64) float64 {
	if a == b {
		return 0
	}
	if d := math.Abs(a - b); !math.IsNaN(d) {
		return d
	}
	return math.Inf(1)
}

// Compare fails the test, and returns false, where got differs from want by
// more than the rule allows.
func Compare(t testing.TB, name string, got, want []float64, r Rule) bool {
	t.Helper()
	return new(Report).Compare(t, name, got, want, r)
}

// Report collects comparisons, to be shown as a table at the end of a test. It
// is safe for concurrent use.
type Report struct {
	mu   sync.Mutex
	rows []difference
}

// Compare is the function of that name, and keeps a row of the table.
func (r *Report) Compare(t testing.TB, name string, got, want []float64, rule Rule) bool {
	t.Helper()
	d, err := rule.compare(name, got, want)
	r.mu.Lock()
	r.rows = append(r.rows, d)
	r.mu.Unlock()
	if err != nil {
		t.Error(err)
		return false
	}
	return true
}

// Len returns the number of comparisons.
func (r *Report) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.rows)
}

// Write prints a row per comparison, and the one nearest to its tolerance.
func (r *Report) Write(w io.Writer) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "tensor\telements\tscale\tmax abs\tmax rel\tallowed\t")
	worst := -1
	for i, d := range r.rows {
		fmt.Fprintf(table, "%s\t%d\t%.3g\t%.3g\t%.3g\t%.3g\t\n", d.name, d.size, d.scale, d.abs, d.rel, d.tol)
		if worst < 0 || d.used() > r.rows[worst].used() {
			worst = i
		}
	}
	if worst >= 0 {
		fmt.Fprintf(table, "nearest to its tolerance: %s\t%.2f of it\t\n", r.rows[worst].name, r.rows[worst].used())
	}
	return table.Flush()
}

// used is the share of the tolerance that was used up.
func (d difference) used() float64 {
	if d.rel == 0 {
		return 0
	}
	return d.rel / d.tol
}

// Log prints the table to the test's log.
func (r *Report) Log(t testing.TB) {
	t.Helper()
	var b strings.Builder
	if err := r.Write(&b); err != nil {
		t.Error(err)
	}
	t.Log("\n" + b.String())
}
