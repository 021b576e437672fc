package evaluate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"github.com/golang/glog"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/evaluate/compare"
	"github.com/prioritycut/prioritycut/evaluate/result"
	"github.com/prioritycut/prioritycut/internal/patience"
	"github.com/prioritycut/prioritycut/internal/picture"
)

// What a page shows: so many of the worst and as many of the best videos in
// pictures and films, and of longer tables the ends.
const (
	pageVideos = 3
	pageRows   = 20
)

// PageFile is the page of an evaluation, in its folder.
const PageFile = "evaluation.html"

// rank lists the videos that were measured, those with the greatest L1 first.
func rank(videos []result.VideoRow) []result.VideoRow {
	var ranked []result.VideoRow
	for _, r := range videos {
		if r.Error == "" && r.Measure() == (result.Measure{Metric: result.L1, Region: result.All}) && r.Mean.Finite() {
			ranked = append(ranked, r)
		}
	}
	sort.SliceStable(ranked, func(i, j int) bool { return ranked[i].Mean > ranked[j].Mean })
	return ranked
}

// shown is a video on the page.
type shown struct {
	title string // worst, best
	row   result.VideoRow
	video dataset.TestVideo
	made  made
}

// choose takes the worst and the best of ranked videos; of few, all.
func (e *evaluation) choose(ranked []result.VideoRow) []shown {
	byName := map[string]dataset.TestVideo{}
	for _, v := range e.videos {
		byName[v.Name()] = v
	}
	var chosen []shown
	for i, r := range ranked {
		title := fmt.Sprintf("worst %d", i+1)
		if last := len(ranked) - i; last <= pageVideos && i >= pageVideos {
			title = fmt.Sprintf("best %d", last)
		} else if i >= pageVideos {
			continue
		}
		if v, ok := byName[r.Video]; ok {
			chosen = append(chosen, shown{title: title, row: r, video: v})
		}
	}
	return chosen
}

// writePage shows what was found to readers who open a file: tables, and of the
// worst and the best videos pictures and films, for which those are predicted once
// more. A video of which that fails is named in place of its pictures; films that
// cannot be written are made again.
func (e *evaluation) writePage(ctx context.Context, o *Outcome) error {
	chosen := e.choose(rank(e.asked()))
	e.say("drawing %s of %s\n", PageFile, count(len(chosen), "video"))
	var remarks []string
	drawn := chosen[:0:0]
	for _, s := range chosen {
		var err error
		if s.made, err = e.filmed(ctx, s); ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, patience.ErrGaveUp) {
			return err
		}
		if err != nil {
			glog.Warningf("%s lacks video %s: %v", PageFile, s.row.Video, err)
			remarks = append(remarks, fmt.Sprintf("No film of %s: %v.", s.row.Video, err))
		}
		if s.made.worst != nil {
			drawn = append(drawn, s)
		}
	}
	report, err := e.report(o, drawn)
	if err != nil {
		return err
	}
	report.Sections[0].Notes = append(report.Sections[0].Notes, remarks...)
	err = e.writing.Insist(PageFile, func() error {
		return compare.WriteFiles(e.writing.Files, e.q.Out, []compare.File{{Name: PageFile, Write: report.WriteHTML}})
	})
	if err != nil {
		return err
	}
	o.Page = filepath.Join(e.q.Out, PageFile)
	return nil
}

// report puts an evaluation and its pictures into words.
func (e *evaluation) report(o *Outcome, drawn []shown) (*compare.Report, error) {
	c, err := compare.Build([]*result.Evaluation{o.Evaluation}, compare.Options{Unpaired: true})
	if err != nil {
		return nil, err
	}
	missing, err := missingFrames(o)
	if err != nil {
		return nil, err
	}
	g := c.Groups[0]
	s := compare.Section{
		Title:  fmt.Sprintf("%s of %s", count(o.Summary[0].Frames, "frame"), count(o.Summary[0].Videos, "video")),
		Tables: append([]compare.Table{g.Table}, g.Published...),
		Grids:  []compare.Grid{metricGrid(o.Summary)},
		Notes:  append([]string{overVideos}, notes(o, missing)...),
	}
	if grid := jointGrid(o.Joints, o.Run.DataKind == result.Faces); len(grid.Rows) > 0 {
		s.Grids = append(s.Grids, grid)
	}
	s.Grids = append(s.Grids, videoGrid(e.asked()))
	if len(drawn) > 0 {
		data, err := frameGrid(drawn)
		if err != nil {
			return nil, err
		}
		s.Pictures = []compare.Picture{{Caption: "The frame of each of these videos that the prediction misses most", PNG: data}}
	}
	for _, d := range drawn {
		if d.made.film != "" {
			s.Films = append(s.Films, compare.Film{
				Caption: fmt.Sprintf("%s: %s, L1 %s", d.title, d.row.Video, fixed(d.row.Mean, decimalsOf(result.L1))), Path: d.made.film,
			})
		}
	}
	r := o.Run
	return &compare.Report{Title: fmt.Sprintf("%s%s on %s", r.Name, variantOf(r), r.Data), Sections: []compare.Section{s}}, nil
}

// overVideos explains the intervals.
const overVideos = "The ± is 1.96 s/√frames, as in the paper: it takes frames as independent, which those of one video are not. " +
	"The interval over videos draws whole videos anew (bootstrap) and is the one to trust."

// metricGrid is the table of metrics with all that is known of each.
func metricGrid(summary []result.SummaryRow) compare.Grid {
	g := compare.Grid{Caption: "All metrics", Header: []string{"metric", "region", "mean", "± over frames", "95 % over videos", "frames"}}
	for _, s := range summary {
		if !s.Mean.Known() {
			continue
		}
		d := decimalsOf(s.Metric)
		over := ""
		if s.CIVideosLow.Known() {
			over = fixed(s.CIVideosLow, d) + " .. " + fixed(s.CIVideosHigh, d)
		}
		g.Rows = append(g.Rows, []string{titles[s.Metric], regionOf(s.Region), fixed(s.Mean, d), fixed(s.CI95, d+1), over, fmt.Sprint(s.Frames)})
	}
	return g
}

func jointGrid(means []result.JointRow, faces bool) compare.Grid {
	g := compare.Grid{Caption: "Keypoint by keypoint", Header: []string{"keypoint", "AKD ↓", "MKR ↓", "frames"}}
	for _, m := range means {
		if m.Shown == 0 {
			continue
		}
		name, lacking := m.Name, ""
		if name == "" {
			name = fmt.Sprint(m.Joint)
		}
		if !faces {
			lacking = fmt.Sprintf("%.3f", float64(m.Lacking)/float64(m.Shown))
		}
		g.Rows = append(g.Rows, []string{name, fixed(m.Distance, decimalsOf(result.AKD)), lacking, fmt.Sprint(m.Frames)})
	}
	return g
}

// videoGrid lists videos from the worst to the best; of many the ends.
func videoGrid(videos []result.VideoRow) compare.Grid {
	ranked := rank(videos)
	g := compare.Grid{Caption: "Videos, the worst first (by L1)", Header: []string{"video", "L1 ↓", "frames"}}
	for i, r := range ranked {
		if len(ranked) > 2*pageRows && i >= pageRows && i < len(ranked)-pageRows {
			if i == pageRows {
				g.Rows = append(g.Rows, []string{fmt.Sprintf("%d more", len(ranked)-2*pageRows), "", ""})
			}
			continue
		}
		g.Rows = append(g.Rows, []string{r.Video, fixed(r.Mean, decimalsOf(result.L1)), fmt.Sprint(r.Frames)})
	}
	return g
}

// frameGrid draws the worst frames, a row per video.
func frameGrid(drawn []shown) ([]byte, error) {
	var moments []moment
	g := picture.Grid{Border: true}
	for _, d := range drawn {
		moments = append(moments, *d.made.worst)
		g.RowLabels = append(g.RowLabels, fmt.Sprintf("%s, frame %d", d.title, d.made.frame))
	}
	m, err := drawMoments(g, moments)
	if err != nil {
		return nil, err
	}
	return picture.PNG(m)
}

// pageStands reports whether there is a page of what the summary says.
func (e *evaluation) pageStands(before, after []byte) bool {
	_, err := os.Stat(filepath.Join(e.q.Out, PageFile))
	return err == nil && len(before) > 0 && string(before) == string(after)
}
