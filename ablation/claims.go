package ablation

import (
	"slices"

	"github.com/prioritycut/prioritycut/evaluate/compare"
	"github.com/prioritycut/prioritycut/evaluate/result"
)

// Expectation is what a claim says of a difference.
type Expectation string

// Expectations.
const (
	Better Expectation = "better"
	Worse  Expectation = "worse"
	// NotBetter is the rest of "better only in": worse says yes, better says no.
	NotBetter Expectation = "not better"
)

// Part is one comparison of a claim.
type Part struct {
	Variant, Against RowName
	Measure          result.Measure
	Expect           Expectation
}

// Claim is a sentence that the paper's Table 4 supports, with its comparisons.
type Claim struct {
	ID, Text string
	Parts    []Part
}

var (
	l1       = result.Measure{Metric: result.L1, Region: result.All}
	psnr     = result.Measure{Metric: result.PSNR, Region: result.All}
	psnrSal  = result.Measure{Metric: result.PSNR, Region: result.Salient}
	psnrNon  = result.Measure{Metric: result.PSNR, Region: result.NonSalient}
	ssim     = result.Measure{Metric: result.SSIM, Region: result.All}
	ssimSal  = result.Measure{Metric: result.SSIM, Region: result.Salient}
	ssimNon  = result.Measure{Metric: result.SSIM, Region: result.NonSalient}
	akd      = result.Measure{Metric: result.AKD, Region: result.All}
	aed      = result.Measure{Metric: result.AED, Region: result.All}
	everyOne = []result.Measure{l1, psnr, psnrSal, psnrNon, ssim, ssimSal, ssimNon, akd, aed}
)

// claims of Secs. 4.2 and 4.3 and Tables 1 to 4. (In Table 1 the non-salient
// SSIM ties with FOMM+'s.) Where other families were not trained the first one is
// left out, and what is said of vanilla CutMix is so of its own pair. That AED degrades further with the U-Net is
// said of the row before it.
var claims = []Claim{
	{"a", "+ PriorityCut against X2Face, Monkey-Net, FOMM and FOMM+: better in every metric", join(
		parts(PriorityCut, X2Face, Better, everyOne...),
		parts(PriorityCut, MonkeyNet, Better, everyOne...),
		parts(PriorityCut, FOMM, Better, everyOne...),
		parts(PriorityCut, FOMMAdv, Better, everyOne...),
	)},
	{"b", "+ Adv against the baseline: better only in L1 and in the non-salient parts", join(
		parts(FOMMAdv, FOMM, Better, l1, psnrNon, ssimNon),
		parts(FOMMAdv, FOMM, NotBetter, psnr, psnrSal, ssim, ssimSal, akd, aed),
	)},
	{"c", "+ U-Net: better L1 and AKD, AED further degraded", join(
		parts(UNet, FOMM, Better, l1, akd),
		parts(UNet, FOMMAdv, Worse, aed),
	)},
	{"d", "+ PriorityCut against the baseline: better in every metric",
		parts(PriorityCut, FOMM, Better, everyOne...)},
	{"e", "+ CutMix: the best L1, PSNR and salient PSNR of all; AKD and AED worse than the baseline", join(
		parts(CutMix, FOMM, Better, l1, psnr, psnrSal),
		parts(CutMix, FOMMAdv, Better, l1, psnr, psnrSal),
		parts(CutMix, UNet, Better, l1, psnr, psnrSal),
		parts(CutMix, PriorityCut, Better, l1, psnr, psnrSal),
		parts(CutMix, FOMM, Worse, akd, aed),
	)},
}

// Claims lists what the paper claims.
func Claims() []Claim { return append([]Claim(nil), claims...) }

// claimsOf are the claims about rows: what is said of other families only where
// one of them is there.
func claimsOf(rows []RowName) []Claim {
	var all []Claim
	for _, c := range claims {
		if c.ID != "a" || slices.Contains(rows, X2Face) || slices.Contains(rows, MonkeyNet) {
			all = append(all, c)
		}
	}
	return all
}

func parts(v, against RowName, expect Expectation, measures ...result.Measure) []Part {
	var all []Part
	for _, m := range measures {
		all = append(all, Part{Variant: v, Against: against, Measure: m, Expect: expect})
	}
	return all
}

func join(lists ...[]Part) []Part {
	var all []Part
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}

// Answer is what was found of a claim or a part of it.
type Answer string

// Answers.
const (
	Yes         Answer = "yes"
	No          Answer = "no"
	Undecided   Answer = "undecided"
	NotMeasured Answer = "not measured"
)

// Finding is a part of a claim with its paired difference.
type Finding struct {
	Part
	Effect
	// Answer holds for other videos and other seeds, TheseRuns for other videos
	// alone: by the interval over videos.
	Answer, TheseRuns Answer
}

// Found is a claim with its findings.
type Found struct {
	Claim
	Findings []Finding
	// Answer is yes where every part that was measured is, no where any of them
	// is no, else undecided; TheseRuns likewise.
	Answer, TheseRuns Answer
	// Unmeasured lists the measures of the claim that were not measured.
	Unmeasured []string
}

// answer says what a difference means for a part.
func (p Part) answer(v compare.Verdict) Answer {
	switch {
	case v == compare.Unknown:
		return NotMeasured
	case v == compare.Undecided:
		return Undecided
	case (v == compare.IsBetter) == (p.Expect == Better):
		return Yes
	}
	return No
}

// judge answers a claim; effect gives the difference of each part.
func (c Claim) judge(effect func(Part) (Effect, error)) (Found, error) {
	f := Found{Claim: c, Answer: NotMeasured, TheseRuns: NotMeasured}
	named := map[string]bool{}
	for _, p := range c.Parts {
		e, err := effect(p)
		if err != nil {
			return f, err
		}
		one := Finding{Part: p, Effect: e, Answer: p.answer(e.Verdict), TheseRuns: p.answer(compare.Judge(p.Measure, e.Low, e.High))}
		f.Findings = append(f.Findings, one)
		f.Answer, f.TheseRuns = f.Answer.and(one.Answer), f.TheseRuns.and(one.TheseRuns)
		if name := compare.Title(p.Measure); one.Answer == NotMeasured && !named[name] {
			named[name], f.Unmeasured = true, append(f.Unmeasured, name)
		}
	}
	return f, nil
}

// and is the answer to two parts together; what was not measured says nothing.
func (a Answer) and(b Answer) Answer {
	for _, stronger := range []Answer{No, Undecided, Yes} {
		if a == stronger || b == stronger {
			return stronger
		}
	}
	return NotMeasured
}
