package graph

import (
	"fmt"
	"slices"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// TestProductsOfPartsHaveTheBitsOfTheWhole multiplies six samples by one matrix,
// from either side, and then two and three of them: numbers and gradients of a
// sample are the same, as workers need, which share a batch. TensorFlow's are not.
func TestProductsOfPartsHaveTheBitsOfTheWhole(t *testing.T) {
	const samples = 6
	for _, size := range [][3]int{{16, 192, 48}, {3, 100, 2}, {13, 50, 7}, {2, 2, 2}} {
		rows, inner, columns := size[0], size[1], size[2]
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			r := random.New(7)
			each := rows * inner
			x, right, left := normals(r, samples*each), normals(r, inner*columns), normals(r, columns*rows)
			products := func(n int) (outputs [][]float64) {
				s := New(tensorflow.Float).WithTraining(true)
				a := s.Values(x[:n*each], int64(n), int64(rows), int64(inner))
				for _, y := range []tensorflow.Output{
					s.MatMul(a, s.Values(right, int64(inner), int64(columns))),
					s.MatMul(a, s.Values(right, 1, int64(inner), int64(columns))),
					s.MatMul(s.Values(left, int64(columns), int64(rows)), a),
				} {
					outputs = append(outputs, tftest.Evaluate(t, s, y, s.GradientsOf(s.Sum(s.Square(y)), []tensorflow.Output{a})[0])...)
				}
				return outputs
			}
			whole := products(samples)
			for _, n := range []int{2, 3} {
				for i, part := range products(n) {
					if want := whole[i][:len(part)]; !slices.Equal(part, want) {
						t.Errorf("%d of %d samples, output %d: other bits than among all", n, samples, i)
					}
				}
			}
		})
	}
}
