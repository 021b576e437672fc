// Package tftest runs graphs in tests; what goes wrong ends the test.
package tftest

import (
	"cmp"
	"os"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf"
)

// Scope is what a graph is built with: a graph.Scope.
type Scope interface {
	Graph() *tensorflow.Graph
	Err() error
}

// DeviceEnv names the environment variable that has golden tests and steps compute on
// another device than the CPU: gpu, or gpu:N.
const DeviceEnv = "PRIORITYCUT_TEST_DEVICE"

// Device is where golden tests compute.
func Device() string { return cmp.Or(os.Getenv(DeviceEnv), "cpu") }

// NewSession runs the graph of s on two threads of the CPU.
func NewSession(tb testing.TB, s Scope) *tf.Session {
	tb.Helper()
	if err := s.Err(); err != nil {
		tb.Fatal(err)
	}
	session, err := tf.NewSession(s.Graph(), tf.SessionConfig{Device: Device(), IntraThreads: 2, InterThreads: 2, FullFloat32: Device() != "cpu", MemoryGrowth: true})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { session.Close() })
	return session
}

// Tensor makes a tensor of float64, or of float32 or int64, rounded.
func Tensor(tb testing.TB, dtype tensorflow.DataType, values []float64, dims ...int64) *tensorflow.Tensor {
	tb.Helper()
	switch dtype {
	case tensorflow.Double:
		return Of(tb, values, dims...)
	case tensorflow.Float:
		return Of(tb, convert[float32](values), dims...)
	case tensorflow.Int64:
		return Of(tb, convert[int64](values), dims...)
	}
	tb.Fatalf("tensors of type %v are not for these tests", dtype)
	return nil
}

func convert[T float32 | int64](values []float64) []T {
	out := make([]T, len(values))
	for i, v := range values {
		out[i] = T(v)
	}
	return out
}

// Of makes a tensor of the values' own type.
func Of[T tf.Element](tb testing.TB, values []T, dims ...int64) *tensorflow.Tensor {
	tb.Helper()
	t, err := tf.NewTensor(values, dims...)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// Values reads a tensor of float32, float64 or int64.
func Values(tb testing.TB, t *tensorflow.Tensor) []float64 {
	tb.Helper()
	switch t.DataType() {
	case tensorflow.Float:
		return widen[float32](tb, t)
	case tensorflow.Int64:
		return widen[int64](tb, t)
	}
	return widen[float64](tb, t)
}

func widen[T float32 | float64 | int64](tb testing.TB, t *tensorflow.Tensor) []float64 {
	tb.Helper()
	values, err := tf.Values[T](t)
	if err != nil {
		tb.Fatal(err)
	}
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v)
	}
	return out
}

// Run fetches outputs, all in one run.
func Run(tb testing.TB, session *tf.Session, feeds map[tensorflow.Output]*tensorflow.Tensor, outputs ...tensorflow.Output) [][]float64 {
	tb.Helper()
	fetched, err := session.Run(feeds, outputs, nil)
	if err != nil {
		tb.Fatal(err)
	}
	values := make([][]float64, len(fetched))
	for i, t := range fetched {
		values[i] = Values(tb, t)
	}
	return values
}

// Evaluate fetches outputs of a graph without inputs.
func Evaluate(tb testing.TB, s Scope, outputs ...tensorflow.Output) [][]float64 {
	tb.Helper()
	return Run(tb, NewSession(tb, s), nil, outputs...)
}
