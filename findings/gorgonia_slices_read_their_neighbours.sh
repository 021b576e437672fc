#!/bin/bash
# gorgonia.org/tensor v0.9.24 (Go): MatMul, SoftMax and Repeat of a slice read the numbers that
# lie behind its first one, and so those of the other columns, without an error.
#
# Seen: the columns 0, 2 and 4 of a 3x6 matrix, the channel 1 of a 2x3x4 array and the middle two
# columns of a 3x4 matrix, each as Slice gives it and once more as a copy made number by number.
# Mul and Sum give the same for both. MatMul multiplies other numbers: of the columns 0, 2
# and 4 the first row counts as 1 2 3 in place of 1 3 5, as the memory goes on. SoftMax over the
# rows and Repeat are wrong for all three too, and Repeat leaves zeros at the end. SoftMax forgets a
# transposition (T) as well, while MatMul knows it. A matrix that is first transposed and then
# sliced is wrong even once it is materialised: the copy has other numbers than At gives,
# and so has Sum. There is no error in any of these cases.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >go.mod <<'MOD'
module views

go 1.21

require gorgonia.org/tensor v0.9.24

require (
	github.com/apache/arrow/go/arrow v0.0.0-20201229220542-30ce2eb5d4dc // indirect
	github.com/chewxy/hm v1.0.0 // indirect
	github.com/chewxy/math32 v1.0.8 // indirect
	github.com/gogo/protobuf v1.3.2 // indirect
	github.com/golang/protobuf v1.4.3 // indirect
	github.com/google/flatbuffers v1.12.0 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/xtgo/set v1.0.0 // indirect
	go4.org/unsafe/assume-no-moving-gc v0.0.0-20231121144256-b99613f794b6 // indirect
	golang.org/x/xerrors v0.0.0-20200804184101-5ec99f83aff1 // indirect
	gonum.org/v1/gonum v0.8.2 // indirect
	google.golang.org/protobuf v1.25.0 // indirect
	gorgonia.org/vecf32 v0.9.0 // indirect
	gorgonia.org/vecf64 v0.9.0 // indirect
)
MOD
cp "$here/gorgonia_go.sum" go.sum
cat >main.go <<'GO'
package main

import (
	"fmt"
	"math"

	"gorgonia.org/tensor"
)

// counted is an array of the numbers from 1 on.
func counted(shape ...int) *tensor.Dense {
	n := tensor.Shape(shape).TotalSize()
	return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(tensor.Range(tensor.Float64, 1, n+1)))
}

// numbers reads a matrix or a vector one by one.
func numbers(t tensor.Tensor) []float64 {
	var read []float64
	at := func(index ...int) {
		v, err := t.At(index...)
		if err != nil {
			panic(err)
		}
		read = append(read, v.(float64))
	}
	for i := 0; i < t.Shape()[0]; i++ {
		if t.Dims() == 1 {
			at(i)
			continue
		}
		for j := 0; j < t.Shape()[1]; j++ {
			at(i, j)
		}
	}
	return read
}

// compare says how an operation on a view differs from that on a copy made one by one.
func compare(name string, view func() tensor.Tensor, act func(tensor.Tensor) (tensor.Tensor, error)) {
	v := view()
	copied := tensor.New(tensor.WithShape(v.Shape().Clone()...), tensor.WithBacking(numbers(v)))
	want, err := act(copied)
	if err != nil {
		panic(err)
	}
	got, err := act(v)
	if err != nil {
		fmt.Println(name, "error:", err)
		return
	}
	a, b := numbers(want), numbers(got)
	verdict := "equal"
	for i := range a {
		if len(a) != len(b) || math.Abs(a[i]-b[i]) > 1e-9 {
			verdict = "wrong"
		}
	}
	fmt.Println(name, verdict)
	if verdict == "wrong" {
		fmt.Printf("   of the copy %.3g\n   of the view %.3g\n", a, b)
	}
}

func slice(t *tensor.Dense, parts ...tensor.Slice) tensor.Tensor {
	view, err := t.Slice(parts...)
	if err != nil {
		panic(err)
	}
	return view
}

func main() {
	views := []struct {
		name string
		make func() tensor.Tensor
	}{
		{"columns", func() tensor.Tensor { return slice(counted(3, 6), nil, tensor.S(0, 6, 2)) }},
		{"channel", func() tensor.Tensor { return slice(counted(2, 3, 4), nil, nil, tensor.S(1)) }},
		{"middle", func() tensor.Tensor { return slice(counted(3, 4), nil, tensor.S(1, 3)) }},
		{"transposed", func() tensor.Tensor { t := counted(3, 4); t.T(); return t }},
		{"transposed-rows", func() tensor.Tensor { t := counted(3, 4); t.T(); return slice(t, tensor.S(1, 3)) }},
	}
	acts := []struct {
		name string
		do   func(tensor.Tensor) (tensor.Tensor, error)
	}{
		{"Mul", func(t tensor.Tensor) (tensor.Tensor, error) { return tensor.Mul(t, 2.0) }},
		{"Sum", func(t tensor.Tensor) (tensor.Tensor, error) { return tensor.Sum(t, 1) }},
		{"MatMul", func(t tensor.Tensor) (tensor.Tensor, error) { return tensor.MatMul(counted(2, t.Shape()[0]), t) }},
		{"SoftMax", func(t tensor.Tensor) (tensor.Tensor, error) { return tensor.SoftMax(t, 0) }},
		{"Repeat", func(t tensor.Tensor) (tensor.Tensor, error) { return tensor.Repeat(t, 0, 2) }},
		{"Materialize", func(t tensor.Tensor) (tensor.Tensor, error) { return t.(tensor.View).Materialize(), nil }},
	}
	for _, v := range views {
		for _, a := range acts {
			compare(v.name+" "+a.name, v.make, a.do)
		}
	}
}
GO
GOFLAGS='-mod=readonly -modcacherw' GOWORK=off GOMODCACHE=$work/modules go run . | tee seen
for line in 'columns Mul equal' 'columns Sum equal' 'columns MatMul wrong' 'columns SoftMax wrong' 'columns Repeat wrong' 'columns Materialize equal' \
  'channel Mul equal' 'channel Sum equal' 'channel MatMul wrong' 'channel SoftMax wrong' 'channel Repeat wrong' 'middle Mul equal' 'middle Sum equal' \
  'middle MatMul wrong' 'middle SoftMax wrong' 'middle Repeat wrong' 'transposed MatMul equal' 'transposed SoftMax wrong' 'transposed-rows Sum wrong' 'transposed-rows Materialize wrong'; do
  grep -qx "$line" seen || { echo "changed: no line '$line'" >&2; exit 1; }
done
