package prioritycut

import (
	"flag"
	"os"
	"testing"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/tf"
	tensorflow "github.com/wamuir/graft/tensorflow"
)

// TestMain lets TensorFlow keep and reuse memory while benchmarks run: the C
// library gives large outputs back to the system after each call, and then
// half of the time goes into page faults.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.bench"); f != nil && f.Value.String() != "" {
		os.Setenv("TF_CPU_ALLOCATOR_USE_BFC", "true")
	}
	os.Exit(m.Run())
}

var dtypeNames = map[tensorflow.DataType]string{tensorflow.Float: "float", tensorflow.Double: "double"}

// newSession runs the graph of s on two threads.
func newSession(tb testing.TB, s *graph.Scope) *tf.Session {
	tb.Helper()
	if err := s.Err(); err != nil {
		tb.Fatal(err)
	}
	session, err := tf.NewSession(s.Graph(), tf.SessionConfig{Device: "cpu", IntraThreads: 2, InterThreads: 2})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { session.Close() })
	return session
}

// tensorOf makes a tensor; for float32 the values are rounded.
func tensorOf(tb testing.TB, dtype tensorflow.DataType, values []float64, dims ...int64) *tensorflow.Tensor {
	tb.Helper()
	t, err := graph.NewTensor(dtype, values, dims...)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func tensor[T tf.Element](tb testing.TB, values []T, dims ...int64) *tensorflow.Tensor {
	tb.Helper()
	t, err := tf.NewTensor(values, dims...)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// valuesOf reads a tensor of float32 or float64.
func valuesOf(tb testing.TB, t *tensorflow.Tensor) []float64 {
	tb.Helper()
	if t.DataType() == tensorflow.Double {
		v, err := tf.Values[float64](t)
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
	single, err := tf.Values[float32](t)
	if err != nil {
		tb.Fatal(err)
	}
	v := make([]float64, len(single))
	for i, x := range single {
		v[i] = float64(x)
	}
	return v
}

// evaluate fetches outputs of a graph without inputs.
func evaluate(tb testing.TB, s *graph.Scope, outputs ...tensorflow.Output) [][]float64 {
	tb.Helper()
	fetched, err := newSession(tb, s).Run(nil, outputs, nil)
	if err != nil {
		tb.Fatal(err)
	}
	values := make([][]float64, len(fetched))
	for i, t := range fetched {
		values[i] = valuesOf(tb, t)
	}
	return values
}
