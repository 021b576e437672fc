package graph

import (
	"fmt"
	"math"
	"slices"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
)

// Kind says what a variable is for, and so where a checkpoint keeps it.
type Kind int

const (
	// Trainable variables are weights that an optimiser moves.
	Trainable Kind = iota
	// State moves in training without a gradient: running averages, spectral
	// vectors.
	State
	// Slot belongs to an optimiser: moments, step counts.
	Slot
	// Frozen variables never move and are not part of a checkpoint (VGG-19).
	Frozen
	// Scratch holds what belongs to one step and is not part of a checkpoint: sums
	// over the parts of its batch.
	Scratch
)

// Initializer gives a variable its first values: one constant, or draws from
// the variable's own stream of random numbers.
type Initializer struct {
	constant float64
	draw     func(r *random.Rand, values []float64) // row-major
}

// Drawn is the initializer that fills values, in row-major order, from r.
func Drawn(draw func(r *random.Rand, values []float64)) Initializer { return Initializer{draw: draw} }

// Variable is a tensor that outlives a Session.Run.
type Variable struct {
	// Name is the path of its scope with dots, as in the reference's state
	// dict: generator.first.conv.weight.
	Name string
	// Dims are its sizes; kernels are [height, width, in, out].
	Dims []int64
	// DType of its values.
	DType tensorflow.DataType
	// Kind says what it is for.
	Kind Kind
	// Value is what the graph reads at the start of a step.
	Value tensorflow.Output

	handle tensorflow.Output
	init   Initializer
	feed   tensorflow.Output
	assign *tensorflow.Operation // of feed
	// reset fills it with constant; nil when first values are drawn. The number is
	// fed, for TensorFlow would compute what is known before it runs and keep it
	// beside the variable.
	reset    *tensorflow.Operation
	constant tensorflow.Output
}

// Size is the number of elements.
func (v *Variable) Size() int {
	n := 1
	for _, d := range v.Dims {
		n *= int(d)
	}
	return n
}

// sizes are Dims, as layers write them.
func (v *Variable) sizes() []int {
	dims := make([]int, len(v.Dims))
	for i, d := range v.Dims {
		dims[i] = int(d)
	}
	return dims
}

// Fits reports whether a tensor has the dtype and sizes of v.
func (v *Variable) Fits(t *tensorflow.Tensor) bool {
	return t.DataType() == v.DType && slices.Equal(t.Shape(), v.Dims)
}

// Initial draws the first values of v. They depend on the seed and the name
// alone, so that adding a layer does not change the others.
func (v *Variable) Initial(seed int64) []float64 {
	values := make([]float64, v.Size())
	if v.init.draw != nil {
		v.init.draw(random.New(seed, random.Label(v.Name)), values)
		return values
	}
	for i := range values {
		values[i] = v.init.constant
	}
	return values
}

// Handle is the resource of v, for operations that change it in place.
func (v *Variable) Handle() tensorflow.Output { return v.handle }

// Zeros and Ones start every value alike.
var (
	Zeros = Initializer{constant: 0}
	Ones  = Initializer{constant: 1}
)

// UniformFanIn draws from U(-1/sqrt(fanIn), 1/sqrt(fanIn)), PyTorch's default
// for kernels and biases of convolutions.
func UniformFanIn(fanIn int) Initializer {
	bound := 1 / math.Sqrt(float64(fanIn))
	return Drawn(func(r *random.Rand, values []float64) {
		for i := range values {
			values[i] = r.Uniform(-bound, bound)
		}
	})
}

// UnitNormal draws a direction: a normalised vector of standard normals.
var UnitNormal = Drawn(func(r *random.Rand, values []float64) {
	sum := 0.0
	for i := range values {
		values[i] = r.Normal()
		sum += values[i] * values[i]
	}
	for i := range values {
		values[i] /= math.Max(math.Sqrt(sum), 1e-12)
	}
})

// Repeat starts with the given values over and over.
func Repeat(pattern ...float64) Initializer {
	return Drawn(func(_ *random.Rand, values []float64) {
		for i := range values {
			values[i] = pattern[i%len(pattern)]
		}
	})
}

// Variable adds a variable of the graph's dtype, named after the scope.
func (s *Scope) Variable(name string, kind Kind, init Initializer, dims ...int) *Variable {
	return s.VariableOf(s.b.dtype, name, kind, init, dims...)
}

// VariableOf adds a variable of any dtype, named after the scope.
func (s *Scope) VariableOf(dtype tensorflow.DataType, name string, kind Kind, init Initializer, dims ...int) *Variable {
	full := name
	if s.path != "" {
		full = strings.ReplaceAll(s.path, "/", ".") + "." + name
	}
	v := &Variable{Name: full, DType: dtype, Kind: kind, init: init}
	for _, d := range dims {
		if d < 1 {
			s.Failf("variable %s: size %d", full, d)
		}
		v.Dims = append(v.Dims, int64(d))
	}
	if s.b.byName[full] != nil {
		s.Failf("variable %s exists already", full)
	}
	s.b.byName[full] = v
	s.b.vars = append(s.b.vars, v)

	at := s.At(name)
	shape := tensorflow.MakeShape(v.Dims...)
	v.handle = at.Op("VarHandleOp", Attrs{"dtype": dtype, "shape": shape, "shared_name": s.b.replicas.prefix() + full})
	v.Value = at.Op("ReadVariableOp", Attrs{"dtype": dtype}, v.handle)
	v.feed = at.Placeholder("initial", dtype, v.Dims...)
	v.assign = at.AddOp("AssignVariableOp", Attrs{"dtype": dtype}, nil, v.handle, v.feed)
	if init.draw == nil {
		if _, err := NewTensor(dtype, []float64{init.constant}); err != nil {
			s.Fail(err)
		}
		v.constant = at.Placeholder("constant", dtype)
		filled := at.Op("Fill", nil, at.ints(dims...), v.constant)
		v.reset = at.AddOp("AssignVariableOp", Attrs{"dtype": dtype}, nil, v.handle, filled)
	}
	return v
}

// Variables lists the variables of the graph in the order of their creation;
// with kinds, only those.
func (s *Scope) Variables(kinds ...Kind) []*Variable {
	if len(kinds) == 0 {
		return append([]*Variable(nil), s.b.vars...)
	}
	var list []*Variable
	for _, v := range s.b.vars {
		for _, k := range kinds {
			if v.Kind == k {
				list = append(list, v)
			}
		}
	}
	return list
}

// VariableNamed returns the variable of that name, or nil.
func (s *Scope) VariableNamed(name string) *Variable { return s.b.byName[name] }

// Update gives v a new value that Commit assigns. Several updates of one
// variable in a step follow each other through Pending.
func (s *Scope) Update(v *Variable, value tensorflow.Output) {
	if _, ok := s.b.pending[v]; !ok {
		s.b.order = append(s.b.order, v)
	}
	s.b.pending[v] = value
}

// Pending is the value that v will have by the updates so far.
func (s *Scope) Pending(v *Variable) tensorflow.Output {
	if value, ok := s.b.pending[v]; ok {
		return value
	}
	return v.Value
}

// PendingUpdates lists the new values that wait for Commit.
func (s *Scope) PendingUpdates() []tensorflow.Output {
	list := make([]tensorflow.Output, len(s.b.order))
	for i, v := range s.b.order {
		list[i] = s.b.pending[v]
	}
	return list
}

// Commit adds the assignments of all pending updates, each behind barrier.
func (s *Scope) Commit(barrier *tensorflow.Operation) []*tensorflow.Operation {
	var ops []*tensorflow.Operation
	for _, v := range s.b.order {
		ops = append(ops, s.AddOp("AssignVariableOp", Attrs{"dtype": v.DType},
			[]*tensorflow.Operation{barrier}, v.handle, s.b.pending[v]))
	}
	s.b.order, s.b.pending = nil, map[*Variable]tensorflow.Output{}
	return ops
}

// Runner is a session.
type Runner interface {
	Run(feeds map[tensorflow.Output]*tensorflow.Tensor, fetches []tensorflow.Output, targets []*tensorflow.Operation) ([]*tensorflow.Tensor, error)
}

// Assign stores values in variables of a session, all in one run: TensorFlow
// prepares the graph anew for every set of feeds. The tensors must have the
// variables' dtypes and shapes.
func Assign(run Runner, values map[*Variable]*tensorflow.Tensor) error {
	feeds := make(map[tensorflow.Output]*tensorflow.Tensor, len(values))
	var targets []*tensorflow.Operation
	for v, t := range values {
		if t.DataType() != v.DType || !sameDims(t.Shape(), v.Dims) {
			return fmt.Errorf("variable %s is %v %v, the value is %v %v", v.Name, v.DType, v.Dims, t.DataType(), t.Shape())
		}
		feeds[v.feed] = t
		targets = append(targets, v.assign)
	}
	if len(targets) == 0 {
		return nil
	}
	_, err := run.Run(feeds, nil, targets)
	return err
}

// Fetch reads variables of a session.
func Fetch(run Runner, vars []*Variable) (map[*Variable]*tensorflow.Tensor, error) {
	fetches := make([]tensorflow.Output, len(vars))
	for i, v := range vars {
		fetches[i] = v.Value
	}
	out, err := run.Run(nil, fetches, nil)
	if err != nil {
		return nil, err
	}
	values := make(map[*Variable]*tensorflow.Tensor, len(vars))
	for i, v := range vars {
		values[v] = out[i]
	}
	return values, nil
}

// drawnAtOnce is how many bytes of first values lie beside the variables.
const drawnAtOnce = 32 << 20

// Initialize gives variables their first values, drawn from seed.
func Initialize(run Runner, vars []*Variable, seed int64) error {
	return InitializeWith(run, vars, seed, nil)
}

// InitializeWith gives variables their first values: those of given, which it
// takes out of there, else drawn from seed. Constants are filled in by TensorFlow, so
// that an optimiser's slots, twice the size of the weights, need not be fed.
// Others are handed over some at a time: a variable shares the memory of its
// first value, and a step that finds it still held would copy it.
func InitializeWith(run Runner, vars []*Variable, seed int64, given map[*Variable]*tensorflow.Tensor) error {
	if err := reset(run, vars, given); err != nil {
		return err
	}
	some, bytes := map[*Variable]*tensorflow.Tensor{}, 0
	hand := func() error {
		err := Assign(run, some)
		clear(some)
		bytes = 0
		tf.Reclaim()
		return err
	}
	for _, v := range vars {
		t := given[v]
		if t == nil {
			if v.reset != nil {
				continue
			}
			var err error
			if t, err = NewTensor(v.DType, v.Initial(seed), v.Dims...); err != nil {
				return fmt.Errorf("variable %s: %w", v.Name, err)
			}
		}
		delete(given, v)
		some[v] = t
		if bytes += 8 * v.Size(); bytes >= drawnAtOnce {
			if err := hand(); err != nil {
				return err
			}
		}
	}
	return hand()
}

// reset fills the variables that begin with a constant and are not given.
func reset(run Runner, vars []*Variable, given map[*Variable]*tensorflow.Tensor) error {
	feeds := map[tensorflow.Output]*tensorflow.Tensor{}
	var resets []*tensorflow.Operation
	for _, v := range vars {
		if v.reset == nil || given[v] != nil {
			continue
		}
		value, err := NewTensor(v.DType, []float64{v.init.constant})
		if err != nil {
			return fmt.Errorf("variable %s: %w", v.Name, err)
		}
		feeds[v.constant], resets = value, append(resets, v.reset)
	}
	if len(resets) == 0 {
		return nil
	}
	_, err := run.Run(feeds, nil, resets)
	return err
}

func sameDims(a, b []int64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// Assignment is an operation that gives v a value at once, outside of the steps'
// updates.
func (s *Scope) Assignment(v *Variable, value tensorflow.Output) *tensorflow.Operation {
	return s.AddOp("AssignVariableOp", Attrs{"dtype": v.DType}, nil, v.handle, value)
}

// Zeros are so many of a dtype, made when they are asked for.
func (s *Scope) Zeros(dtype tensorflow.DataType, dims ...int) tensorflow.Output {
	return s.Op("Fill", nil, s.ints(dims...), s.ScalarOf(dtype, 0))
}
