package ablation

import (
	"fmt"

	"github.com/prioritycut/prioritycut/evaluate/compare"
	"github.com/prioritycut/prioritycut/evaluate/result"
)

// Outcome is what an ablation found so far.
type Outcome struct {
	// Seeds that every variant was trained from and measured; all numbers are
	// over these.
	Seeds []int64
	// Left is how many measured runs wait for the others of their seed.
	Left int
	// Table has a row per variant: means over seeds with intervals over seeds.
	Table compare.Table
	// Runs has a row per run.
	Runs compare.Table
	// Effects are the differences of each variant from the baseline.
	Effects []Finding
	// Claims are the paper's, answered.
	Claims []Found
	// Run describes how was measured, the same for all.
	Run result.Run

	values map[RowName][]*compare.Values // by variant, in the order of Seeds
}

// newOutcome puts evaluations together, one per run of the plan, nil where there
// is none. It is nil until a seed is whole.
func newOutcome(p *Plan, all []*result.Evaluation) (*Outcome, error) {
	o := &Outcome{values: map[RowName][]*compare.Values{}}
	var used []*result.Evaluation
	n := len(p.Rows)
	for first := 0; first+n <= len(all); first += n {
		if round := all[first : first+n]; whole(round) {
			o.Seeds = append(o.Seeds, p.Runs[first].Seed)
			used = append(used, round...)
		} else {
			for _, e := range round {
				if e != nil {
					o.Left++
				}
			}
		}
	}
	if len(o.Seeds) == 0 {
		return nil, nil
	}
	// The same protocol and the same test set: one table is allowed.
	c, err := compare.Build(used, compare.Options{Published: []int{}, Unpaired: true})
	if err != nil {
		return nil, err
	}
	if len(c.Groups) > 1 {
		return nil, fmt.Errorf("the runs in %s were measured on different test sets: the data have changed; remove the folders %s of the runs and measure anew",
			p.Out, compare.DefaultEvaluation)
	}
	o.Run, o.Runs = used[0].Run, c.Groups[0].Table
	for i, e := range used {
		v, err := compare.ReadValues(e)
		if err != nil {
			return nil, err
		}
		o.values[p.Rows[i%n]] = append(o.values[p.Rows[i%n]], v)
	}
	o.tabulate(p.Rows)
	if err := o.compare(p.Rows); err != nil {
		return nil, err
	}
	for _, claim := range claimsOf(p.Rows) {
		found, err := claim.judge(o.effect)
		if err != nil {
			return nil, err
		}
		o.Claims = append(o.Claims, found)
	}
	return o, nil
}

func whole(round []*result.Evaluation) bool {
	for _, e := range round {
		if e == nil {
			return false
		}
	}
	return true
}

// tabulate fills the table: o.Runs has the runs seed by seed.
func (o *Outcome) tabulate(variants []RowName) {
	o.Table = compare.Table{Columns: o.Runs.Columns}
	for k, v := range variants {
		row := o.Table.NewRow(rowOf(v).Label)
		row.Baseline, row.Variant = v == baseline, v != baseline
		for c := range o.Table.Columns {
			var means []float64
			for s := range o.Seeds {
				if mean := o.Runs.Rows[s*len(variants)+k].Cells[c].Mean; mean.Finite() {
					means = append(means, float64(mean))
				}
			}
			if len(means) == 0 {
				continue
			}
			mean, half := overSeeds(means)
			row.Cells[c] = compare.Cell{
				Mean: result.Value(mean), Half: result.Value(half),
				Low: result.Value(mean - half), High: result.Value(mean + half),
			}
		}
		o.Table.Rows = append(o.Table.Rows, row)
	}
	o.Table.Rank()
	o.Table.Caption = caption(len(o.Seeds))
}

func caption(seeds int) string {
	if seeds == 1 {
		return "one seed: without an interval over seeds"
	}
	return fmt.Sprintf("mean over %d seeds ± half the 95 %% interval over seeds (Student's t), in the plots too", seeds)
}

// compare takes the differences from the baseline.
func (o *Outcome) compare(variants []RowName) error {
	for _, v := range variants {
		if v == baseline {
			continue
		}
		for _, m := range o.Table.Columns {
			part := Part{Variant: v, Against: baseline, Measure: m}
			e, err := o.effect(part)
			if err != nil {
				return err
			}
			if e.Verdict != compare.Unknown {
				o.Effects = append(o.Effects, Finding{Part: part, Effect: e})
			}
		}
	}
	return nil
}

// effect is the difference of a part; not measured where a variant was not
// trained.
func (o *Outcome) effect(p Part) (Effect, error) {
	a, b := o.values[p.Variant], o.values[p.Against]
	if len(a) == 0 || len(b) == 0 {
		return noEffect(), nil
	}
	return effectOf(a, b, p.Measure)
}
