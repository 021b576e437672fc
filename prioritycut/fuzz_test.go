package prioritycut

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

// source hands out the bytes that a fuzzer draws, zeros when they are used up.
type source []byte

func (s *source) byte() byte {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return b
}

// float is a number of any bits, or of a few usual values: equal ones are as
// interesting as odd ones.
func (s *source) float() float32 {
	if kind := s.byte(); kind < 200 {
		return float32(kind) / 200
	}
	return math.Float32frombits(binary.LittleEndian.Uint32([]byte{s.byte(), s.byte(), s.byte(), s.byte()}))
}

// shape has mostly the rank that is wanted.
func (s *source) shape(like []int64) []int64 {
	if s.byte() < 240 {
		return like
	}
	dims := make([]int64, s.byte()%6)
	for i := range dims {
		dims[i] = int64(s.byte() % 5)
	}
	return dims
}

func (s *source) tensor(t *testing.T, dims []int64) *tensorflow.Tensor {
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = s.float()
	}
	return tftest.Of(t, values, dims...)
}

func allFinite(values []float64) bool {
	return !slices.ContainsFunc(values, func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) })
}

// FuzzMask runs the op in TensorFlow on tensors of any shape and any bits: it
// refuses shapes that are no input, computes what sorting gives of all that are
// numbers, and NaN of the rest.
func FuzzMask(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x00\x02\x03\x04\x00\x00\x00\x10\x20\x30\x10\x10\x00\xc0\xff\xff\xff\x7f\x64"))
	f.Add([]byte("\x01\x01\x07\x01\xf5\x03\x01\x01\x01\x00\x00\xff\x00\x00\xc0\x7f"))
	f.Add([]byte("\x03\x02\x02\x02\x00\xf1\x05\x00\x01\x02\x03\x00\xff\x00\x00\x80\x80"))
	var maskers []*masker
	for _, p := range allParams() {
		maskers = append(maskers, newMasker(f, tensorflow.Float, p))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		in := source(data)
		m := maskers[int(in.byte())%len(maskers)]
		dims := []int64{int64(in.byte() % 4), int64(in.byte() % 9), int64(in.byte() % 9), 1}
		occlusion := in.tensor(t, in.shape(dims))
		background := in.tensor(t, in.shape(dims))
		k := in.tensor(t, in.shape(dims[:1]))
		if len(k.Shape()) != 1 { // fixed while the graph was built
			return
		}
		out, err := m.run(map[tensorflow.Output]*tensorflow.Tensor{m.occlusion: occlusion, m.background: background, m.k: k})
		if err != nil {
			if tf.Code(err) != tf.InvalidArgument {
				t.Errorf("%v", err)
			}
			return
		}
		o, b, ks := tftest.Values(t, occlusion), tftest.Values(t, background), tftest.Values(t, k)
		pixels := int(dims[1] * dims[2])
		mask, foreground := tftest.Values(t, out[0]), tftest.Values(t, out[1])
		for n := range ks {
			from, to := n*pixels, (n+1)*pixels
			if !(ks[n] >= 0 && ks[n] <= 1) || !allFinite(o[from:to]) || !allFinite(b[from:to]) {
				if v := slices.Concat(mask[from:to], foreground[from:to]); slices.ContainsFunc(v, func(x float64) bool { return !math.IsNaN(x) }) {
					t.Errorf("sample %d of %v, k %v, is not finite and gives %v", n, dims, ks[n], v)
				}
				continue
			}
			want := referenceMask(sample{occlusion: o[from:to], background: b[from:to], k: float32(ks[n])}, m.params)
			if firstDifference(mask[from:to], want.mask) >= 0 || firstDifference(foreground[from:to], want.foreground) >= 0 {
				t.Errorf("sample %d of %v, k %v: %v and %v, want %v and %v", n, dims, ks[n], mask[from:to], foreground[from:to], want.mask, want.foreground)
			}
		}
	})
}
