package ablation

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/evaluate/compare"
	"github.com/prioritycut/prioritycut/evaluate/result"
)

// TestClaimsHoldOnPaper: the claims are read off Table 4, and the first one off
// Table 1, so that the printed numbers must answer all of them with yes. One
// value of Table 1 ties.
func TestClaimsHoldOnPaper(t *testing.T) {
	for _, c := range Claims() {
		number := 4
		if c.ID == "a" {
			number = 1
		}
		table, err := compare.PublishedTable(number)
		if err != nil {
			t.Fatal(err)
		}
		value := func(v RowName, m result.Measure) float64 {
			for _, r := range table.Rows {
				for c, have := range table.Columns {
					if r.Label == rowOf(v).Published && have == m {
						return float64(r.Cells[c].Mean)
					}
				}
			}
			t.Fatalf("Table %d has no %v of %s", number, m, v)
			return 0
		}
		found, err := c.judge(func(p Part) (Effect, error) {
			d := result.Value(value(p.Variant, p.Measure) - value(p.Against, p.Measure))
			return Effect{Difference: compare.Difference{Mean: d, Low: d, High: d}, Verdict: compare.Judge(p.Measure, d, d)}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found.Findings {
			tie := c.ID == "a" && f.Against == FOMMAdv && f.Measure == ssimNon
			if (f.Answer == Yes) == tie {
				t.Errorf("claim %s, %s %v: %s", c.ID, f.pair(), f.Measure, f.Answer)
			}
		}
	}
}

// TestJudge answers a claim of three parts by hand-made verdicts.
func TestJudge(t *testing.T) {
	claim := Claim{Parts: []Part{
		{Variant: UNet, Against: FOMM, Measure: l1, Expect: Better},
		{Variant: UNet, Against: FOMM, Measure: psnr, Expect: NotBetter},
		{Variant: UNet, Against: FOMM, Measure: aed, Expect: Worse},
	}}
	const b, w, u, n = compare.IsBetter, compare.IsWorse, compare.Undecided, compare.Unknown
	for _, c := range []struct {
		verdicts [3]compare.Verdict
		want     [3]Answer
		whole    Answer
	}{
		{[3]compare.Verdict{b, w, w}, [3]Answer{Yes, Yes, Yes}, Yes},
		{[3]compare.Verdict{b, w, n}, [3]Answer{Yes, Yes, NotMeasured}, Yes},
		{[3]compare.Verdict{b, u, w}, [3]Answer{Yes, Undecided, Yes}, Undecided},
		{[3]compare.Verdict{b, b, u}, [3]Answer{Yes, No, Undecided}, No},
		{[3]compare.Verdict{w, u, w}, [3]Answer{No, Undecided, Yes}, No},
		{[3]compare.Verdict{u, w, b}, [3]Answer{Undecided, Yes, No}, No},
		{[3]compare.Verdict{n, n, n}, [3]Answer{NotMeasured, NotMeasured, NotMeasured}, NotMeasured},
	} {
		i := 0
		found, err := claim.judge(func(Part) (Effect, error) {
			i++
			return Effect{Verdict: c.verdicts[i-1]}, nil
		})
		var got [3]Answer
		for k, f := range found.Findings {
			got[k] = f.Answer
		}
		if err != nil || got != c.want || found.Answer != c.whole {
			t.Errorf("%v: %v, %s; want %v, %s (%v)", c.verdicts, got, found.Answer, c.want, c.whole, err)
		}
	}
}

// values are those of an evaluation with an L1 per video and frame.
func values(t *testing.T, l1Of func(v, i int) float64) *compare.Values {
	t.Helper()
	dir := t.TempDir()
	s, err := result.OpenStore(dir, result.Run{Name: "x", Protocol: result.Protocol{DataKind: result.Bodies}}, true)
	if err != nil {
		t.Fatal(err)
	}
	for v := 0; v < 8; v++ {
		var rows []result.FrameRow
		name := fmt.Sprint(v)
		for i := 0; i < 3; i++ {
			r := result.NewFrameRow(name, i)
			r.Set(l1, l1Of(v, i))
			rows = append(rows, r)
		}
		if err := s.Add(name, []result.VideoRow{{Length: 3, Metric: "l1", Region: "all", Frames: 3}}, rows); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Finish([]result.SummaryRow{{Metric: "l1", Region: "all"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	e, err := result.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	all, err := compare.ReadValues(e)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestEffect decides by videos and by seeds.
func TestEffect(t *testing.T) {
	base := values(t, func(v, i int) float64 { return 0.1 + 0.01*float64(v) })
	off := func(d float64) *compare.Values {
		return values(t, func(v, i int) float64 { return 0.1 + 0.01*float64(v) + d })
	}
	bases := []*compare.Values{base, base, base}
	for _, c := range []struct {
		name   string
		shifts []float64
		want   compare.Verdict
	}{
		{"all seeds agree", []float64{-0.010, -0.011, -0.012}, compare.IsBetter},
		{"worse", []float64{0.010, 0.011, 0.012}, compare.IsWorse},
		// Every video says better, but what a seed gives varies as much.
		{"seeds disagree", []float64{-0.03, -0.001, -0.001}, compare.Undecided},
		{"one seed", []float64{-0.01}, compare.IsBetter},
	} {
		var a []*compare.Values
		sum := 0.0
		for _, d := range c.shifts {
			a, sum = append(a, off(d)), sum+d
		}
		e, err := effectOf(a, bases[:len(a)], l1)
		mean := sum / float64(len(a))
		if err != nil || e.Verdict != c.want || math.Abs(float64(e.Mean)-mean) > 1e-12 || len(e.BySeed) != len(a) {
			t.Errorf("%s: %+v, %v", c.name, e, err)
		}
		if len(a) == 3 {
			// t = 4.3027 at two degrees of freedom.
			var squares float64
			for _, d := range c.shifts {
				squares += (d - mean) * (d - mean)
			}
			want := mean - 4.3027*math.Sqrt(squares/2)/math.Sqrt(3)
			if math.Abs(float64(e.SeedLow)-want) > 1e-6 {
				t.Errorf("%s: interval over seeds from %v, want %v", c.name, e.SeedLow, want)
			}
		} else if e.SeedLow.Known() {
			t.Errorf("%s: an interval over one seed", c.name)
		}
	}
	if e, err := effectOf(bases, bases, aed); err != nil || e.Verdict != compare.Unknown {
		t.Errorf("not measured: %+v, %v", e, err)
	}
}

// TestStudent compares with closed forms and with tables.
func TestStudent(t *testing.T) {
	got := map[int]float64{}
	want := map[int]float64{
		1: math.Tan(math.Pi * 0.475), 2: 0.95 * math.Sqrt(2/(4*0.975*0.025)), 3: 3.182446, 10: 2.228139, 20: 2.085963,
		21: 2.079614, 30: 2.042272, 60: 2.000298, 1000: 1.962339,
	}
	for n := range want {
		got[n] = studentQuantile(n)
	}
	close := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 2e-4 })
	if diff := cmp.Diff(want, got, close); diff != "" {
		t.Error(diff)
	}
	if !math.IsNaN(studentQuantile(0)) {
		t.Error("one value has an interval")
	}
}
