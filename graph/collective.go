package graph

import (
	"fmt"
	"time"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf"
)

// Replicas build the same graph, each for its own part of a batch: processes, or
// devices of one session. The zero value is one by itself.
type Replicas struct {
	// Size is their number, Rank this one's place among them.
	Size, Rank int
	// InSession says that their graphs are run by one session, each on a device of
	// its own (tf.NewReplicatedSession): names of operations begin with the rank
	// then, but for the first replica's. Otherwise each is a process.
	InSession bool
	// Timeout bounds how long one waits for the others in an operation; 0 waits
	// for ever, also for one that died.
	Timeout time.Duration
	// Group sets processes apart that hold several graphs with reductions: each
	// graph has another number.
	Group int
	// HalfWire sends gradients as bfloat16, in half the bytes: AllReduceAll rounds
	// each part and each sum to 8 bits.
	HalfWire bool
}

// several reports whether there is anything to reduce.
func (r Replicas) several() bool { return r.Size > 1 }

// String is how many there are, of what.
func (r Replicas) String() string {
	kind := "workers"
	if r.InSession {
		kind = "replicas"
	}
	return fmt.Sprintf("%d %s", max(r.Size, 1), kind)
}

// prefix begins the names of operations and variables of a replica's graph.
func (r Replicas) prefix() string {
	if !r.InSession || r.Rank == 0 {
		return ""
	}
	return fmt.Sprintf("replica_%d/", r.Rank)
}

// SetReplicas says that the graph, which is empty, is one of several: batch norm in
// training takes its statistics over all their batches.
func (s *Scope) SetReplicas(r Replicas) {
	if r.Size < 0 || r.Rank < 0 || r.Rank >= max(r.Size, 1) || r.Timeout < 0 {
		s.Failf("replica %d of %d with a timeout of %v", r.Rank, r.Size, r.Timeout)
		return
	}
	if r.prefix() != "" && len(s.b.taken) > 0 {
		s.Failf("replica %d is named after its graph was begun", r.Rank)
		return
	}
	if r.several() { // the gradient of reductions is of our op library
		if err := tf.LoadOps(); err != nil {
			s.Fail(err)
			return
		}
	}
	s.b.replicas = r
}

// Replicas are all that build the same graph.
func (s *Scope) Replicas() Replicas { return s.b.replicas }

// groupKey is the key of the group of all replicas; TensorFlow tells groups apart
// by it.
func (s *Scope) groupKey() tensorflow.Output {
	return s.ScalarOf(tensorflow.Int32, float64(s.b.replicas.Group+1))
}

// AllReduce is the sum of x over all replicas, each of which must build it in the
// same place. Its gradient is the sum of theirs: the gradient of the sum of
// what all replicas minimise. It is x where there is one.
func (s *Scope) AllReduce(x tensorflow.Output) tensorflow.Output {
	r := s.b.replicas
	if s.b.err != nil || !r.several() {
		return x
	}
	key := float64(len(s.b.reductions) + 1) // the same in every replica
	sum := s.Op("CollectiveReduceV2", Attrs{
		"merge_op": "Add", "final_op": "Id", "timeout_seconds": float32(r.Timeout.Seconds()),
		"communication_hint": "ring",
	}, x, s.ScalarOf(tensorflow.Int32, float64(r.Size)), s.groupKey(),
		s.ScalarOf(tensorflow.Int32, key), tensorflow.OutputList{})
	s.b.reductions = append(s.b.reductions, sum)
	return sum
}

// Reduced is x, handed on once every reduction is over that was built for this
// run.
func (s *Scope) Reduced(x tensorflow.Output) tensorflow.Output {
	if s.b.err != nil || len(s.b.reductions) == s.b.settled {
		return x
	}
	return s.After(s.Barrier(s.b.reductions[s.b.settled:]...), x)
}

// AllGather stacks x of all replicas along a new first dimension, by rank. It is
// exact: nothing is added to a number but zeros.
func (s *Scope) AllGather(x tensorflow.Output) tensorflow.Output {
	r := s.b.replicas
	if !r.several() {
		return s.Op("ExpandDims", nil, x, s.ScalarOf(tensorflow.Int32, 0))
	}
	d := s.Shape(x)
	if s.b.err != nil {
		return tensorflow.Output{}
	}
	dims := []int64{int64(r.Size)}
	for range d {
		dims = append(dims, 1)
	}
	mine := make([]float64, r.Size)
	mine[r.Rank] = 1
	row, err := NewTensor(x.DataType(), mine, dims...)
	if err != nil {
		s.Fail(fmt.Errorf("gathering: %w", err))
		return tensorflow.Output{}
	}
	return s.AllReduce(s.Mul(s.Const(row), s.Op("ExpandDims", nil, x, s.ScalarOf(tensorflow.Int32, 0))))
}

// AllMean is the mean of x over all replicas.
func (s *Scope) AllMean(x tensorflow.Output) tensorflow.Output { return s.MeanShare(s.AllReduce(x)) }

// MeanShare is x divided by the number of replicas: what one of them adds to the
// mean of all.
func (s *Scope) MeanShare(x tensorflow.Output) tensorflow.Output {
	if !s.b.replicas.several() {
		return x
	}
	return s.Scale(x, 1/float64(s.b.replicas.Size))
}

// bucket is the number of elements from which on tensors are no longer reduced
// together: 32 MiB of float32.
const bucket = 8 << 20

// AllReduceAll is AllReduce of many gradients, in few large pieces. Each is on its
// way as soon as its tensors are there, while others are computed. Those of biases,
// a few numbers that may cancel out over the batch, are summed before they are
// rounded, unless they are to travel in half the bytes.
func (s *Scope) AllReduceAll(list []tensorflow.Output) []tensorflow.Output {
	if !s.b.replicas.several() {
		return list
	}
	out := make([]tensorflow.Output, len(list))
	var places, widePlaces []int
	var narrow, wide []tensorflow.Output
	for i, x := range list {
		if sum, ok := s.unrounded(x); ok && !s.b.replicas.HalfWire {
			widePlaces, wide = append(widePlaces, i), append(wide, sum)
		} else {
			places, narrow = append(places, i), append(narrow, x)
		}
	}
	for i, sum := range s.reducePieces(narrow) {
		out[places[i]] = sum
	}
	for i, sum := range s.reducePieces(wide) {
		out[widePlaces[i]] = s.Cast(sum, s.b.dtype)
	}
	return out
}

// unrounded is the gradient x of a bias in doubles, where our own kernel made it or
// every part that it is the sum of.
func (s *Scope) unrounded(x tensorflow.Output) (tensorflow.Output, bool) {
	if s.b.err != nil {
		return x, false
	}
	input := func(i int) (tensorflow.Output, bool) {
		return s.unrounded(tensorflow.Consumer{Op: x.Op, Index: i}.Producer())
	}
	switch x.Op.Type() {
	case "PriorityCutConv2DKernelGrad":
		return x.Op.Output(2), x.Index == 1
	case "Reshape":
		return input(0)
	case "AddN":
		parts := make([]tensorflow.Output, x.Op.NumInputs())
		for i := range parts {
			part, ok := input(i)
			if !ok {
				return x, false
			}
			parts[i] = part
		}
		return s.AddN(parts...), true
	}
	return x, false
}

// reducePieces reduces tensors of known shapes in pieces of some size.
func (s *Scope) reducePieces(list []tensorflow.Output) []tensorflow.Output {
	var out, together []tensorflow.Output
	size := 0
	flush := func() {
		out = append(out, s.reduceTogether(together)...)
		together, size = nil, 0
	}
	for _, x := range list {
		n := 1
		for _, d := range s.Shape(x) {
			n *= d
		}
		if size > 0 && size+n > bucket {
			flush()
		}
		together, size = append(together, x), size+n
	}
	if len(together) > 0 {
		flush()
	}
	return out
}

// reduceTogether reduces tensors of known shapes as one.
func (s *Scope) reduceTogether(list []tensorflow.Output) []tensorflow.Output {
	flat := make([]tensorflow.Output, len(list))
	for i, x := range list {
		flat[i] = s.Reshape(x, -1)
	}
	sum := flat[0]
	if len(flat) > 1 {
		sum = s.Concat(0, flat...)
	}
	if s.b.replicas.HalfWire && s.b.dtype == tensorflow.Float {
		sum = s.Cast(s.AllReduce(s.Cast(sum, tensorflow.Bfloat16)), s.b.dtype)
	} else {
		sum = s.AllReduce(sum)
	}
	out := make([]tensorflow.Output, len(list))
	from := 0
	for i, x := range list {
		dims, n := s.Shape(x), 1
		for _, d := range dims {
			n *= d
		}
		out[i] = s.Reshape(s.Slice(sum, []int{from}, []int{n}), dims...)
		from += n
	}
	return out
}
