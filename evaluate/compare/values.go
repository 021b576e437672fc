package compare

import (
	"errors"
	"fmt"
	"math"

	"github.com/prioritycut/prioritycut/evaluate/metric"
	"github.com/prioritycut/prioritycut/evaluate/result"
)

// Values are the measured values of one evaluation, for pairing with others:
// of every frame, or where frames were not kept the means of videos.
type Values struct {
	Name    string
	ByFrame bool
	videos  []string
	samples map[string][]sample // by video, indexed by frame
}

// sample is a frame, or a video as a whole.
type sample struct {
	value  []float64 // per measure, NaN where there is none
	frames []int     // that each value stands for; nil means 1
}

// columnOf is the place of each measure in a sample.
var columnOf = func() map[result.Measure]int {
	at := map[result.Measure]int{}
	for i, m := range result.Measures() {
		at[m] = i
	}
	return at
}()

func newSample() sample {
	s := sample{value: make([]float64, len(columnOf))}
	for i := range s.value {
		s.value[i] = math.NaN()
	}
	return s
}

// ReadValues reads the values of an evaluation: frames.csv where there is one.
func ReadValues(e *result.Evaluation) (*Values, error) {
	v := &Values{Name: e.Run.Name, ByFrame: e.HasFrames, samples: map[string][]sample{}}
	if !e.HasFrames {
		v.means(e.Videos)
		return v, nil
	}
	err := result.EachFrame(e.Folder.Frames(), func(r result.FrameRow) error {
		return v.frame(&r)
	})
	return v, err
}

// mostFrames bounds the frames of one video.
const mostFrames = 1 << 24

func (v *Values) frame(r *result.FrameRow) error {
	if r.Frame < 0 || r.Frame > mostFrames || r.Frame < len(v.samples[r.Video]) {
		return fmt.Errorf("video %q has frame %d twice, out of order or out of range", r.Video, r.Frame)
	}
	if _, known := v.samples[r.Video]; !known {
		v.videos = append(v.videos, r.Video)
	}
	if gap := r.Frame - len(v.samples[r.Video]); gap > 0 {
		// Rows are written from frame 0 on, every one of them.
		return fmt.Errorf("video %q lacks %d frames before frame %d", r.Video, gap, r.Frame)
	}
	s := newSample()
	for m, i := range columnOf {
		if x := r.Value(m); x.Finite() {
			s.value[i] = float64(x)
		}
	}
	v.samples[r.Video] = append(v.samples[r.Video], s)
	return nil
}

// means takes the table of videos.
func (v *Values) means(rows []result.VideoRow) {
	for _, r := range rows {
		if r.Error != "" {
			continue
		}
		if v.samples[r.Video] == nil {
			s := newSample()
			s.frames = make([]int, len(s.value))
			v.samples[r.Video] = []sample{s}
			v.videos = append(v.videos, r.Video)
		}
		if i, ok := columnOf[r.Measure()]; ok && r.Mean.Finite() {
			s := v.samples[r.Video][0]
			s.value[i], s.frames[i] = float64(r.Mean), r.Frames
		}
	}
}

// Difference is how much a model differs from another one on the same frames.
type Difference struct {
	// Mean of the differences over frames, absent where nothing was measured
	// for both.
	Mean result.Value
	// CI95 is half the width of the 95 % interval over frames taken as
	// independent; absent where frames were not kept.
	CI95 result.Value
	// Low and High bound the 95 % interval from drawing whole videos anew;
	// absent for fewer than two videos.
	Low, High result.Value
	// Frames and Videos that both have.
	Frames, Videos int
}

// bootstrapSeed of all intervals over videos.
const bootstrapSeed = 0

// ErrPairs says that there are not as many values on either side.
var ErrPairs = errors.New("paired differences need as many evaluations on either side")

// Pair takes the differences a[k]-b[k] of a measure on every frame (or video)
// that all of them have, averages them over k, the seeds, and returns their
// mean and its intervals over frames and over videos. Frames where a value is
// missing or infinite on any side are left out.
func Pair(a, b []*Values, m result.Measure) (Difference, error) {
	none := Difference{Mean: result.Absent(), CI95: result.Absent(), Low: result.Absent(), High: result.Absent()}
	if len(a) != len(b) || len(a) == 0 {
		return none, ErrPairs
	}
	column, ok := columnOf[m]
	if !ok {
		return none, fmt.Errorf("there is no metric %v", m)
	}
	byFrame := true
	for k := range a {
		byFrame = byFrame && a[k].ByFrame && b[k].ByFrame
	}
	if !byFrame {
		a, b = byVideo(a), byVideo(b)
	}
	d := none
	var all metric.Moments
	var videos []metric.Moments
	for _, name := range a[0].videos {
		if one := pairVideo(a, b, name, column); one.N > 0 {
			videos = append(videos, one)
			all.Merge(one)
		}
	}
	if all.N == 0 {
		return none, nil
	}
	d.Mean, d.Frames, d.Videos = result.Value(all.Mean), all.N, len(videos)
	if byFrame {
		d.CI95 = result.Value(all.CI95())
	}
	low, high := metric.BootstrapVideos(videos, bootstrapSeed)
	d.Low, d.High = result.Value(low), result.Value(high)
	return d, nil
}

// pairVideo are the moments of the differences on one video, as far as all
// sides have the same frames of it.
func pairVideo(a, b []*Values, name string, column int) metric.Moments {
	var m metric.Moments
	frames := len(a[0].samples[name])
	for k := range a {
		frames = min(frames, len(a[k].samples[name]), len(b[k].samples[name]))
	}
	for i := 0; i < frames; i++ {
		sum, weight := 0.0, math.MaxInt
		for k := range a {
			x, y := a[k].samples[name][i], b[k].samples[name][i]
			sum += x.value[column] - y.value[column]
			weight = min(weight, x.weight(column), y.weight(column))
		}
		if math.IsNaN(sum) || weight == 0 {
			continue
		}
		m.Merge(metric.Moments{N: weight, Mean: sum / float64(len(a))})
	}
	return m
}

func (s sample) weight(column int) int {
	if s.frames == nil {
		return 1
	}
	return s.frames[column]
}

// byVideo turns the values of frames into those of videos, so that they pair
// with what has only those.
func byVideo(all []*Values) []*Values {
	means := make([]*Values, len(all))
	for k, v := range all {
		if means[k] = v; v.ByFrame {
			means[k] = v.average()
		}
	}
	return means
}

func (v *Values) average() *Values {
	u := &Values{Name: v.Name, videos: v.videos, samples: map[string][]sample{}}
	for name, frames := range v.samples {
		s := newSample()
		s.frames = make([]int, len(s.value))
		for i := range s.value {
			var m metric.Moments
			for _, f := range frames {
				if !math.IsNaN(f.value[i]) {
					m.Add(f.value[i])
				}
			}
			if m.N > 0 {
				s.value[i], s.frames[i] = m.Mean, m.N
			}
		}
		u.samples[name] = []sample{s}
	}
	return u
}

// Verdict is what an interval of a difference says.
type Verdict string

// Verdicts.
const (
	IsBetter  Verdict = "better"
	IsWorse   Verdict = "worse"
	Undecided Verdict = "undecided" // the interval covers 0
	Unknown   Verdict = "not measured"
)

// Judge says what the interval [low, high] of a difference in m means.
func Judge(m result.Measure, low, high result.Value) Verdict {
	switch {
	case !low.Finite() || !high.Finite():
		return Unknown
	case low > 0 && high > 0:
		if m.Higher() {
			return IsBetter
		}
		return IsWorse
	case low < 0 && high < 0:
		if m.Higher() {
			return IsWorse
		}
		return IsBetter
	}
	return Undecided
}
