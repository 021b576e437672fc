// Package modeltest compares the networks of a family with reference results
// of other programs, in tests.
package modeltest

import (
	"fmt"
	"math"
	"slices"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// Graph is a graph under construction, and what of it has to equal which array
// of a file.
type Graph struct {
	T      testing.TB
	S      *graph.Scope
	File   *golden.File
	Report *golden.Report
	// Prefix of the names that Want is given. With it, names that the file lacks
	// are passed over: full.npz holds a part of what the other files do.
	Prefix string

	outputs []tensorflow.Output
	wanted  []wanted
}

type wanted struct {
	sample golden.Sample
	rule   golden.Rule
}

// Orders of axes: what of ours makes the file's.
var (
	AsIs    []int
	Maps    = []int{0, 3, 1, 2} // [N, H, W, C] to [N, C, H, W]
	Kernels = []int{3, 2, 0, 1} // [height, width, in, out] to [out, in, height, width]
)

// Arithmetic is in what a graph computes, and with whose kernels.
type Arithmetic struct {
	Name        string
	dtype       tensorflow.DataType
	own, trains bool
}

// Single and Double have TensorFlow's kernels; Own has ours as in a training,
// Fused as outside of one, where layers that follow each other are one pass.
var (
	Single = Arithmetic{Name: "TensorFlow's kernels", dtype: tensorflow.Float}
	Own    = Arithmetic{Name: "own kernels", dtype: tensorflow.Float, own: true, trains: true}
	Fused  = Arithmetic{Name: "own kernels, fused", dtype: tensorflow.Float, own: true}
	Double = Arithmetic{Name: "float64", dtype: tensorflow.Double}
)

// New starts a graph to be compared with a file of reference results.
func New(t testing.TB, a Arithmetic, file string, report *golden.Report) *Graph {
	t.Helper()
	s := graph.New(a.dtype)
	if a.own {
		s.UseKernels("cpu")
	}
	s.WithTraining(a.trains)
	return &Graph{T: t, S: s, File: Load(t, file), Report: report}
}

// Load opens a file of reference results.
func Load(t testing.TB, name string) *golden.File {
	t.Helper()
	f, err := golden.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Frames are pictures [n, H, W, 3] of the file's in_frames, in [0, 1], as
// float32 has them.
func Frames(t testing.TB, s *graph.Scope, f *golden.File, which ...int) tensorflow.Output {
	t.Helper()
	values, dims := frames(t, f, which)
	return s.Values(values, dims...)
}

// FrameTensor is Frames as a tensor of float64.
func FrameTensor(t testing.TB, f *golden.File, which ...int) *tensorflow.Tensor {
	t.Helper()
	values, dims := frames(t, f, which)
	return tftest.Of(t, values, dims...)
}

func frames(t testing.TB, f *golden.File, which []int) (values []float64, dims []int64) {
	t.Helper()
	a, err := f.Array("in_frames")
	if err == nil {
		a, err = a.NHWC()
	}
	if err != nil {
		t.Fatal(err)
	}
	size := len(a.Data) / a.Shape[0]
	for _, i := range which {
		for _, u := range a.Data[i*size : (i+1)*size] {
			values = append(values, float64(float32(u)/255))
		}
	}
	return values, []int64{int64(len(which)), int64(a.Shape[1]), int64(a.Shape[2]), int64(a.Shape[3])}
}

// Want asks for out, its axes reordered, to equal an array of the file.
func (g *Graph) Want(name string, out tensorflow.Output, order []int, rule golden.Rule) {
	g.T.Helper()
	name = g.Prefix + name
	if g.Prefix != "" && !slices.Contains(g.File.SampleNames(name), name) {
		return
	}
	sample, err := g.File.Sample(name)
	if err != nil {
		g.T.Fatal(err)
	}
	g.WantSample(sample, out, order, rule)
}

// WantSample is Want for values that stand in another file, or in none.
func (g *Graph) WantSample(sample golden.Sample, out tensorflow.Output, order []int, rule golden.Rule) {
	g.T.Helper()
	if err := g.S.Err(); err != nil {
		g.T.Fatal(err)
	}
	if out.Op == nil {
		g.T.Fatalf("%s has no output to be compared", sample.Name)
	}
	if order != nil {
		out = g.S.Transpose(out, order...)
	}
	g.outputs = append(g.outputs, out)
	g.wanted = append(g.wanted, wanted{sample, rule})
}

// Outputs are what Want was asked for, to be handed to Compare.
func (g *Graph) Outputs() []tensorflow.Output { return g.outputs }

// Compare compares fetched Outputs, in their order.
func (g *Graph) Compare(fetched []*tensorflow.Tensor) {
	g.T.Helper()
	for i, w := range g.wanted {
		got, err := w.sample.Of(tftest.Values(g.T, fetched[i]))
		if err != nil {
			g.T.Error(err)
			continue
		}
		g.Report.Compare(g.T, w.sample.Name, got, w.sample.Values, w.rule)
	}
}

// Compared reports which arrays were asked for.
func (g *Graph) Compared() map[string]bool {
	seen := map[string]bool{}
	for _, w := range g.wanted {
		seen[w.sample.Name] = true
	}
	return seen
}

// Start opens a session whose variables have the values that weight gives for
// their names; slots start as always.
func (g *Graph) Start(weight func(v *graph.Variable) golden.Array) *tf.Session {
	g.T.Helper()
	if err := g.S.Err(); err != nil {
		g.T.Fatal(err)
	}
	// As many threads as the process has: a trainer may have chosen already.
	session, err := tf.NewSession(g.S.Graph(), tf.SessionConfig{Device: tftest.Device(), MemoryGrowth: true})
	if err != nil {
		g.T.Fatal(err)
	}
	g.T.Cleanup(func() { session.Close() })
	if slots := g.S.Variables(graph.Slot); len(slots) > 0 {
		if err := graph.Initialize(session, slots, 0); err != nil {
			g.T.Fatal(err)
		}
	}
	values := map[*graph.Variable]*tensorflow.Tensor{}
	for _, v := range g.S.Variables(graph.Trainable, graph.State) {
		a := weight(v).Weight()
		if fmt.Sprint(a.Dims()) != fmt.Sprint(v.Dims) {
			g.T.Fatalf("%s is %v, in the file %v", v.Name, v.Dims, a.Shape)
		}
		values[v] = tftest.Tensor(g.T, v.DType, a.Data, v.Dims...)
	}
	if err := graph.Assign(session, values); err != nil {
		g.T.Fatal(err)
	}
	return session
}

// Weights gives the weights of a file by their variables' names.
func Weights(t testing.TB, f *golden.File) func(v *graph.Variable) golden.Array {
	return func(v *graph.Variable) golden.Array {
		t.Helper()
		a, err := f.Array(v.Name)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
}

// Run loads the weights, computes the outputs in one run and compares them.
func (g *Graph) Run(weight func(v *graph.Variable) golden.Array) {
	g.T.Helper()
	fetched, err := g.Start(weight).Run(nil, g.outputs, nil)
	if err != nil {
		g.T.Fatal(err)
	}
	g.Compare(fetched)
}

// Every fails where an array of the file was not compared, but for those whose
// names begin with one of the prefixes.
func Every(t testing.TB, f *golden.File, seen map[string]bool, except ...string) {
	t.Helper()
	for _, name := range f.SampleNames("") {
		skip := slices.ContainsFunc(except, func(p string) bool { return len(name) >= len(p) && name[:len(p)] == p })
		if !skip && !seen[name] {
			t.Errorf("%s of %s was not compared", name, f.Name)
		}
	}
}

// AxesOf is the order that turns a variable, or its gradient, into the file's.
func AxesOf(v *graph.Variable) []int {
	if len(v.Dims) == 4 {
		return Kernels
	}
	return AsIs
}

// Delta is how far a variable has moved from the file's weight, in the file's
// order of axes.
func Delta(t testing.TB, v *graph.Variable, after *tensorflow.Tensor, weight golden.Array) []float64 {
	t.Helper()
	before := weight.Weight()
	delta := golden.Array{Shape: before.Shape, Data: tftest.Values(t, after)}
	for i, b := range before.Data {
		delta.Data[i] -= b
	}
	if len(v.Dims) == 4 {
		var err error
		if delta, err = delta.OIHW(); err != nil {
			t.Fatal(err)
		}
	}
	return delta.Data
}

// WantGradient asks for a gradient to equal the file's, or to be zero where that
// is so by construction: a whole tensor, or the last of three output channels
// ("name[2]").
func (g *Graph) WantGradient(prefix string, v *graph.Variable, d tensorflow.Output, zero map[string]bool, rule, none golden.Rule) {
	g.T.Helper()
	name, order := prefix+v.Name, AxesOf(v)
	nothing := func(n int) golden.Sample {
		return golden.Sample{Name: name, Shape: []int{n}, Values: make([]float64, n)}
	}
	switch {
	case zero[v.Name]:
		g.WantSample(nothing(v.Size()), d, order, none)
	case zero[v.Name+"[2]"]:
		all, err := g.File.Sample(name)
		if err != nil {
			g.T.Fatal(err)
		}
		third := len(all.Values) / 3
		rest := golden.Sample{Name: name, Shape: []int{2 * third}, Values: all.Values[:2*third]}
		g.WantSample(rest, g.S.Slice(d, []int{0, 0, 0, 0}, []int{-1, -1, -1, 2}), order, rule)
		g.WantSample(nothing(third), g.S.Slice(d, []int{0, 0, 0, 2}, []int{-1, -1, -1, 1}), order, none)
	default:
		g.Want(name, d, order, rule)
	}
}

// Largest is the largest magnitude.
func Largest(values []float64) float64 {
	most := 0.0
	for _, v := range values {
		most = math.Max(most, math.Abs(v))
	}
	return most
}
