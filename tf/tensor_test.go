package tf

import (
	"fmt"
	"math"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	tensorflow "github.com/wamuir/graft/tensorflow"
)

// roundTrip compares with graft's own conversion, which is made of nested
// slices and reflection.
func roundTrip[T Element](t *testing.T, values ...T) {
	t.Helper()
	flat, err := NewTensor(values, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	nested := [][]T{values[:3], values[3:]}
	if got := flat.Value(); !reflect.DeepEqual(got, nested) {
		t.Errorf("%T: graft reads %v, want %v", values, got, nested)
	}
	theirs, err := tensorflow.NewTensor(nested)
	if err != nil {
		t.Fatal(err)
	}
	if theirs.DataType() != flat.DataType() {
		t.Errorf("%T: type %v, graft's is %v", values, flat.DataType(), theirs.DataType())
	}
	got, err := Values[T](theirs)
	if err != nil || !cmp.Equal(got, values) {
		t.Errorf("%T: read %v, %v; want %v", values, got, err, values)
	}
}

func TestTensorRoundTrip(t *testing.T) {
	roundTrip[float32](t, 0, -1.5, math.MaxFloat32, math.SmallestNonzeroFloat32, float32(math.Inf(1)), 6)
	roundTrip(t, 0, -1.5, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(-1), 6.0)
	roundTrip[uint8](t, 0, 1, 2, 3, 254, 255)
	roundTrip[int8](t, 0, 1, -1, 3, -128, 127)
	roundTrip[uint16](t, 0, 1, 2, 3, 4, 65535)
	roundTrip[int16](t, 0, 1, 2, 3, -32768, 32767)
	roundTrip[int32](t, 0, 1, 2, 3, math.MinInt32, math.MaxInt32)
	roundTrip[int64](t, 0, 1, 2, 3, math.MinInt64, math.MaxInt64)
	roundTrip(t, true, false, true, true, false, false)
}

func TestTensorShapes(t *testing.T) {
	s, err := Scalar(int64(7))
	if err != nil || len(s.Shape()) != 0 {
		t.Fatalf("scalar: %v, %v", s, err)
	}
	if v, err := Value[int64](s); err != nil || v != 7 {
		t.Errorf("scalar: %v, %v", v, err)
	}
	shape := []int64{3, 0, 2}
	empty, err := NewTensor([]float32{}, shape...)
	if err != nil {
		t.Fatal(err)
	}
	shape[0] = 9 // the tensor has its own copy
	if got, err := Values[float32](empty); err != nil || len(got) != 0 || fmt.Sprint(empty.Shape()) != "[3 0 2]" {
		t.Errorf("empty: %v, %v, %v", got, err, empty.Shape())
	}
	for _, bad := range []struct {
		shape []int64
		text  string
	}{
		{[]int64{3}, "has 3 elements, but 2"},
		{nil, "has 1 elements, but 2"},
		{[]int64{-1, -2}, "negative"},
		{[]int64{1 << 40, 1 << 40}, "too many"},
	} {
		if _, err := NewTensor([]float64{1, 2}, bad.shape...); err == nil || !strings.Contains(err.Error(), bad.text) {
			t.Errorf("shape %v: %v, want %q", bad.shape, err, bad.text)
		}
	}
}

func TestReadingTheWrongTensor(t *testing.T) {
	ints, err := NewTensor([]int32{1, 2}, 2)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Values[float32](ints); err == nil || !strings.Contains(err.Error(), "int32 elements, not float32") {
		t.Errorf("type: %v", err)
	}
	if err := CopyValues(make([]int32, 3), ints); err == nil || !strings.Contains(err.Error(), "has 2 elements, not 3") {
		t.Errorf("length: %v", err)
	}
	if _, err := Value[int32](ints); err == nil {
		t.Error("two elements passed for one")
	}
	if _, err := Values[int32](nil); err == nil {
		t.Error("nil tensor: no error")
	}
	text, err := tensorflow.NewTensor([]string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Values[uint8](text); err == nil || !strings.Contains(err.Error(), "string") {
		t.Errorf("string: %v", err)
	}
	if _, err := Bytes(text); err == nil {
		t.Error("string: memory was handed out")
	}
}

// resident returns the memory that the process has, in bytes.
func resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var total, pages int
	if _, err := fmt.Sscan(string(text), &total, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

func TestReclaim(t *testing.T) {
	const size = 64 << 20 // above malloc's limit for memory that it keeps
	data := make([]uint8, size)
	for i := range data {
		data[i] = 1 // so that its own pages are counted before
	}
	before := resident(t)
	makeGarbage := func() int {
		tensor, err := NewTensor(data, size)
		if err != nil {
			t.Fatal(err)
		}
		r := resident(t)
		runtime.KeepAlive(tensor)
		return r
	}
	// TensorFlow's allocator may keep what one tensor leaves behind, but not the
	// memory of many.
	const tensors = 8
	used := 0
	for range tensors {
		used = max(used, makeGarbage())
		start := time.Now()
		Reclaim()
		t.Logf("reclaiming took %v", time.Since(start))
	}
	if grown := used - before; grown > 2*size+size/2 {
		t.Errorf("%d tensors of %d bytes, each dropped before the next, grew the process by %d bytes", tensors, size, grown)
	}
	runtime.KeepAlive(data)
}

func BenchmarkNewTensor(b *testing.B) {
	data := make([]float32, 4<<20)
	b.SetBytes(int64(4 * len(data)))
	for range b.N {
		if _, err := NewTensor(data, 4, 1<<20); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCopyValues(b *testing.B) {
	data := make([]float32, 4<<20)
	tensor, err := NewTensor(data, 4, 1<<20)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(4 * len(data)))
	for range b.N {
		if err := CopyValues(data, tensor); err != nil {
			b.Fatal(err)
		}
	}
}
