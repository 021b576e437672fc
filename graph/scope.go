// Package graph is the carpentry between TensorFlow and the networks: scopes
// that name and type what is added to a graph, layers that own variables
// (nouns: Conv2D, BatchNorm, Hourglass), pure computations (verbs: Warp,
// AntiAlias, ResizeBilinear), gradients, Adam and spectral normalisation.
// Nothing here knows about faces.
//
// Pictures and feature maps are [N, H, W, C], kernels [height, width, in, out];
// H, W and C are known while the graph is built, N may be open (-1).
//
// The first error sticks to the graph's scopes: later calls do nothing and
// return outputs that must not be used, and Scope.Err tells what went wrong
// and where. Nothing in this package panics on bad shapes.
package graph

import (
	"fmt"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"
)

// Attrs are the attributes of an operation, by name.
type Attrs map[string]interface{}

// Scope adds operations and variables to a graph under a path. Scopes made
// from one another share the graph, its dtype and the sticky error.
//
// A Scope is not safe for concurrent use.
type Scope struct {
	b        *builder
	path     string
	training bool
}

// builder is what all scopes of a graph share.
type builder struct {
	graph      *tensorflow.Graph
	dtype      tensorflow.DataType
	refine     Refinement
	own        bool            // layers may use kernels of our own
	ownSampler bool            // and Warp, which serves GPUs as well
	trains     bool            // weights move
	taken      map[string]int  // operation name -> how often it was asked for
	entered    map[string]bool // scopes that own variables
	scalars    map[scalarKey]tensorflow.Output
	vars       []*Variable
	byName     map[string]*Variable
	pending    map[*Variable]tensorflow.Output
	order      []*Variable // variables with a pending value, in order of first update
	matrices   map[string]tensorflow.Output
	spectral   map[*SpectralNorm]tensorflow.Output
	gradients  int
	replicas   Replicas
	// reductions over the replicas, in the order in which they were built; those
	// before settled are over in an earlier run.
	reductions []tensorflow.Output
	settled    int
	wide       []*tensorflow.Operation // with more than maxInputs inputs
	err        error
}

type scalarKey struct {
	dtype tensorflow.DataType
	value float64
}

// Refinement says how often spectral normalisation refines its vectors.
type Refinement int

const (
	// RefineShared runs one power iteration a step, before the first call of a
	// layer; all calls of the step use the same normalised kernel.
	RefineShared Refinement = iota
	// RefineEachCall runs one power iteration at every training call, as the
	// reference does.
	RefineEachCall
)

// New returns the root scope of an empty graph whose networks compute in dtype
// (tensorflow.Float, or tensorflow.Double to be compared with references).
func New(dtype tensorflow.DataType) *Scope {
	s := &Scope{b: &builder{
		graph:    tensorflow.NewGraph(),
		dtype:    dtype,
		taken:    map[string]int{},
		entered:  map[string]bool{},
		scalars:  map[scalarKey]tensorflow.Output{},
		byName:   map[string]*Variable{},
		pending:  map[*Variable]tensorflow.Output{},
		matrices: map[string]tensorflow.Output{},
		spectral: map[*SpectralNorm]tensorflow.Output{},
	}}
	if dtype != tensorflow.Float && dtype != tensorflow.Double {
		s.Fail(fmt.Errorf("graphs are built for float or double, not for dtype %v", dtype))
	}
	return s
}

// Graph returns the graph under construction.
func (s *Scope) Graph() *tensorflow.Graph { return s.b.graph }

// DType is the dtype of the networks' values.
func (s *Scope) DType() tensorflow.DataType { return s.b.dtype }

// Path is the name of the scope, parts joined by '/'; the root's is empty.
func (s *Scope) Path() string { return s.path }

// Err returns the first error of any scope of this graph.
func (s *Scope) Err() error { return s.b.err }

// Fail records err, unless an earlier error stands. The path is added.
func (s *Scope) Fail(err error) {
	if s.b.err != nil || err == nil {
		return
	}
	where := s.path
	if where == "" {
		where = "graph"
	}
	s.b.err = fmt.Errorf("%s: %w", where, err)
}

// Failf is Fail with a formatted error.
func (s *Scope) Failf(format string, args ...interface{}) { s.Fail(fmt.Errorf(format, args...)) }

// Sub returns the scope name below s. It may own variables, so entering it a
// second time is an error: to share weights, apply the same layer twice.
func (s *Scope) Sub(name string) *Scope {
	sub := s.At(name)
	if s.b.entered[sub.path] {
		s.Failf("scope %q is entered twice; apply the layers of the first again to share weights", sub.path)
	}
	s.b.entered[sub.path] = true
	return sub
}

// At returns a scope that only names operations; it may be entered again.
func (s *Scope) At(name string) *Scope {
	sub := *s
	if s.path != "" {
		name = s.path + "/" + name
	}
	sub.path = name
	return &sub
}

// Training reports whether layers compute as in training: batch statistics,
// and running averages and spectral vectors that move.
func (s *Scope) Training() bool { return s.training }

// WithTraining returns s with training switched on or off.
func (s *Scope) WithTraining(on bool) *Scope {
	sub := *s
	sub.training = on
	s.b.trains = s.b.trains || on
	return &sub
}

// SetRefinement chooses how spectral normalisation refines its vectors, for
// the whole graph. The default is RefineShared.
func (s *Scope) SetRefinement(r Refinement) { s.b.refine = r }

// AddOp adds an operation of the given type under a unique name. Control lists
// operations that must run before it. After an error it returns nil.
func (s *Scope) AddOp(opType string, attrs Attrs, control []*tensorflow.Operation, inputs ...tensorflow.Input) *tensorflow.Operation {
	return s.addNamed(opType, opType, attrs, control, inputs...)
}

func (s *Scope) addNamed(name, opType string, attrs Attrs, control []*tensorflow.Operation, inputs ...tensorflow.Input) (op *tensorflow.Operation) {
	if s.b.err != nil {
		return nil
	}
	for i, in := range inputs {
		if o, ok := in.(tensorflow.Output); ok && o.Op == nil {
			s.Failf("%s: input %d does not exist", opType, i)
			return nil
		}
	}
	defer func() {
		if r := recover(); r != nil {
			s.Failf("%s: %v", opType, r)
			op = nil
		}
	}()
	op, err := s.b.graph.AddOperation(tensorflow.OpSpec{
		Type: opType, Name: s.unique(name), Input: inputs, Attrs: attrs, ControlDependencies: control,
	})
	if err != nil {
		s.Failf("%s(%s): %w", opType, describe(inputs), err)
		return nil
	}
	if op.NumInputs()+len(control) > maxInputs {
		s.b.wide = append(s.b.wide, op)
	}
	return op
}

// unique returns path/name, with a counter behind it from the second time on, and in
// front of it what tells replicas of a session apart.
func (s *Scope) unique(name string) string {
	if s.path != "" {
		name = s.path + "/" + name
	}
	n := s.b.taken[name]
	s.b.taken[name]++
	if n > 0 {
		name = s.unique2(name, n)
	}
	return s.b.replicas.prefix() + name
}

func (s *Scope) unique2(name string, n int) string {
	for ; ; n++ {
		candidate := fmt.Sprintf("%s_%d", name, n)
		if s.b.taken[candidate] == 0 {
			s.b.taken[candidate]++
			return candidate
		}
	}
}

// Op adds an operation and returns its first output.
func (s *Scope) Op(opType string, attrs Attrs, inputs ...tensorflow.Input) tensorflow.Output {
	op := s.AddOp(opType, attrs, nil, inputs...)
	if op == nil {
		return tensorflow.Output{}
	}
	return op.Output(0)
}

// Shape returns the sizes of x, -1 where open; nil after an error.
func (s *Scope) Shape(x tensorflow.Output) []int {
	if s.b.err != nil || x.Op == nil {
		return nil
	}
	shape := x.Shape()
	if shape.NumDimensions() < 0 {
		s.Failf("%s: its rank is not known", x.Op.Name())
		return nil
	}
	dims := make([]int, shape.NumDimensions())
	for i := range dims {
		dims[i] = int(shape.Size(i))
	}
	return dims
}

// Want asserts the shape of x at the border of a block; -1 matches any size.
// It reports whether the shape is as wanted and no earlier error stands.
func (s *Scope) Want(what string, x tensorflow.Output, dims ...int) bool {
	got := s.Shape(x)
	if s.b.err != nil {
		return false
	}
	ok := len(got) == len(dims)
	for i := 0; ok && i < len(dims); i++ {
		ok = dims[i] == -1 || got[i] == -1 || got[i] == dims[i]
	}
	if !ok {
		s.Failf("%s is %v, want %v", what, got, dims)
	}
	return ok
}

// maps asserts that x is a stack of maps and returns its sizes.
func (s *Scope) maps(what string, x tensorflow.Output) (n, h, w, c int, ok bool) {
	if !s.Want(what, x, -1, -1, -1, -1) {
		return 0, 0, 0, 0, false
	}
	d := s.Shape(x)
	if d[1] < 1 || d[2] < 1 || d[3] < 1 {
		s.Failf("%s is %v: height, width and channels must be known", what, d)
		return 0, 0, 0, 0, false
	}
	return d[0], d[1], d[2], d[3], true
}

// describe lists the inputs of an operation for an error message.
func describe(inputs []tensorflow.Input) string {
	var parts []string
	for _, in := range inputs {
		switch in := in.(type) {
		case tensorflow.Output:
			parts = append(parts, fmt.Sprintf("%s %v", in.Op.Name(), in.Shape()))
		case tensorflow.OutputList:
			parts = append(parts, fmt.Sprintf("%d tensors", len(in)))
		}
	}
	return strings.Join(parts, ", ")
}
