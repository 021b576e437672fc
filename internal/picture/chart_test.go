package picture

import (
	"math"
	"slices"
	"testing"
)

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		span
		logarithms bool
		want       []float64
	}{
		{span{0, 1}, false, []float64{0, 0.2, 0.4, 0.6, 0.8, 1}},
		{span{10, 1350}, false, []float64{200, 400, 600, 800, 1000, 1200}},
		{span{-0.5, 0.5}, false, []float64{-0.4, -0.2, 0, 0.2, 0.4}},
		{span{math.Log10(0.3), math.Log10(30)}, true, []float64{0.5, 1, 2, 5, 10, 20}},
		{span{-4.2, 0.3}, true, []float64{1e-4, 1e-3, 1e-2, 1e-1, 1}},
	} {
		got := c.ticks(c.logarithms)
		if !slices.EqualFunc(got, c.want, func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(math.Abs(b), 1e-9) }) {
			t.Errorf("%+v: %v, want %v", c.span, got, c.want)
		}
	}
}

// coloured are the rows in which the first series stands in a column.
func coloured(t *testing.T, c *Chart, x float64) (mean float64, n int) {
	t.Helper()
	m, err := c.Draw()
	if err != nil {
		t.Fatal(err)
	}
	for y := 70; y < m.Rect.Dy(); y++ { // below the names
		got := m.RGBAAt(m.Rect.Dx()-3*margin-chartW+int(x*(chartW-1)), y)
		if got.R < 140 && got.B > got.R+40 { // a line's edge is soft
			mean, n = mean+float64(y), n+1
		}
	}
	return mean / float64(n), n
}

// A line rises evenly where its values do, or where their logarithms do; what is
// no number does not break it.
func TestChart(t *testing.T) {
	for _, logarithms := range []bool{false, true} {
		s := Series{Name: "rising"}
		for i := 0; i <= 10; i++ {
			v := float64(i) + 1
			if logarithms {
				v = math.Pow(10, float64(i))
			}
			if i == 4 {
				v = math.NaN()
			}
			s.X, s.Y = append(s.X, float64(100*i)), append(s.Y, v)
		}
		c := &Chart{Title: "a chart", Axis: "step", Panels: []Panel{{Caption: "values", Log: logarithms, Series: []Series{s}}}}
		var at []float64
		for _, x := range []float64{0.25, 0.5, 0.75} {
			y, n := coloured(t, c, x)
			if n == 0 || n > 6 {
				t.Fatalf("logarithms %t: %d pixels at %v", logarithms, n, x)
			}
			at = append(at, y)
		}
		if up := at[0] - at[1]; up < 20 || math.Abs(at[1]-at[2]-up) > 2 {
			t.Errorf("logarithms %t: rows %v", logarithms, at)
		}
	}
	if _, err := (&Chart{Panels: []Panel{{Log: true, Series: []Series{{X: []float64{1}, Y: []float64{-1}}}}}}).Draw(); err == nil {
		t.Error("a chart of nothing is drawn")
	}
}
