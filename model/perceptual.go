package model

import (
	"strconv"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
)

// Perceptual returns the mean absolute difference of VGG-19's features of the
// target and the prediction, [scale][feature], unweighted (FOMM, Eq. 8). The
// target is detached. Each scale is a stage of its own.
func Perceptual(s *graph.Scope, vgg *VGG19, target, prediction *Pyramid, scales []float64) (terms [][]tensorflow.Output, stages []*graph.Stage) {
	terms = make([][]tensorflow.Output, len(scales))
	for i, scale := range scales {
		at := s.At("scale_" + scaleName(scale))
		stage := &graph.Stage{}
		stages = append(stages, stage)
		atTarget, atPrediction := at.At("target"), at.At("prediction")
		want := vgg.Features(atTarget, stage.Enter(atTarget, target.Level(scale)))
		got := vgg.Features(atPrediction, stage.Enter(atPrediction, prediction.Level(scale)))
		for j := range want {
			terms[i] = append(terms[i], at.L1(got[j], at.StopGradient(want[j])))
		}
	}
	return terms, stages
}

func scaleName(scale float64) string { return strconv.FormatFloat(scale, 'g', -1, 64) }

// WeightedSum adds up weights[j] * terms[i][j] over all i and j; terms of
// weight 0 are left out.
func WeightedSum(s *graph.Scope, terms [][]tensorflow.Output, weights []float64) tensorflow.Output {
	var list []tensorflow.Output
	for i := range terms {
		if len(terms[i]) > len(weights) {
			s.Failf("%d weights for %d terms", len(weights), len(terms[i]))
			return tensorflow.Output{}
		}
		for j, term := range terms[i] {
			if weights[j] != 0 {
				list = append(list, s.Scale(term, weights[j]))
			}
		}
	}
	if len(list) == 0 {
		return s.Scalar(0)
	}
	return s.AddN(list...)
}
