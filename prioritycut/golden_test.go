package prioritycut

import (
	"fmt"
	"math"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

func goldenArray(t *testing.T, file, name string) golden.Array {
	t.Helper()
	f, err := golden.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	a, err := f.Array(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestGoldenMask resizes, thresholds and ranks the maps of the forward file,
// whose k is a share of the image.
func TestGoldenMask(t *testing.T) {
	get := func(name string) golden.Array { return goldenArray(t, golden.ForwardFile, name) }
	var report golden.Report
	for _, dtype := range []tensorflow.DataType{tensorflow.Float, tensorflow.Double} {
		for _, polarity := range []Polarity{FakeAtOccluded, RealAtOccluded} {
			p := DefaultParams()
			p.KOf, p.Polarity, p.BGThreshold = OfImage, polarity, get("pc_tau").Data[0]
			s := graph.New(dtype)
			// One channel: [N, 1, H, W] and [N, H, W, 1] are the same memory.
			maps := func(name string) tensorflow.Output {
				a := get(name)
				return s.Values(a.Data, int64(a.Shape[0]), int64(a.Shape[2]), int64(a.Shape[3]), 1)
			}
			m := ImageMask(s, maps("pc_occlusion"), maps("pc_bg_alpha"), s.Const(get("pc_k").Float32s()), 64, 64, p)
			got := tftest.Evaluate(t, s, m.Mask, m.Foreground, m.BackgroundFraction)

			mask, background := get("pc_mask").Data, get("pc_mbg").Data
			if polarity == RealAtOccluded {
				for i := range mask {
					mask[i] = 1 - mask[i]
				}
			}
			what := fmt.Sprintf(" (%s, %s)", dtypeNames[dtype], polarity)
			report.Compare(t, "pc_mask"+what, got[0], mask, golden.Exact)
			report.Compare(t, "pc_ofg"+what, got[1], get("pc_ofg").Data, golden.Forward)
			fraction := make([]float64, 2)
			for i, b := range background {
				fraction[i/4096] += b / 4096
			}
			report.Compare(t, "pc_mbg"+what, got[2], fraction, golden.Forward)
		}
	}
	report.Log(t)
}

// TestGoldenCounts takes from the training steps how many pixels are
// background, k, and how many were cut. One of them tells double from float32
// in the product.
func TestGoldenCounts(t *testing.T) {
	const pixels = 64 * 64
	tau := goldenArray(t, golden.TrainPriorityCutFile, "tau").Data[0]
	k := goldenArray(t, golden.TrainPriorityCutFile, "k").Float32s()
	p := DefaultParams()
	p.BGThreshold = tau
	singleDiffers := 0
	for _, dtype := range []tensorflow.DataType{tensorflow.Float, tensorflow.Double} {
		m := newMasker(t, dtype, p)
		for step := 0; step < 3; step++ {
			masks := goldenArray(t, golden.TrainPriorityCutFile, fmt.Sprintf("step%d_mask", step)).Data
			fractions := goldenArray(t, golden.TrainPriorityCutFile, fmt.Sprintf("step%d_background_fraction", step)).Data
			for n, fraction := range fractions {
				background := int(math.Round(fraction * pixels))
				wantCut := 0
				for _, v := range masks[n*pixels : (n+1)*pixels] {
					wantCut += 1 - int(v)
				}
				in := sample{occlusion: make([]float64, pixels), background: make([]float64, pixels), k: k[2*step+n]}
				for i := 0; i < background; i++ {
					in.background[i] = 1
				}
				cut := m.countCut(t, in)
				if cut != wantCut {
					t.Errorf("%s, step %d, sample %d: %d of %d pixels were cut at k %v, want %d", dtypeNames[dtype], step, n, cut, pixels-background, in.k, wantCut)
				}
				if int(in.k*float32(pixels-background)) != wantCut {
					singleDiffers++
				}
			}
		}
	}
	if singleDiffers == 0 {
		t.Error("no step tells a product in double from one in float32")
	}
}

// countCut runs one sample of 64x64 pixels.
func (m *masker) countCut(t *testing.T, in sample) int {
	t.Helper()
	out, err := m.run(map[tensorflow.Output]*tensorflow.Tensor{
		m.occlusion:  tftest.Tensor(t, m.dtype, in.occlusion, 1, 64, 64, 1),
		m.background: tftest.Tensor(t, m.dtype, in.background, 1, 64, 64, 1),
		m.k:          tftest.Of(t, []float32{in.k}, 1),
	})
	if err != nil {
		t.Fatal(err)
	}
	cut := 0
	for _, v := range tftest.Values(t, out[0]) {
		cut += 1 - int(v)
	}
	return cut
}
