package ablation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/evaluate/compare"
	"github.com/prioritycut/prioritycut/evaluate/figure"
	"github.com/prioritycut/prioritycut/internal/localfile"
)

// Outcome reads what the complete runs of a plan have shown; nil until all
// variants of a seed are measured.
func (p *Plan) Outcome(states []State) (*Outcome, error) {
	all, err := p.measured(states)
	if err != nil {
		return nil, err
	}
	return newOutcome(p, all)
}

// conclude writes the tables and the page with pictures, and tells the table.
func (p *Plan) conclude(ctx context.Context, states []State, out io.Writer) error {
	o, err := p.Outcome(states)
	if err != nil {
		return err
	}
	if o == nil {
		return errors.New("not one seed was measured for all variants")
	}
	pictures, err := p.pictures(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		// The tables are what was waited for.
		glog.Warningf("the page has no pictures: %v", err)
	}
	if err := o.write(p, pictures); err != nil {
		return err
	}
	if err := o.tell(out); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "all of it with pictures: %s; tables: %s, %s, %s\n",
		filepath.Join(p.Out, HTMLFile), filepath.Join(p.Out, MarkdownFile), filepath.Join(p.Out, TableFile), filepath.Join(p.Out, ClaimsFile))
	return err
}

// pictureFile shows the variants side by side.
const pictureFile = "ablation.png"

// pictures shows what the variants of the first seed make of test videos
// (Figure 5).
func (p *Plan) pictures(ctx context.Context) ([]compare.Picture, error) {
	o := figure.Options{Number: 5, NumVideos: 4, Device: p.Runs[0].Config.Run.Device}
	for _, r := range p.Runs[:len(p.Rows)] {
		o.Checkpoints, o.Labels = append(o.Checkpoints, r.Dir), append(o.Labels, rowOf(r.Row).Label)
	}
	if p.quick {
		o.NumVideos = 1
	}
	path := filepath.Join(p.Out, pictureFile)
	j := job{Figure: &figureJob{Options: o, Path: path}}
	if err := j.run(ctx, p.logPath("pictures"), nil); err != nil {
		return nil, err
	}
	data, err := localfile.Read(path, maxTable)
	if err != nil {
		return nil, err
	}
	return []compare.Picture{{
		Caption: "Real frames, then of each variant (seed 0) the reconstruction and its difference from the real frame, on one scale", PNG: data,
	}}, nil
}
