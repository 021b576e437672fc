package prioritycut

import (
	"math"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// TestLawsOfK compares mean and variance of the draws with the distributions'.
func TestLawsOfK(t *testing.T) {
	const n = 40000
	for _, c := range []struct{ alpha, beta, low, high float64 }{{1, 1, 0, 1}, {2, 5, 0, 1}, {0.3, 0.4, 0.1, 0.5}, {100, 1, 0, 1}} {
		p := DefaultParams()
		p.KLaw, p.KAlpha, p.KBeta, p.KMin, p.KMax = BetaLaw, c.alpha, c.beta, c.low, c.high
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		mean, square := 0.0, 0.0
		for _, k := range DrawK(random.New(3), n, p) {
			if float64(k) < c.low-1e-7 || float64(k) > c.high+1e-7 {
				t.Fatalf("%+v draws %v", c, k)
			}
			mean += float64(k) / n
			square += float64(k) * float64(k) / n
		}
		sum, width := c.alpha+c.beta, c.high-c.low
		wantMean := c.low + width*c.alpha/sum
		wantVar := width * width * c.alpha * c.beta / (sum * sum * (sum + 1))
		if math.Abs(mean-wantMean) > 5*math.Sqrt(wantVar/n) {
			t.Errorf("%+v: the mean is %v, want %v", c, mean, wantMean)
		}
		if got := square - mean*mean; math.Abs(got/wantVar-1) > 0.05 {
			t.Errorf("%+v: the variance is %v, want %v", c, got, wantVar)
		}
	}
	p := DefaultParams()
	p.KLaw, p.KMin, p.KMax = FixedLaw, 0.1, 0.3
	for _, k := range DrawK(random.New(1), 3, p) {
		if k != 0.3 {
			t.Errorf("a fixed k is %v", k)
		}
	}
}

// TestKPerBatch: one draw for all samples, the one that the first has otherwise.
func TestKPerBatch(t *testing.T) {
	p := DefaultParams()
	each := DrawK(random.New(5), 4, p)
	p.KPer = PerBatch
	all := DrawK(random.New(5), 4, p)
	for i, k := range all {
		if k != each[0] || i > 0 && each[i] == each[0] {
			t.Errorf("sample %d: %v of a batch, %v of its own", i, k, each[i])
		}
	}
}

func TestRefusedLaws(t *testing.T) {
	for name, change := range map[string]func(*Params){
		"k_law": func(p *Params) { p.KLaw = "normal" }, "k_per": func(p *Params) { p.KPer = "epoch" },
		"k_alpha": func(p *Params) { p.KAlpha = 0 }, "k_beta": func(p *Params) { p.KBeta = math.NaN() },
		"mask_at": func(p *Params) { p.MaskAt = "paper" },
	} {
		p := DefaultParams()
		change(&p)
		if err := p.Validate(); err == nil || err.Error()[:len(name)] != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMaskAtMotion: pixels are ranked where the maps are, and repeated.
func TestMaskAtMotion(t *testing.T) {
	s := graph.New(tensorflow.Float)
	occlusion := s.Values([]float64{0.1, 0.9, 0.5, 0.2}, 1, 2, 2, 1)
	background := s.Values([]float64{0, 0, 1, 0}, 1, 2, 2, 1)
	k := s.Const([]float32{0.67})
	p := DefaultParams()
	p.MaskAt = AtMotion
	m := ImageMask(s, occlusion, background, k, 4, 4, p)
	got := tftest.Evaluate(t, s, m.Mask, m.Foreground, Saturated(s, m, p))
	// Two of three foreground pixels are cut: 0.1 and 0.2.
	want := []float64{0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0}
	for i := range want {
		if got[0][i] != want[i] {
			t.Fatalf("the mask is %v, want %v", got[0], want)
		}
	}
	if got[1][10] != float64(float32(0.2)) || got[1][8] != 1 || got[2][0] != 0 {
		t.Errorf("foreground %v, saturated %v", got[1], got[2])
	}
}
