package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
)

// replicaVariable makes this test binary act as one replica.
const replicaVariable = "GRAPH_TEST_REPLICA"

func TestMain(m *testing.M) {
	if dtype := os.Getenv(replicaVariable); dtype != "" {
		act := func() error { return actAsReplica(dtypes[dtype]) }
		if dtype == wireReplica {
			act = actOnWire
		}
		if err := act(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// freePorts are addresses of this machine that nobody listens at.
func freePorts(t *testing.T, n int) []string {
	t.Helper()
	var list []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		list = append(list, l.Addr().String())
	}
	return list
}

// replicas runs a process for each of n, and returns what each said.
func replicas(t *testing.T, n int, env string) []reduced {
	t.Helper()
	workers := freePorts(t, n)
	list, _ := json.Marshal(workers)
	said := make([]reduced, n)
	failures := make(chan error, n)
	for i := range n {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), env, fmt.Sprintf(`TF_CONFIG={"cluster": {"worker": %s}, "task": {"type": "worker", "index": %d}}`, list, i))
		var errs strings.Builder
		cmd.Stderr = &errs
		go func() {
			out, err := cmd.Output()
			if err == nil {
				err = json.Unmarshal(out, &said[i])
			}
			if err != nil {
				err = fmt.Errorf("replica %d: %w\n%s", i, err, errs.String())
			}
			failures <- err
		}()
	}
	for range n {
		if err := <-failures; err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	return said
}

// reduced are the numbers of a step, of the second one that was taken.
type reduced struct {
	Loss                                    []float64
	DX, DWeight, DBias, Mean, Var, Gathered []float64
	Refused                                 float64
}

// globalBatch is the batch of all replicas.
const globalBatch, side, channels = 4, 3, 2

func actAsReplica(dtype tensorflow.DataType) error {
	cluster, err := tf.ClusterOfEnvironment()
	if err != nil {
		return err
	}
	config := tf.SessionConfig{Device: "cpu", IntraThreads: 1}
	if config.Server, err = tf.StartServer(*cluster, config); err != nil {
		return err
	}
	if err := config.Server.Await(context.Background()); err != nil {
		return err
	}
	r, err := normStep(dtype, Replicas{Size: cluster.Size(), Rank: cluster.Rank, Timeout: 20 * time.Second}, config)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

// normed is batch norm, a loss and their gradients on a replica's part of the
// batch.
type normed struct {
	s    *Scope
	norm *BatchNorm
	x    tensorflow.Output
	// numbers are loss, gradients of input, weight and bias, what is gathered, and
	// how many replicas refuse the step.
	numbers []tensorflow.Output
	moved   *tensorflow.Operation
}

func normGraph(dtype tensorflow.DataType, replicas Replicas) (*normed, error) {
	s := New(dtype)
	s.SetReplicas(replicas)
	g := &normed{s: s, norm: NewBatchNorm(s.Sub("norm"), channels)}
	n := globalBatch / max(replicas.Size, 1)
	g.x = s.Placeholder("x", dtype, int64(n), side, side, channels)
	weight := s.Const(mustTensor(dtype, normals(random.New(5), side*side*channels), side, side, channels))
	y := g.norm.Apply(s.WithTraining(true), g.x)
	own := s.Scale(s.Mean(s.Square(s.Mul(y, weight)), 0, 1, 2, 3), 1/float64(max(replicas.Size, 1)))
	grads := s.GradientsOf(own, []tensorflow.Output{g.x, g.norm.Weight.Value, g.norm.Bias.Value})
	loss := s.AllReduce(own)
	if s.Err() != nil {
		return nil, s.Err()
	}
	dWeight, dBias := s.AllReduce(grads[1]), s.AllReduce(grads[2])
	gathered := s.AllGather(loss)
	finite := s.Op("All", nil, s.Op("IsFinite", nil, s.Stack(0, loss, s.Op("L2Loss", nil, dWeight))), s.ScalarOf(tensorflow.Int32, 0))
	refusals := s.AllReduce(s.OneMinus(s.Cast(s.After(s.Barrier(grads...), s.Reduced(finite)), dtype)))
	barrier := s.BarrierIf(s.Op("Equal", nil, refusals, s.Scalar(0)), s.PendingUpdates()...)
	g.moved = s.AddOp("NoOp", nil, s.Commit(barrier))
	g.numbers = []tensorflow.Output{loss, grads[0], dWeight, dBias, gathered, refusals}
	return g, s.Err()
}

// feed is this replica's part of the batch. With bad one number of the last replica is
// none.
func (g *normed) feed(feeds map[tensorflow.Output]*tensorflow.Tensor, bad bool) {
	r := g.s.Replicas()
	n := max(r.Size, 1)
	values := uniforms(random.New(6), globalBatch*side*side*channels, 90, 110)
	part := values[r.Rank*len(values)/n:][:len(values)/n]
	if bad && r.Rank == n-1 {
		part[0] = math.NaN()
	}
	feeds[g.x] = mustTensor(g.s.DType(), part, int64(globalBatch/n), side, side, channels)
}

// take reads what a step gave.
func (r *reduced) take(got []*tensorflow.Tensor, bad bool) {
	if bad {
		r.Refused = floatsOfTensor(got[5])[0]
		return
	}
	for i, to := range []*[]float64{&r.Loss, &r.DX, &r.DWeight, &r.DBias, &r.Gathered} {
		*to = floatsOfTensor(got[i])
	}
}

// normSteps takes three steps of the given replicas of one session, the second of
// which is refused by all.
func normSteps(session *tf.Session, graphs ...*normed) ([]reduced, error) {
	out := make([]reduced, len(graphs))
	var numbers []tensorflow.Output
	var moved []*tensorflow.Operation
	for _, g := range graphs {
		if err := Initialize(session, g.s.Variables(), 1); err != nil {
			return nil, err
		}
		numbers, moved = append(numbers, g.numbers...), append(moved, g.moved)
	}
	for _, bad := range []bool{false, true, false} {
		feeds := map[tensorflow.Output]*tensorflow.Tensor{}
		for _, g := range graphs {
			g.feed(feeds, bad)
		}
		got, err := session.Run(feeds, numbers, moved)
		if err != nil {
			return nil, err
		}
		for i, g := range graphs {
			out[i].take(got[i*len(g.numbers):], bad)
		}
	}
	for i, g := range graphs {
		got, err := session.Run(nil, []tensorflow.Output{g.norm.RunningMean.Value, g.norm.RunningVar.Value}, nil)
		if err != nil {
			return nil, err
		}
		out[i].Mean, out[i].Var = floatsOfTensor(got[0]), floatsOfTensor(got[1])
	}
	return out, nil
}

// normStep are the steps of one replica that has a session of its own.
func normStep(dtype tensorflow.DataType, replicas Replicas, config tf.SessionConfig) (reduced, error) {
	if err := tf.LoadOps(); err != nil {
		return reduced{}, err
	}
	g, err := normGraph(dtype, replicas)
	if err != nil {
		return reduced{}, err
	}
	session, err := tf.NewSession(g.s.Graph(), config)
	if err != nil {
		return reduced{}, err
	}
	defer session.Close()
	out, err := normSteps(session, g)
	if err != nil {
		return reduced{}, err
	}
	return out[0], nil
}

// replicasInSession are the steps of n devices of one session.
func replicasInSession(t *testing.T, dtype tensorflow.DataType, n int) []reduced {
	t.Helper()
	if err := tf.LoadOps(); err != nil {
		t.Fatal(err)
	}
	var all []*normed
	var graphs []*tensorflow.Graph
	for rank := range n {
		g, err := normGraph(dtype, Replicas{Size: n, Rank: rank, InSession: true})
		if err != nil {
			t.Fatal(err)
		}
		all, graphs = append(all, g), append(graphs, g.s.Graph())
	}
	session, err := tf.NewReplicatedSession(graphs, tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	out, err := normSteps(session, all...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func mustTensor(dtype tensorflow.DataType, values []float64, dims ...int64) *tensorflow.Tensor {
	t, err := NewTensor(dtype, values, dims...)
	if err != nil {
		panic(err)
	}
	return t
}

func floatsOfTensor(t *tensorflow.Tensor) []float64 {
	if t.DataType() == tensorflow.Double {
		values, _ := tf.Values[float64](t)
		return values
	}
	single, _ := tf.Values[float32](t)
	var values []float64
	for _, v := range single {
		values = append(values, float64(v))
	}
	return values
}

// Two processes with half of a batch each, or devices of one session with a part each,
// compute what one computes with all of it: statistics, loss and gradients. Where a
// number of one is not finite all refuse the step, and the next one is taken.
func TestReplicasAreOne(t *testing.T) {
	for name, dtype := range dtypes {
		want, err := normStep(dtype, Replicas{}, tf.SessionConfig{Device: "cpu"})
		if err != nil {
			t.Fatal(err)
		}
		areOne(t, name+", processes", replicas(t, 2, replicaVariable+"="+name), want, dtype)
		for _, n := range []int{2, 4} {
			areOne(t, name+", devices", replicasInSession(t, dtype, n), want, dtype)
		}
	}
}

func areOne(t *testing.T, what string, said []reduced, want reduced, dtype tensorflow.DataType) {
	t.Helper()
	tolerance := 1e-12
	if dtype == tensorflow.Float {
		tolerance = 1e-5
	}
	what = fmt.Sprintf("%d %s", len(said), what)
	var dx, gathered []float64
	for range said {
		gathered = append(gathered, want.Loss...)
	}
	for i, r := range said {
		what := fmt.Sprintf("%s, replica %d: ", what, i)
		near(t, what+"loss", r.Loss, want.Loss, tolerance)
		near(t, what+"weight's gradient", r.DWeight, want.DWeight, tolerance)
		near(t, what+"bias's gradient", r.DBias, want.DBias, tolerance)
		near(t, what+"mean", r.Mean, want.Mean, tolerance)
		near(t, what+"variance", r.Var, want.Var, tolerance)
		near(t, what+"gathered", r.Gathered, gathered, tolerance)
		if r.Refused != float64(len(said)) {
			t.Errorf("%srefused %v times", what, r.Refused)
		}
		dx = append(dx, r.DX...)
	}
	near(t, what+": input's gradient", dx, want.DX, tolerance)
}

// TestMirrored: what the first replica runs the others run as well, and what they
// have not is an error.
func TestMirrored(t *testing.T) {
	if err := tf.LoadOps(); err != nil {
		t.Fatal(err)
	}
	var all []*normed
	for rank := range 2 {
		g, err := normGraph(tensorflow.Double, Replicas{Size: 2, Rank: rank, InSession: true})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, g)
	}
	first, second := all[0], all[1]
	if got := second.numbers[1].Op.Name(); got != "replica_1/"+first.numbers[1].Op.Name() {
		t.Errorf("a gradient of the second is %s, of the first %s", got, first.numbers[1].Op.Name())
	}
	if second.norm.Weight.Name != first.norm.Weight.Name {
		t.Errorf("a variable of the second is %s, of the first %s", second.norm.Weight.Name, first.norm.Weight.Name)
	}
	var ran runs
	m := Mirrored{Session: &ran, Others: []*Scope{second.s}}
	if _, err := m.Run(nil, first.numbers[:1], []*tensorflow.Operation{first.moved}); err != nil {
		t.Fatal(err)
	}
	want := []string{first.moved.Name(), second.moved.Name(), second.numbers[0].Op.Name()}
	if !slices.Equal(ran.targets, want) || !slices.Equal(ran.fetches, []string{first.numbers[0].Op.Name()}) {
		t.Errorf("it fetches %v and runs %v, want %v", ran.fetches, ran.targets, want)
	}
	alone := first.s.Relu(first.x)
	if _, err := m.Run(nil, []tensorflow.Output{alone}, nil); err == nil || !strings.Contains(err.Error(), "replica 1 has no operation replica_1/Relu") {
		t.Errorf("what the first has alone: %v", err)
	}
	second.s.SetReplicas(Replicas{Size: 2, Rank: 1, InSession: true})
	if err := second.s.Err(); err == nil || !strings.Contains(err.Error(), "after its graph was begun") {
		t.Errorf("a graph that is named too late: %v", err)
	}
}

// runs notes what it is asked.
type runs struct{ fetches, targets []string }

func (r *runs) Run(_ map[tensorflow.Output]*tensorflow.Tensor, fetches []tensorflow.Output, targets []*tensorflow.Operation) ([]*tensorflow.Tensor, error) {
	for _, o := range fetches {
		r.fetches = append(r.fetches, o.Op.Name())
	}
	for _, op := range targets {
		r.targets = append(r.targets, op.Name())
	}
	return nil, nil
}
