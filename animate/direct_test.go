package animate

import (
	"fmt"
	"math"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/model/fomm"
	"github.com/prioritycut/prioritycut/tf"
	"github.com/prioritycut/prioritycut/video"
)

// direct computes all frames at once by another graph: source and driving
// frames side by side through whole networks, the motion from keypoints that
// this test relates itself, in float64.
func direct(t *testing.T, source *video.Frame, driving []*video.Frame, relate func(source, driving [][]float64) [][]float64) []*video.Frame {
	t.Helper()
	m, err := infer.Load(run)
	if err != nil {
		t.Fatal(err)
	}
	n := len(driving)
	s := graph.New(tensorflow.Float)
	net := fomm.NewAnimator(s, m.Config.Model)
	infer := s.WithTraining(false).At("direct")
	k := m.Config.Model.Common.NumKP
	pictures := infer.Placeholder("pictures", tensorflow.Float, int64(n+1), side, side, 3)
	kp := net.KPDetector.Detect(infer, pictures).Keypoints
	sources := infer.Placeholder("sources", tensorflow.Float, int64(n), side, side, 3)
	var given [2]fomm.Keypoints
	for i := range given {
		given[i].Value = infer.Placeholder(fmt.Sprint("value", i), tensorflow.Float, int64(n), int64(k), 2)
		given[i].Jacobian = infer.Placeholder(fmt.Sprint("jacobian", i), tensorflow.Float, int64(n), int64(k), 2, 2)
	}
	prediction := net.Generator.Generate(infer.At("generate"), sources, given[0], given[1]).Prediction
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	session, err := tf.NewSession(s.Graph(), tf.SessionConfig{Device: "cpu"})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if err := m.Assign(session, s); err != nil {
		t.Fatal(err)
	}
	floats := func(frames ...*video.Frame) (all []float32) {
		for _, f := range frames {
			for _, v := range f.Pix {
				all = append(all, float32(v)/255)
			}
		}
		return all
	}
	tensor := func(v []float32, shape ...int64) *tensorflow.Tensor {
		x, err := tf.NewTensor(v, shape...)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	out, err := session.Run(map[tensorflow.Output]*tensorflow.Tensor{
		pictures: tensor(floats(append([]*video.Frame{source}, driving...)...), int64(n+1), side, side, 3),
	}, []tensorflow.Output{kp.Value, kp.Jacobian}, nil)
	if err != nil {
		t.Fatal(err)
	}
	values, _ := tf.Values[float32](out[0])
	jacobians, _ := tf.Values[float32](out[1])
	// One row per keypoint: x, y, and the Jacobian's four entries.
	rows := func(i int) (all [][]float64) {
		for j := i * k; j < (i+1)*k; j++ {
			row := []float64{float64(values[2*j]), float64(values[2*j+1])}
			for _, v := range jacobians[4*j : 4*j+4] {
				row = append(row, float64(v))
			}
			all = append(all, row)
		}
		return all
	}
	var flat [2][2][]float32 // of source and driving: values, Jacobians
	var repeated []*video.Frame
	for i := 0; i < n; i++ {
		repeated = append(repeated, source)
		for which, list := range [][][]float64{rows(0), relate(rows(0), rows(i+1))} {
			for _, row := range list {
				for j, v := range row {
					part := min(j/2, 1)
					flat[which][part] = append(flat[which][part], float32(v))
				}
			}
		}
	}
	out, err = session.Run(map[tensorflow.Output]*tensorflow.Tensor{
		sources:        tensor(floats(repeated...), int64(n), side, side, 3),
		given[0].Value: tensor(flat[0][0], int64(n), int64(k), 2), given[0].Jacobian: tensor(flat[0][1], int64(n), int64(k), 2, 2),
		given[1].Value: tensor(flat[1][0], int64(n), int64(k), 2), given[1].Jacobian: tensor(flat[1][1], int64(n), int64(k), 2, 2),
	}, []tensorflow.Output{prediction}, nil)
	if err != nil {
		t.Fatal(err)
	}
	pixels, _ := tf.Values[float32](out[0])
	var frames []*video.Frame
	for i := 0; i < n; i++ {
		f := video.NewFrame(side, side)
		for j := range f.Pix {
			f.Pix[j] = byte(math.Round(255 * float64(pixels[i*len(f.Pix)+j])))
		}
		frames = append(frames, f)
	}
	return frames
}

// relative is FOMM's formula for one frame, re-derived.
func relative(initial [][]float64, scale float64, jacobian bool) func(source, driving [][]float64) [][]float64 {
	return func(source, driving [][]float64) [][]float64 {
		var out [][]float64
		for k := range driving {
			s, d, i := source[k], driving[k], initial[k]
			row := []float64{scale*(d[0]-i[0]) + s[0], scale*(d[1]-i[1]) + s[1], d[2], d[3], d[4], d[5]}
			if jacobian {
				det := i[2]*i[5] - i[3]*i[4]
				inv := [4]float64{i[5] / det, -i[3] / det, -i[4] / det, i[2] / det}
				var m [4]float64 // J_d J_i^-1
				m[0], m[1] = d[2]*inv[0]+d[3]*inv[2], d[2]*inv[1]+d[3]*inv[3]
				m[2], m[3] = d[4]*inv[0]+d[5]*inv[2], d[4]*inv[1]+d[5]*inv[3]
				row[2], row[3] = m[0]*s[2]+m[1]*s[4], m[0]*s[3]+m[1]*s[5]
				row[4], row[5] = m[2]*s[2]+m[3]*s[4], m[2]*s[3]+m[3]*s[5]
			}
			out = append(out, row)
		}
		return out
	}
}
