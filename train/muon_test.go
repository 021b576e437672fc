package train

import (
	"math"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model/fomm"
)

const discriminatorPlayer = fomm.DiscriminatorPlayer

// muonColumns is the number of columns of a variable that Muon moves, 0 of another.
func muonColumns(v *graph.Variable) int {
	if len(v.Dims) != 4 || v.Dims[3] < 8 || v.Size() < 8*int(v.Dims[3]) {
		return 0
	}
	return int(v.Dims[3])
}

// moveOrthogonally moves w by Muon with a momentum of 0.9.
func (r *rule) moveOrthogonally(w, g []float64) []float64 {
	x, norm := make([]float64, len(g)), 0.0
	for i := range g {
		r.first[i] = 0.9*r.first[i] + 0.1*g[i]
		x[i] = 0.9*r.first[i] + 0.1*g[i]
		norm += x[i] * x[i]
	}
	rows := len(x) / r.columns
	for i := range x {
		x[i] /= math.Sqrt(norm)
	}
	for range 5 {
		x = polynomial(x, rows, r.columns)
	}
	for i := range w {
		w[i] -= r.rate * r.muon * math.Sqrt(float64(max(rows, r.columns))) * x[i]
	}
	return w
}

// polynomial is 3.4445 X - 4.775 X X' X + 2.0315 (X X')^2 X, the square on the right
// of X whatever its sides.
func polynomial(x []float64, rows, columns int) []float64 {
	square := make([]float64, columns*columns) // X' X
	for i := range rows {
		row := x[i*columns:][:columns]
		for j, a := range row {
			for k, b := range row {
				square[j*columns+k] += a * b
			}
		}
	}
	times := func(m []float64) []float64 { // m X' X
		out := make([]float64, len(m))
		for i := range len(m) / columns {
			for j := range columns {
				for k := range columns {
					out[i*columns+k] += m[i*columns+j] * square[j*columns+k]
				}
			}
		}
		return out
	}
	cubic := times(x)
	quintic := times(cubic)
	out := make([]float64, len(x))
	for i := range out {
		out[i] = 3.4445*x[i] - 4.7750*cubic[i] + 2.0315*quintic[i]
	}
	return out
}
