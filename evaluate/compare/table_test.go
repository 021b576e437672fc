package compare

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/prioritycut/prioritycut/evaluate/result"
)

// TestTable4 derives the marks of the paper's Table 4 from its numbers and
// compares them with those that follow from its rules by hand: B best, S second,
// + better than FOMM, - worse, . neither.
func TestTable4(t *testing.T) {
	table, err := PublishedTable(4)
	if err != nil {
		t.Fatal(err)
	}
	signs := map[Mark]string{Plain: ".", Best: "B", Second: "S", Better: "+", Worse: "-"}
	got := map[string]string{}
	for _, r := range table.Rows {
		for _, c := range r.Cells {
			got[r.Label] += signs[c.Mark]
		}
	}
	// L1, PSNR all, salient, non-salient, SSIM likewise, AKD, AED.
	want := map[string]string{
		"FOMM":        "....." + "SS" + "." + "S",
		"FOMM+":       "+--+" + "--B" + "-" + "-",
		"U-Net":       "S+++" + ".-S" + "B" + "-",
		"CutMix":      "BBBS" + "SBS" + "-" + "-",
		"PriorityCut": "SSSB" + "BBB" + "S" + "B",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestPublished counts the printed values and looks at those in which Tables 1
// and 4 disagree.
func TestPublished(t *testing.T) {
	values := 0
	var half []string
	for n := 1; n <= Published; n++ {
		table, err := PublishedTable(n)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range table.Rows {
			for c, m := range table.Columns {
				if !r.Cells[c].Mean.Known() {
					t.Errorf("Table %d, %s lacks %v", n, r.Label, m)
				}
				values++
				if m == (result.Measure{Metric: result.SSIM, Region: result.Salient}) && r.Label == "FOMM+" {
					half = append(half, r.Cells[c].half())
				}
			}
		}
	}
	if values != 152 {
		t.Errorf("%d values, the paper prints 152", values)
	}
	if diff := cmp.Diff([]string{"4e-4", "3e-4", "2e-4"}, half); diff != "" {
		t.Errorf("FOMM+, SSIM salient in Tables 1, 2, 4: %s", diff)
	}
	if _, err := PublishedTable(5); err == nil {
		t.Error("there is a Table 5")
	}
	bair, err := PublishedTable(3)
	if err != nil || !strings.Contains(bair.Markdown(), "| FOMM | <u>0.0292</u> ± 4e-4 | <u>24.8</u> ± 0.1 | <u>0.889</u> ± 1e-3 |") {
		t.Errorf("Table 3: %v\n%s", err, bair.Markdown())
	}
}

func TestColumns(t *testing.T) {
	for kind, want := range map[string]string{
		result.Faces:  "L1 ↓, PSNR ↑ All, PSNR ↑ Salient, PSNR ↑ ¬ Salient, SSIM ↑ All, SSIM ↑ Salient, SSIM ↑ ¬ Salient, AKD ↓, AED ↓",
		result.Bodies: "L1 ↓, PSNR ↑ All, PSNR ↑ Salient, PSNR ↑ ¬ Salient, SSIM ↑ All, SSIM ↑ Salient, SSIM ↑ ¬ Salient, AKD ↓, MKR ↓, AED ↓",
		result.Other:  "L1 ↓, PSNR ↑ All, SSIM ↑ All",
	} {
		var got []string
		for _, m := range Columns(kind) {
			got = append(got, Title(m))
		}
		if diff := cmp.Diff(want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("%s: %s", kind, diff)
		}
	}
}

func TestRank(t *testing.T) {
	l1 := result.Measure{Metric: result.L1, Region: result.All}
	table := func(values ...float64) Table {
		tab := Table{Columns: []result.Measure{l1}}
		for i, v := range values {
			r := tab.NewRow("r")
			r.Baseline, r.Variant = i == 0, i > 0
			r.Cells[0].Mean = result.Value(v)
			tab.Rows = append(tab.Rows, r)
		}
		tab.Rank()
		return tab
	}
	marks := func(tab Table) (all []Mark) {
		for _, r := range tab.Rows {
			all = append(all, r.Cells[0].Mark)
		}
		return all
	}
	for _, c := range []struct {
		name   string
		values []float64
		want   []Mark
	}{
		{"alone", []float64{0.1}, []Mark{Plain}},
		{"all look equal", []float64{0.1, 0.10001}, []Mark{Plain, Plain}},
		{"two best", []float64{0.3, 0.1, 0.10001, 0.2, 0.4}, []Mark{Plain, Best, Best, Second, Worse}},
		{"absent", []float64{float64(result.Absent()), 0.1, 0.2, 0.3}, []Mark{Plain, Best, Second, Plain}},
	} {
		if diff := cmp.Diff(c.want, marks(table(c.values...))); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestFormat(t *testing.T) {
	for v, want := range map[float64]string{9.4e-5: "9e-5", 9.6e-5: "1e-4", 0.0023: "2e-3", 0.021: "0.02", 0.96e-2: "0.01", 0.14: "0.1", 3.26: "3.3", 0: "0"} {
		if got := FormatCI(result.Value(v)); got != want {
			t.Errorf("FormatCI(%v) = %s, want %s", v, got, want)
		}
	}
	psnr := result.Measure{Metric: result.PSNR, Region: result.All}
	for v, want := range map[float64]string{0.1234: "+0.123", -0.1234: "-0.123", 0: "0.000", 0.00001: "+1.0e-05"} {
		if got := FormatDifference(psnr, result.Value(v)); got != want {
			t.Errorf("FormatDifference(%v) = %s, want %s", v, got, want)
		}
	}
}
