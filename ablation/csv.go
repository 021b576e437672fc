package ablation

import (
	"io"

	"github.com/gocarina/gocsv"

	"github.com/prioritycut/prioritycut/evaluate/compare"
	"github.com/prioritycut/prioritycut/evaluate/result"
)

// EffectRow is a row of differences.csv.
type EffectRow struct {
	compare.DifferenceRow
	SeedLow  result.Value `csv:"ci_seeds_low"`
	SeedHigh result.Value `csv:"ci_seeds_high"`
	Seeds    int          `csv:"seeds"`
}

// claimRow is a row of claims.csv: a part of a claim.
type claimRow struct {
	Claim string `csv:"claim"`
	EffectRow
	Expect    Expectation `csv:"claimed"`
	Answer    Answer      `csv:"answer"`
	TheseRuns Answer      `csv:"answer_these_runs"`
}

func (f *Finding) row(data string) EffectRow {
	p := compare.Pairing{
		Model: string(f.Variant), Against: string(f.Against), Measure: f.Measure, Difference: f.Difference, Verdict: f.Verdict,
	}
	return EffectRow{DifferenceRow: p.Row(data), SeedLow: f.SeedLow, SeedHigh: f.SeedHigh, Seeds: len(f.BySeed)}
}

// writeEffects writes the differences from the baseline as CSV.
func (o *Outcome) writeEffects(w io.Writer) error {
	rows := []EffectRow{}
	for i := range o.Effects {
		rows = append(rows, o.Effects[i].row(o.Run.Data))
	}
	return gocsv.Marshal(rows, w)
}

// writeClaims writes the parts of all claims as CSV.
func (o *Outcome) writeClaims(w io.Writer) error {
	var rows []claimRow
	for _, c := range o.Claims {
		for _, f := range c.Findings {
			rows = append(rows, claimRow{
				Claim: c.ID, EffectRow: f.row(o.Run.Data), Expect: f.Expect, Answer: f.Answer, TheseRuns: f.TheseRuns,
			})
		}
	}
	return gocsv.Marshal(rows, w)
}
