package model

import (
	"strings"
	"testing"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/tf/tftest"
)

func TestWeightedSum(t *testing.T) {
	s := graph.New(tensorflow.Double)
	terms := [][]tensorflow.Output{{s.Scalar(3), s.Scalar(5)}}
	if got := tftest.Run(t, tftest.NewSession(t, s), nil, WeightedSum(s, terms, []float64{0, 0}))[0][0]; got != 0 {
		t.Errorf("terms of weight 0 add up to %v", got)
	}
	WeightedSum(s, terms, []float64{1})
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "1 weights for 2 terms") {
		t.Errorf("too few weights give %v", err)
	}
}

// TestPerceptualTargetIsDetached: no gradient flows to the target.
func TestPerceptualTargetIsDetached(t *testing.T) {
	s := graph.New(tensorflow.Float)
	target, prediction := s.Placeholder("target", tensorflow.Float, 1, 32, 32, 3), s.Placeholder("prediction", tensorflow.Float, 1, 32, 32, 3)
	terms, _ := Perceptual(s, NewVGG19(s.Sub("vgg"), 32), NewPyramid(s, target), NewPyramid(s, prediction), []float64{1})
	grads := s.GradientsOf(WeightedSum(s, terms, []float64{1, 1, 1, 1, 1}), []tensorflow.Output{target, prediction})
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	if grads[0].Op != nil && grads[0].Index >= 0 {
		t.Error("a gradient flows to the target")
	}
	if grads[1].Op == nil || grads[1].Index < 0 {
		t.Error("no gradient flows to the prediction")
	}
}
