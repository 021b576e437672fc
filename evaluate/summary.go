package evaluate

import (
	"math"

	"github.com/prioritycut/prioritycut/evaluate/metric"
	"github.com/prioritycut/prioritycut/evaluate/result"
)

// videoTally collects the frames of a video.
type videoTally struct {
	name    string
	frames  []result.FrameRow
	without int // frames without a prediction
}

func (t *videoTally) add(rows []result.FrameRow) {
	for _, r := range rows {
		r.Video = t.name
		if !r.L1.Known() {
			t.without++
		}
		t.frames = append(t.frames, r)
	}
}

// rows are the video's rows, in the order of result.Measures.
func (t *videoTally) rows() []result.VideoRow {
	var rows []result.VideoRow
	for _, m := range result.Measures() {
		row := result.VideoRow{Length: len(t.frames), MissingFrames: t.without, Metric: m.Metric, Region: m.Region}
		var sum metric.Moments
		for i := range t.frames {
			switch v := t.frames[i].Value(m); {
			case !v.Known():
				row.Missing++
			case !v.Finite():
				row.Infinite++
			default:
				sum.Add(float64(v))
			}
		}
		row.Frames, row.Mean, row.SD = sum.N, result.Absent(), result.Value(sum.SD())
		if sum.N > 0 {
			row.Mean = result.Value(sum.Mean)
		}
		rows = append(rows, row)
	}
	return rows
}

// Summarize sums up the rows of videos: one row per measure, its run left
// empty. Videos count in the order given, which the bootstrap's draws depend
// on. Rows with an error count as skipped.
func Summarize(videos []result.VideoRow) []result.SummaryRow {
	var out []result.SummaryRow
	for _, m := range result.Measures() {
		out = append(out, summarizeOne(m, videos))
	}
	return out
}

func summarizeOne(m result.Measure, videos []result.VideoRow) result.SummaryRow {
	row := result.SummaryRow{Metric: m.Metric, Region: m.Region, Mean: result.Absent()}
	var all metric.Moments
	var each []metric.Moments
	for _, v := range videos {
		if v.Error != "" {
			row.SkippedVideos++
			continue
		}
		if v.Measure() != m {
			continue
		}
		row.Infinite += v.Infinite
		row.Missing += v.Missing
		row.MissingFrames += v.MissingFrames
		if v.Frames == 0 {
			continue
		}
		one := metric.MomentsOf(v.Frames, float64(v.Mean), float64(v.SD))
		each = append(each, one)
		all.Merge(one)
		row.Videos++
	}
	row.Frames = all.N
	row.CI95 = result.Value(all.CI95())
	if all.N > 0 {
		row.Mean = result.Value(all.Mean)
	} else if row.Infinite > 0 {
		row.Mean = result.Value(math.Inf(1))
	}
	const seed = 0
	low, high := metric.BootstrapVideos(each, seed)
	row.CIVideosLow, row.CIVideosHigh = result.Value(low), result.Value(high)
	return row
}

// asked are the rows of the videos asked for, in the order of the test set.
func (e *evaluation) asked() []result.VideoRow {
	byVideo := map[string][]result.VideoRow{}
	for _, r := range e.store.Rows() {
		byVideo[r.Video] = append(byVideo[r.Video], r)
	}
	var rows []result.VideoRow
	for _, v := range e.videos {
		rows = append(rows, byVideo[v.Name()]...)
	}
	return rows
}

// summary sums up the videos asked for.
func (e *evaluation) summary() []result.SummaryRow {
	summary := Summarize(e.asked())
	more := len(e.screened())
	for i := range summary {
		summary[i].Run = e.description
		summary[i].SkippedVideos += more
	}
	return summary
}
