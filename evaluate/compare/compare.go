package compare

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/model"
)

// Options say how evaluations are compared.
type Options struct {
	// Baseline is the name of the evaluation that variants are coloured against
	// and paired with; empty takes the only one of the variant fomm. Where there
	// is none or several, nothing is coloured and the first is paired with.
	Baseline string
	// Published lists the paper's tables to show; nil takes those of the kind of
	// data, an empty list none.
	Published []int
	// Mixed puts evaluations of different protocols into one table all the same,
	// flagged and without differences.
	Mixed bool
	// Unpaired takes no differences.
	Unpaired bool
}

// Comparison is what evaluations say beside one another, a group per test set.
type Comparison struct{ Groups []Group }

// Group are evaluations of the same test set.
type Group struct {
	// Data is the name of the data set, Kind its kind.
	Data, Kind  string
	Evaluations []*result.Evaluation
	Table       Table
	// Published tables of the paper, as printed.
	Published []Table
	// Differences of every pair, those with the reference first.
	Differences []Pairing
	// Reference is the name of the evaluation that the others are compared with.
	Reference string
	// Conflicts are the parts of the protocol that differ; with any of them the
	// numbers do not compare, and there are no differences.
	Conflicts []string
	Notes     []string
}

// Pairing is the difference of one model from another in one measure.
type Pairing struct {
	Model, Against string
	Measure        result.Measure
	Difference
	Verdict Verdict
}

// DefaultEvaluation is where a run's evaluation lies when no other folder was
// named.
const DefaultEvaluation = "evaluation"

// ConflictError says that evaluations were not measured alike.
type ConflictError struct {
	Data      string
	Conflicts []string
}

// Error lists what differs and what to do.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("the evaluations on %s were not measured alike, so their numbers do not compare:\n  %s\n"+
		"evaluate anew with the same flags, or ask for `mixed` to see them side by side, flagged", e.Data, strings.Join(e.Conflicts, "\n  "))
}

// Load reads finished evaluations: each path is the folder of one, or of a run
// that holds one. Names that occur twice are told apart by their paths.
func Load(paths []string) ([]*result.Evaluation, error) {
	var all []*result.Evaluation
	var errs []error
	taken := map[result.Folder]bool{}
	for _, path := range paths {
		e, err := result.Read(path)
		if errors.Is(err, fs.ErrNotExist) {
			inner, innerErr := result.Read(filepath.Join(path, DefaultEvaluation))
			if e, err = inner, innerErr; errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("%s holds no evaluation: make one by evaluate `checkpoint`=%s", path, path)
			}
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		folder := result.Folder(filepath.Clean(string(e.Folder)))
		if taken[folder] {
			errs = append(errs, fmt.Errorf("%s is named twice: name every evaluation once", folder))
			continue
		}
		taken[folder] = true
		all = append(all, e)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	tellApart(all)
	return all, nil
}

// tellApart gives evaluations of one name the path of their folder beside it.
func tellApart(all []*result.Evaluation) {
	count := map[string]int{}
	for _, e := range all {
		count[e.Run.Name]++
	}
	for _, e := range all {
		if count[e.Run.Name] > 1 || e.Run.Name == "" {
			e.Run.Name = strings.TrimSpace(e.Run.Name + " (" + string(e.Folder) + ")")
		}
	}
}

// Build compares evaluations, group by group in the order in which test sets
// first come.
func Build(all []*result.Evaluation, o Options) (*Comparison, error) {
	if len(all) == 0 {
		return nil, errors.New("there is nothing to compare: name folders of evaluations")
	}
	if err := checkBaseline(all, o.Baseline); err != nil {
		return nil, err
	}
	c := &Comparison{}
	at := map[string]int{}
	for _, e := range all {
		key := e.Run.TestSet
		if _, known := at[key]; !known {
			at[key] = len(c.Groups)
			c.Groups = append(c.Groups, Group{Data: e.Run.Data, Kind: e.Run.DataKind})
		}
		g := &c.Groups[at[key]]
		g.Evaluations = append(g.Evaluations, e)
	}
	for i := range c.Groups {
		if err := c.Groups[i].build(o); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func checkBaseline(all []*result.Evaluation, name string) error {
	if name == "" {
		return nil
	}
	var names []string
	for _, e := range all {
		if e.Run.Name == name {
			return nil
		}
		names = append(names, e.Run.Name)
	}
	return fmt.Errorf("no evaluation is called %q: there are %s", name, strings.Join(names, ", "))
}

func (g *Group) build(o Options) error {
	g.Conflicts = conflicts(g.Evaluations)
	if len(g.Conflicts) > 0 && !o.Mixed {
		return &ConflictError{Data: g.Data, Conflicts: g.Conflicts}
	}
	g.tabulate(o.Baseline)
	g.Notes = notes(g.Evaluations)
	published := o.Published
	if published == nil && !builtIn(g.Data) {
		published = PublishedFor(g.Kind)
	}
	for _, n := range published {
		t, err := PublishedTable(n)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(g.Evaluations, func(e *result.Evaluation) bool { return e.Run.NotThePapers() != "" }) {
			t.Caption += "; detected by other networks than above, see below"
		}
		g.Published = append(g.Published, t)
	}
	if len(g.Conflicts) > 0 || o.Unpaired {
		return nil
	}
	return g.pair()
}

// builtIn reports whether a data set is one of drawings, which no paper has.
func builtIn(data string) bool {
	_, drawn := dataset.DrawnFigures(data)
	return drawn
}

// tabulate fills the table.
func (g *Group) tabulate(baseline string) {
	g.Table = Table{Columns: g.columns()}
	only := false
	g.Reference, only = g.reference(baseline)
	for _, e := range g.Evaluations {
		row := g.Table.NewRow(e.Run.Name)
		row.Baseline = only && e.Run.Name == g.Reference
		row.Variant = !row.Baseline && e.Run.Variant != ""
		for _, s := range e.Summary {
			for c, m := range g.Table.Columns {
				if s.Measure() == m {
					row.Cells[c] = Cell{Mean: s.Mean, Half: s.CI95, Low: s.CIVideosLow, High: s.CIVideosHigh}
				}
			}
		}
		g.Table.Rows = append(g.Table.Rows, row)
	}
	if len(g.Conflicts) == 0 {
		g.Table.Rank()
	}
}

// columns are the paper's for the kind of data, and what else was measured in
// any evaluation.
func (g *Group) columns() []result.Measure {
	wanted := map[result.Measure]bool{}
	for _, m := range Columns(g.Kind) {
		wanted[m] = true
	}
	for _, e := range g.Evaluations {
		for _, s := range e.Summary {
			wanted[s.Measure()] = wanted[s.Measure()] || s.Mean.Known()
		}
	}
	var columns []result.Measure
	for _, m := range result.Measures() {
		if wanted[m] {
			columns = append(columns, m)
		}
	}
	return columns
}

// reference is the evaluation that the others are paired with: the baseline
// that was named, else the only one of the variant that is one to colour by,
// else the first, which is none.
func (g *Group) reference(baseline string) (name string, isBaseline bool) {
	n := 0
	for _, e := range g.Evaluations {
		if e.Run.Name == baseline {
			return baseline, true
		}
		if model.Variant(e.Run.Variant) == model.Baseline() {
			name, n = e.Run.Name, n+1
		}
	}
	if n != 1 {
		return g.Evaluations[0].Run.Name, false
	}
	return name, true
}

// pair takes the differences of every pair.
func (g *Group) pair() error {
	values := make([]*Values, len(g.Evaluations))
	for i, e := range g.Evaluations {
		var err error
		if values[i], err = ReadValues(e); err != nil {
			return fmt.Errorf("%s: %w", e.Folder, err)
		}
	}
	// The reference first, then the order of the table.
	sort.SliceStable(values, func(i, j int) bool { return values[i].Name == g.Reference && values[j].Name != g.Reference })
	for i, against := range values {
		for _, v := range values[i+1:] {
			for _, m := range g.Table.Columns {
				d, err := Pair([]*Values{v}, []*Values{against}, m)
				if err != nil {
					return err
				}
				if !d.Mean.Known() {
					continue
				}
				g.Differences = append(g.Differences, Pairing{
					Model: v.Name, Against: against.Name, Measure: m, Difference: d, Verdict: Judge(m, d.Low, d.High),
				})
			}
		}
	}
	return nil
}
