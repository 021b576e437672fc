package ablation

import (
	"fmt"
	"io"
	"strings"

	"github.com/prioritycut/prioritycut/evaluate/compare"
	"github.com/prioritycut/prioritycut/evaluate/result"
)

// Files of an ablation.
const (
	MarkdownFile = "ablation.md"
	HTMLFile     = "ablation.html"
	TableFile    = "ablation.csv"
	RunsFile     = "runs.csv"
	EffectsFile  = "differences.csv"
	ClaimsFile   = "claims.csv"
)

// write writes everything that was found into the ablation's folder.
func (o *Outcome) write(p *Plan, pictures []compare.Picture) error {
	r, err := o.report(p, pictures)
	if err != nil {
		return err
	}
	return newWriting(p.Out).tables(p.Out, []compare.File{
		{Name: TableFile, Write: func(w io.Writer) error {
			return compare.WriteCSV(w, []string{o.Run.Data}, []compare.Table{o.Table})
		}},
		{Name: RunsFile, Write: func(w io.Writer) error {
			return compare.WriteCSV(w, []string{o.Run.Data}, []compare.Table{o.Runs})
		}},
		{Name: EffectsFile, Write: o.writeEffects},
		{Name: ClaimsFile, Write: o.writeClaims},
		{Name: MarkdownFile, Write: r.WriteMarkdown},
		{Name: HTMLFile, Write: r.WriteHTML},
	})
}

// report puts the outcome into words.
func (o *Outcome) report(p *Plan, pictures []compare.Picture) (*compare.Report, error) {
	c := p.Runs[0].Config
	published, err := compare.PublishedTable(4)
	if err != nil {
		return nil, err
	}
	notes := append([]string{o.setting(p), compare.Legend}, o.notes(p)...)
	return &compare.Report{Title: "Ablation", Sections: []compare.Section{
		{
			Title: fmt.Sprintf("%s on %s", c.Preset, o.Run.Data), Tables: []compare.Table{o.Table}, Notes: notes,
			Plots: o.Table.Plots(), Pictures: pictures,
		},
		{
			Title: "The paper's claims", Grids: []compare.Grid{o.claimGrid(), o.findingGrid()},
			Notes: []string{howDecided},
		},
		{Title: "Differences from the baseline", Grids: []compare.Grid{o.effectGrid()}, Plots: o.effectPlots(), Notes: []string{howDecided}},
		{Title: "The paper's own numbers", Tables: []compare.Table{published}, Notes: []string{
			"Of other data, other sizes and a hundred times the training: the pattern may be compared with the table above, the values not.",
		}},
	}}, nil
}

const howDecided = "Differences are paired: runs of the same seed, the same frames of the same videos. The first interval draws videos anew, " +
	"the second is over seeds (Student's t). Better or worse is said where both leave out 0 on the same side, otherwise undecided. " +
	"Of these runs alone is by the first interval: what holds for the models that were trained, whether or not others trained alike would agree."

// setting says what was trained.
func (o *Outcome) setting(p *Plan) string {
	c := p.Runs[0].Config
	length := fmt.Sprintf("%d steps", c.Train.Steps)
	if c.Train.Steps == 0 {
		length = fmt.Sprintf("%d epochs", c.Train.NumEpochs)
	}
	text := fmt.Sprintf("%s, %s, %s of %d pairs each, pictures of %dx%d pixels. SSIM window: %s; salient parts: %s; keypoints: %s; embeddings: %s.",
		count(len(p.Rows), "variant"), count(len(o.Seeds), "seed"), length, c.Train.BatchSize, o.Run.Width, o.Run.Height,
		o.Run.SSIMWindow, o.Run.Masks, o.Run.KeypointsGenerated, o.Run.EmbeddingsGenerated)
	if p.Schedule != "" {
		text += " " + strings.ToUpper(p.Schedule[:1]) + p.Schedule[1:] + "."
	}
	return text
}

// notes say what a reader must know before the numbers mean anything.
func (o *Outcome) notes(p *Plan) []string {
	var all []string
	c := p.Runs[0].Config
	if weight := c.Train.LossWeights.Reconstruction; weight != 0 {
		all = append(all, fmt.Sprintf("Every variant has, beside the paper's losses, one on pixels (weight %v), which favours L1 and PSNR in all of them alike.", weight))
	}
	if c.VGG19.SHA256 == "" && c.VGG19.File == "random" {
		all = append(all, "The perceptual loss compares random fixed features, not VGG-19's.")
	}
	if p.quick {
		all = append(all, "A quick run: the numbers mean nothing.")
	}
	if len(o.Seeds) == 1 {
		all = append(all, "One seed: what is said here holds for these very runs; another seed may say otherwise.")
	}
	if o.Left > 0 {
		all = append(all, fmt.Sprintf("Measured and waiting for the others of their seed: %s.", count(o.Left, "run")))
	}
	if len(o.Seeds) < p.Seeds {
		all = append(all, fmt.Sprintf("Not complete: %d of %d seeds. The same command goes on.", len(o.Seeds), p.Seeds))
	}
	return all
}

// claimGrid answers each claim in a line.
func (o *Outcome) claimGrid() compare.Grid {
	g := compare.Grid{Caption: "each claim as a whole", Header: []string{"", "claim", "answer", "its parts", "of these runs alone"}}
	for _, c := range o.Claims {
		given := map[Answer]int{}
		for _, f := range c.Findings {
			given[f.Answer]++
		}
		answer := string(c.Answer)
		if len(c.Unmeasured) > 0 && c.Answer != NotMeasured {
			answer += " (" + strings.Join(c.Unmeasured, ", ") + " not measured)"
		}
		var parts []string
		for _, a := range []Answer{Yes, No, Undecided, NotMeasured} {
			if given[a] > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", given[a], a))
			}
		}
		g.Rows = append(g.Rows, []string{c.ID, c.Text, answer, strings.Join(parts, ", "), string(c.TheseRuns)})
	}
	return g
}

// findingGrid lists every part of every claim.
func (o *Outcome) findingGrid() compare.Grid {
	g := compare.Grid{
		Caption: "part by part",
		Header:  []string{"", "comparison", "metric", "claimed", "difference", "95 % over videos", "95 % over seeds", "answer", "of these runs alone"},
	}
	for _, c := range o.Claims {
		for _, f := range c.Findings {
			g.Rows = append(g.Rows, []string{
				c.ID, f.pair(), compare.Title(f.Measure), string(f.Expect), compare.FormatDifference(f.Measure, f.Mean),
				compare.FormatInterval(f.Measure, f.Low, f.High), compare.FormatInterval(f.Measure, f.SeedLow, f.SeedHigh), string(f.Answer), string(f.TheseRuns),
			})
		}
	}
	return g
}

func (p Part) pair() string { return rowOf(p.Variant).Label + " against " + rowOf(p.Against).Label }

// effectGrid lists the differences from the baseline.
func (o *Outcome) effectGrid() compare.Grid {
	g := compare.Grid{Header: []string{"variant", "metric", "difference", "95 % over videos", "95 % over seeds", "seed by seed", "it is"}}
	for _, f := range o.Effects {
		var seeds []string
		for _, d := range f.BySeed {
			seeds = append(seeds, compare.FormatDifference(f.Measure, result.Value(d)))
		}
		g.Rows = append(g.Rows, []string{
			rowOf(f.Variant).Label, compare.Title(f.Measure), compare.FormatDifference(f.Measure, f.Mean),
			compare.FormatInterval(f.Measure, f.Low, f.High), compare.FormatInterval(f.Measure, f.SeedLow, f.SeedHigh),
			strings.Join(seeds, ", "), string(f.Verdict),
		})
	}
	return g
}

// effectPlots shows the differences with their intervals over videos.
func (o *Outcome) effectPlots() []compare.Plot {
	var plots []compare.Plot
	for _, m := range o.Table.Columns {
		p := compare.Plot{Title: compare.Title(m) + ", difference from the baseline, interval over videos", Zero: true}
		for _, f := range o.Effects {
			if f.Measure == m {
				p.Items = append(p.Items, compare.Item{
					Label: rowOf(f.Variant).Label, Mean: f.Mean, Low: f.Low, High: f.High, Mark: compare.MarkOf(f.Verdict),
				})
			}
		}
		if len(p.Items) > 0 {
			plots = append(plots, p)
		}
	}
	return plots
}

// tell prints the table and the claims for whoever sits before the screen.
func (o *Outcome) tell(w io.Writer) error {
	claims := o.claimGrid()
	_, err := fmt.Fprintf(w, "\n%s\n%s\n", o.Table.Markdown(), claims.Markdown())
	return err
}
