package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
)

// wireReplica as replicaVariable's value makes a replica reduce tensors as
// gradients are.
const wireReplica = "wire"

// wireSizes are tensors that are reduced together.
var wireSizes = []int{1, 7, 1000}

// partOfReplica are a replica's numbers, of many magnitudes.
func partOfReplica(rank int) (all [][]float64) {
	r := random.New(int64(40 + rank))
	for _, n := range wireSizes {
		values := normals(r, n)
		for i := range values {
			values[i] = float64(float32(math.Ldexp(values[i], i%40-20)))
		}
		all = append(all, values)
	}
	return all
}

// actOnWire reduces a replica's numbers in half the bytes.
func actOnWire() error {
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
	s := New(tensorflow.Float)
	s.SetReplicas(Replicas{Size: cluster.Size(), Rank: cluster.Rank, Timeout: 20 * time.Second, HalfWire: true})
	session, sums, err := wireGraph(s, partOfReplica(cluster.Rank), config)
	if err != nil {
		return err
	}
	defer session.Close()
	got, err := session.Run(nil, sums, nil)
	if err != nil {
		return err
	}
	var all []float64
	for _, t := range got {
		all = append(all, floatsOfTensor(t)...)
	}
	return json.NewEncoder(os.Stdout).Encode(reduced{Gathered: all})
}

func wireGraph(s *Scope, parts [][]float64, config tf.SessionConfig) (*tf.Session, []tensorflow.Output, error) {
	var list []tensorflow.Output
	for _, values := range parts {
		list = append(list, s.Const(mustTensor(s.DType(), values, int64(len(values)))))
	}
	sums := s.AllReduceAll(list)
	if s.Err() != nil {
		return nil, nil, s.Err()
	}
	session, err := tf.NewSession(s.Graph(), config)
	return session, sums, err
}

// bfloat16 rounds to 8 bits, to even where two are as near.
func bfloat16(x float64) float64 {
	bits := math.Float32bits(float32(x))
	bits += 0x7fff + bits>>16&1
	return float64(math.Float32frombits(bits &^ 0xffff))
}

// Two replicas' sums in half the bytes are those of the rounded parts, rounded;
// more replicas' are within a rounding for each of them. All have the same bits.
func TestHalfWireRounds(t *testing.T) {
	for _, n := range []int{2, 3} {
		said := replicas(t, n, replicaVariable+"="+wireReplica)
		var want, most []float64 // the sums of the rounded parts and of their sizes
		for rank := range n {
			at := 0
			for _, values := range partOfReplica(rank) {
				for _, v := range values {
					if rank == 0 {
						want, most = append(want, 0), append(most, 0)
					}
					want[at] += bfloat16(v)
					most[at] += math.Abs(bfloat16(v))
					at++
				}
			}
		}
		for rank, r := range said {
			if len(r.Gathered) != len(want) {
				t.Fatalf("%d numbers, not %d", len(r.Gathered), len(want))
			}
			for i, got := range r.Gathered {
				if got != said[0].Gathered[i] {
					t.Fatalf("number %d is %g in replica %d of %d, %g in the first", i, got, rank, n, said[0].Gathered[i])
				}
				if n == 2 && got != bfloat16(want[i]) {
					t.Fatalf("number %d is %g, not %g", i, got, bfloat16(want[i]))
				}
				if d := math.Abs(got - want[i]); d > float64(n-1)*most[i]/(1<<8) {
					t.Fatalf("number %d of %d replicas is %g, not %g", i, n, got, want[i])
				}
			}
		}
	}
}

// Gradients take half the bytes where that is asked for, and in float64 never do.
func TestHalfWireBytes(t *testing.T) {
	numbers := 0
	for _, n := range wireSizes {
		numbers += n
	}
	for _, c := range []struct {
		dtype tensorflow.DataType
		half  bool
		bytes int
	}{
		{tensorflow.Float, false, 4 * numbers}, {tensorflow.Float, true, 2 * numbers}, {tensorflow.Double, true, 8 * numbers},
	} {
		s := New(c.dtype)
		s.SetReplicas(Replicas{Size: 2, HalfWire: c.half})
		session, _, err := wireGraph(s, partOfReplica(0), tf.SessionConfig{Device: "cpu"})
		if err != nil {
			t.Fatal(err)
		}
		session.Close()
		if got := reducedBytes(t, s.Graph()); got != c.bytes {
			t.Errorf("%v, half %t: %d bytes are reduced, not %d", c.dtype, c.half, got, c.bytes)
		}
	}
}

// reducedBytes are those that a graph hands to reductions.
func reducedBytes(t *testing.T, g *tensorflow.Graph) int {
	t.Helper()
	bytes := 0
	for _, op := range g.Operations() {
		if !strings.HasPrefix(op.Type(), "CollectiveReduce") {
			continue
		}
		sum := op.Output(0)
		size := map[tensorflow.DataType]int{tensorflow.Bfloat16: 2, tensorflow.Float: 4, tensorflow.Double: 8}[sum.DataType()]
		shape, err := sum.Shape().ToSlice()
		if err != nil || size == 0 {
			t.Fatal(fmt.Errorf("%s of %v: %w", op.Name(), sum.DataType(), err))
		}
		for _, d := range shape {
			size *= int(d)
		}
		bytes += size
	}
	return bytes
}
