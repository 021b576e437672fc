package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
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

// normStep is batch norm, a loss and their gradients on a replica's part of the
// batch. The step before it is refused by all.
func normStep(dtype tensorflow.DataType, replicas Replicas, config tf.SessionConfig) (reduced, error) {
	if err := tf.LoadOps(); err != nil {
		return reduced{}, err
	}
	s := New(dtype)
	s.SetReplicas(replicas)
	norm := NewBatchNorm(s.Sub("norm"), channels)
	n := globalBatch / max(replicas.Size, 1)
	x := s.Placeholder("x", dtype, int64(n), side, side, channels)
	weight := s.Const(mustTensor(dtype, normals(random.New(5), side*side*channels), side, side, channels))
	y := norm.Apply(s.WithTraining(true), x)
	own := s.Scale(s.Mean(s.Square(s.Mul(y, weight)), 0, 1, 2, 3), 1/float64(max(replicas.Size, 1)))
	grads := s.GradientsOf(own, []tensorflow.Output{x, norm.Weight.Value, norm.Bias.Value})
	loss := s.AllReduce(own)
	if s.Err() != nil {
		return reduced{}, s.Err()
	}
	dWeight, dBias := s.AllReduce(grads[1]), s.AllReduce(grads[2])
	gathered := s.AllGather(loss)
	finite := s.Op("All", nil, s.Op("IsFinite", nil, s.Stack(0, loss, s.Op("L2Loss", nil, dWeight))), s.ScalarOf(tensorflow.Int32, 0))
	refusals := s.AllReduce(s.OneMinus(s.Cast(s.After(s.Barrier(grads...), s.Reduced(finite)), dtype)))
	barrier := s.BarrierIf(s.Op("Equal", nil, refusals, s.Scalar(0)), s.PendingUpdates()...)
	moved := s.AddOp("NoOp", nil, s.Commit(barrier))
	if s.Err() != nil {
		return reduced{}, s.Err()
	}
	session, err := tf.NewSession(s.Graph(), config)
	if err != nil {
		return reduced{}, err
	}
	defer session.Close()
	if err := Initialize(session, s.Variables(), 1); err != nil {
		return reduced{}, err
	}
	values := uniforms(random.New(6), globalBatch*side*side*channels, 90, 110)
	part := values[replicas.Rank*len(values)/max(replicas.Size, 1):][:len(values)/max(replicas.Size, 1)]
	var out reduced
	for _, bad := range []bool{false, true, false} {
		fed := append([]float64(nil), part...)
		if bad && replicas.Rank == max(replicas.Size, 1)-1 {
			fed[0] /= 0 * fed[0]
		}
		feeds := map[tensorflow.Output]*tensorflow.Tensor{x: mustTensor(dtype, fed, int64(n), side, side, channels)}
		got, err := session.Run(feeds, []tensorflow.Output{loss, grads[0], dWeight, dBias, gathered, refusals}, []*tensorflow.Operation{moved})
		if err != nil {
			return reduced{}, err
		}
		if bad {
			out.Refused = floatsOfTensor(got[5])[0]
			continue
		}
		for i, to := range []*[]float64{&out.Loss, &out.DX, &out.DWeight, &out.DBias, &out.Gathered} {
			*to = floatsOfTensor(got[i])
		}
	}
	for v, to := range map[*Variable]*[]float64{norm.RunningMean: &out.Mean, norm.RunningVar: &out.Var} {
		got, err := session.Run(nil, []tensorflow.Output{v.Value}, nil)
		if err != nil {
			return reduced{}, err
		}
		*to = floatsOfTensor(got[0])
	}
	return out, nil
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

// Two processes with half of a batch each compute what one computes with all of
// it: statistics, loss and gradients. Where a number of one is not finite both
// refuse the step, and the next one is taken.
func TestReplicasAreOne(t *testing.T) {
	for name, dtype := range dtypes {
		tolerance := 1e-12
		if dtype == tensorflow.Float {
			tolerance = 1e-5
		}
		want, err := normStep(dtype, Replicas{}, tf.SessionConfig{Device: "cpu"})
		if err != nil {
			t.Fatal(err)
		}
		said := replicas(t, 2, replicaVariable+"="+name)
		var dx []float64
		for i, r := range said {
			what := fmt.Sprintf("%s, replica %d: ", name, i)
			near(t, what+"loss", r.Loss, want.Loss, tolerance)
			near(t, what+"weight's gradient", r.DWeight, want.DWeight, tolerance)
			near(t, what+"bias's gradient", r.DBias, want.DBias, tolerance)
			near(t, what+"mean", r.Mean, want.Mean, tolerance)
			near(t, what+"variance", r.Var, want.Var, tolerance)
			near(t, what+"gathered", r.Gathered, []float64{want.Loss[0], want.Loss[0]}, tolerance)
			if r.Refused != 2 {
				t.Errorf("%srefused %v times", what, r.Refused)
			}
			dx = append(dx, r.DX...)
		}
		near(t, name+": input's gradient", dx, want.DX, tolerance)
	}
}
