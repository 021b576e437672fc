package prioritycut

import (
	"slices"
	"testing"
	"time"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/random"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// BenchmarkMask times the op on 64 maps of 256x256 at k = 50 % beside the
// composition from TopKV2 and ScatterNd, in turn, on two threads. It reports
// medians and the first call (page faults, thread start) of each.
func BenchmarkMask(b *testing.B) {
	const n, side, pixels = 64, 256, 256 * 256
	s := graph.New(tensorflow.Float)
	occlusion := s.Placeholder("occlusion", tensorflow.Float, n, side, side, 1)
	background := s.Placeholder("background", tensorflow.Float, n, side, side, 1)
	k := s.Placeholder("k", tensorflow.Float, n)
	op := Mask(s, occlusion, background, k, DefaultParams())
	composed := composedMask(s, occlusion, n, side, pixels/2)
	differ := s.Sum(s.Abs(s.Minus(op.Mask, composed)))

	feeds := map[tensorflow.Output]*tensorflow.Tensor{
		occlusion:  tftest.Of(b, distinctValues(n, pixels), n, side, side, 1),
		background: tftest.Of(b, make([]float32, n*pixels), n, side, side, 1),
		k:          tftest.Of(b, repeated(0.5, n), n),
	}
	session := tftest.NewSession(b, s)
	run := func(o tensorflow.Output) time.Duration {
		start := time.Now()
		if _, err := session.Run(feeds, nil, []*tensorflow.Operation{o.Op}); err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}

	b.ResetTimer()
	var ours, theirs []time.Duration
	for i := 0; i < b.N+1; i++ {
		ours = append(ours, run(op.Mask))
		theirs = append(theirs, run(composed))
	}
	b.StopTimer()
	out, err := session.Run(feeds, []tensorflow.Output{differ}, nil)
	if err != nil {
		b.Fatal(err)
	}
	if d, err := tf.Value[float32](out[0]); err != nil || d != 0 {
		b.Fatalf("the two masks differ at %v pixels (%v)", d, err)
	}
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	first, firstTheirs := ours[0], theirs[0]
	ours, theirs = ours[1:], theirs[1:]
	slices.Sort(ours)
	slices.Sort(theirs)
	median, medianTheirs := ours[len(ours)/2], theirs[len(theirs)/2]
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(median), "op-ms")
	b.ReportMetric(ms(first), "op-first-ms")
	b.ReportMetric(ms(medianTheirs), "topk-ms")
	b.ReportMetric(ms(firstTheirs), "topk-first-ms")
	b.ReportMetric(float64(medianTheirs)/float64(median), "times-faster")
}

// BenchmarkMaskByLaw times 16 maps of 256x256 drawn by each law, those made to
// be hard included: the time of a pixel stays of one order.
func BenchmarkMaskByLaw(b *testing.B) {
	const n, side, pixels = 16, 256, 256 * 256
	p := DefaultParams()
	for _, law := range sortedKeys(valueLaws) {
		b.Run(law, func(b *testing.B) {
			m := newMasker(b, tensorflow.Float, p)
			var occlusion []float64
			r := random.New(2)
			for i := 0; i < n; i++ {
				occlusion = append(occlusion, drawSample(r, tensorflow.Float, pixels, p, valueLaws[law], alphaLaws["mixed"]).occlusion...)
			}
			feeds := map[tensorflow.Output]*tensorflow.Tensor{
				m.occlusion:  tftest.Tensor(b, m.dtype, occlusion, n, side, side, 1),
				m.background: tftest.Tensor(b, m.dtype, make([]float64, n*pixels), n, side, side, 1),
				m.k:          tftest.Of(b, repeated(0.5, n), n),
			}
			b.ResetTimer()
			for i := 0; i < b.N; i++ {
				if _, err := m.session.Run(feeds, nil, []*tensorflow.Operation{m.out.Mask.Op}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/(n*pixels), "ns/pixel")
		})
	}
}

// composedMask is what TensorFlow's own ops offer: the smallest values by
// TopKV2, zeros scattered at their places.
func composedMask(s *graph.Scope, occlusion tensorflow.Output, n, side, top int) tensorflow.Output {
	flat := s.Neg(s.Reshape(occlusion, n, side*side))
	best := s.AddOp("TopKV2", graph.Attrs{"sorted": false}, nil, flat, s.ScalarOf(tensorflow.Int32, float64(top)))
	if best == nil {
		return tensorflow.Output{}
	}
	row := make([]int32, n)
	for i := range row {
		row[i] = int32(i)
	}
	sample := s.Op("BroadcastTo", nil, s.Reshape(s.Const(row), n, 1), s.Const([]int32{int32(n), int32(top)}))
	places := s.Stack(2, sample, best.Output(1))
	ones := s.Op("Fill", nil, s.Const([]int32{int32(n), int32(top)}), s.Scalar(1))
	cut := s.Op("ScatterNd", nil, places, ones, s.Const([]int32{int32(n), int32(side * side)}))
	return s.Reshape(s.OneMinus(cut), n, side, side, 1)
}

// distinctValues gives each sample another order of pixels values in (0, 1).
func distinctValues(n, pixels int) []float32 {
	r := random.New(1)
	values := make([]float32, 0, n*pixels)
	for i := 0; i < n; i++ {
		for _, p := range r.Perm(pixels) {
			values = append(values, (float32(p)+0.5)/float32(pixels))
		}
	}
	return values
}

func repeated(v float32, n int) []float32 {
	values := make([]float32, n)
	for i := range values {
		values[i] = v
	}
	return values
}
