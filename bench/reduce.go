package main

import (
	"context"
	"time"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/train"
)

// Exchange is what workers tell each other in a step.
type Exchange struct {
	// Reductions is their number, Bytes the size of all of them.
	Reductions int   `json:"reductions"`
	Bytes      int64 `json:"bytes"`
}

// others are the workers that this process steps with.
type others struct {
	replicas graph.Replicas
	server   *tf.Server // nil for a process by itself
}

// reduceTimeout is how long workers wait for each other: they build their graphs
// at different speeds.
const reduceTimeout = 10 * time.Minute

// joinOthers starts the server that TF_CONFIG asks for, where the job is one of
// several workers, and waits for the others.
func joinOthers(job Job, r config.RunParams) (o others, err error) {
	if !job.Joined {
		return o, nil
	}
	cluster, err := tf.ClusterOfEnvironment()
	if err != nil || cluster == nil {
		return o, err
	}
	if o.server, err = tf.StartServer(*cluster, sessionConfigOf(r)); err != nil {
		return o, err
	}
	o.replicas = graph.Replicas{Size: cluster.Size(), Rank: cluster.Rank, Timeout: reduceTimeout}
	ctx, cancel := context.WithTimeout(context.Background(), reduceTimeout)
	defer cancel()
	return o, o.server.Await(ctx)
}

// leave stays until the others have received the last of this process.
func (o others) leave() {
	if o.server != nil {
		time.Sleep(2 * time.Second)
	}
}

// exchange looks for what the workers tell each other in a graph.
func exchange(s *graph.Scope) *Exchange {
	var x Exchange
	for _, op := range s.Graph().Operations() {
		if op.Type() != "CollectiveReduceV2" {
			continue
		}
		out := op.Output(0)
		size := map[tensorflow.DataType]int64{tensorflow.Double: 8, tensorflow.Int64: 8, tensorflow.Float: 4, tensorflow.Int32: 4, tensorflow.Bfloat16: 2}[out.DataType()]
		for _, d := range s.Shape(out) {
			size *= int64(d)
		}
		x.Reductions++
		x.Bytes += size
	}
	return &x
}

// Sizes of reductions that are measured by themselves, in bytes, and how many
// follow each other in one run, so that its own cost does not count.
const (
	reduceSmall, smallChain = 4 << 10, 100
	reduceLarge, largeChain = 32 << 20, 4
)

// reduce measures single reductions of little and of much.
func reduce(job Job, c *config.Config) (*Result, error) {
	o, err := joinOthers(job, c.Run)
	if err != nil {
		return nil, err
	}
	defer o.leave()
	s := graph.New(tensorflow.Float)
	s.SetReplicas(o.replicas)
	chain := func(bytes, n int) tensorflow.Output {
		x := s.Zeros(tensorflow.Float, bytes/4)
		for range n {
			x = s.AllReduce(x)
		}
		return s.Slice(x, []int{0}, []int{1})
	}
	small, large := chain(reduceSmall, smallChain), chain(reduceLarge, largeChain)
	sess, err := sessionWith(s, c, o.server)
	if err != nil {
		return nil, err
	}
	defer sess.Close()
	m := newMeter(job)
	var smalls, larges []float64
	for !m.done() {
		var took [2]float64
		for i, x := range []tensorflow.Output{small, large} {
			begun := time.Now()
			if _, err := sess.Run(nil, []tensorflow.Output{x}, nil); err != nil {
				return nil, err
			}
			took[i] = time.Since(begun).Seconds()
		}
		smalls, larges = append(smalls, took[0]/smallChain), append(larges, took[1]/largeChain)
		if err := m.lap(1); err != nil {
			return nil, err
		}
	}
	r, err := m.result()
	if err != nil {
		return nil, err
	}
	r.Parts = []Part{
		{Name: "small", Seconds: median(smalls[job.Warmup:]), Times: smallChain},
		{Name: "large", Seconds: median(larges[job.Warmup:]), Times: largeChain},
	}
	return r, nil
}

// ownPart is the number of pairs of a batch that a worker computes.
func (o others) ownPart(step train.StepOptions) int { return step.Batch / max(o.replicas.Size, 1) }
