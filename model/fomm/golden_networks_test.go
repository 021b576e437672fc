package fomm

import (
	"fmt"

	"github.com/prioritycut/prioritycut/model"
)

// pyramids compares the driving frame's levels.
func (g *goldenGraph) pyramids() {
	for _, scale := range []float64{1, 0.5, 0.25, 0.125} {
		g.want("pyr_"+scaleName(scale), g.real.Level(scale), maps)
	}
}

// detect finds the keypoints of both pictures.
func (g *goldenGraph) detect() {
	g.kpSource = g.animator.KPDetector.Detect(g.s.At("kp_source"), g.source)
	g.kpDriving = g.animator.KPDetector.Detect(g.s.At("kp_driving"), g.driving)
	for i, kp := range []Detection{g.kpSource, g.kpDriving} {
		name := []string{"kp_source_", "kp_driving_"}[i]
		g.want(name+"down", kp.Small, maps)
		g.want(name+"feature", kp.Feature, maps)
		g.want(name+"logits", kp.Logits, maps)
		g.want(name+"heatmap", kp.Heatmap, asIs)
		g.want(name+"jacobian_map", kp.JacobianMap, maps)
		g.want(name+"value", kp.Value, asIs)
		g.want(name+"jacobian", kp.Jacobian, asIs)
	}
	for i, encoded := range g.kpSource.Encoded {
		g.want(fmt.Sprintf("kp_source_enc%d", i), encoded, maps)
	}
}

// generate predicts the driving frame, stage by stage.
func (g *goldenGraph) generate(prefix string) {
	s := g.s.At("generator_forward")
	gen := g.animator.Generator.Generate(s, g.source, g.kpSource.Keypoints, g.kpDriving.Keypoints)
	g.generation = gen
	g.real, g.fake = model.NewPyramid(g.s.At("pyramid_real"), g.driving), model.NewPyramid(g.s.At("pyramid_fake"), gen.Prediction)

	g.want(prefix+"dm_down", gen.Motion.Small, maps)
	g.want(prefix+"dm_heatmap", gen.Heatmap, asIs)
	g.want(prefix+"dm_sparse_motion", gen.SparseMotion, asIs)
	g.want(prefix+"dm_sparse_deformed", gen.SparseDeformed, pictures)
	g.want(prefix+"dm_hourglass_in", gen.HourglassIn, maps)
	g.want(prefix+"dm_hourglass_out", gen.HourglassOut, maps)
	g.want(prefix+"dm_mask", gen.Motion.Mask, maps)
	g.want(prefix+"dm_deformation", gen.Deformation, asIs)
	g.want(prefix+"dm_occlusion", gen.OcclusionMap, maps)

	g.want(prefix+"gen_first", gen.First, maps)
	for i, down := range gen.Down {
		g.want(fmt.Sprintf("%sgen_down%d", prefix, i), down, maps)
	}
	g.want(prefix+"gen_feat_deformed", gen.FeatDeformed, maps)
	g.want(prefix+"gen_feat_occluded", gen.FeatOccluded, maps)
	g.want(prefix+"gen_bottleneck", gen.Bottleneck, maps)
	for i, up := range gen.Up {
		g.want(fmt.Sprintf("%sgen_up%d", prefix, i), up, maps)
	}
	g.want(prefix+"gen_prediction", gen.Prediction, maps)
	g.want(prefix+"gen_deformed", g.animator.Generator.Deformed(s, g.source, gen.Motion), maps)
}

// equivariances warps the driving frame by the transform in the file.
func (g *goldenGraph) equivariances(prefix string, alignCorners bool) {
	s := g.s.At("equivariance")
	theta, control := g.array(g.file, "eq_theta", asIs), g.array(g.file, "eq_control_params", asIs)
	transform := Transform{
		Theta:         s.Values(theta.Data, theta.Dims()...),
		ControlParams: s.Values(control.Data, control.Dims()...),
		Points:        5,
	}
	frame := transform.Frame(s, g.driving, alignCorners)
	kp := g.animator.KPDetector.Detect(g.s.At("kp_transformed"), frame).Keypoints
	g.want(prefix+"eq_frame", frame, maps)
	g.want(prefix+"eq_kp_value", kp.Value, asIs)
	g.want(prefix+"eq_kp_jacobian", kp.Jacobian, asIs)
	g.want(prefix+"eq_warped", transform.Points2D(s, kp.Value), asIs)
	g.want(prefix+"eq_J", transform.Jacobian(s, kp.Value), asIs)

	value := EquivarianceValue(s, transform, g.kpDriving.Keypoints, kp)
	jacobian := EquivarianceJacobian(s, transform, g.kpDriving.Keypoints, kp)
	g.equivariance[0] = s.Scale(value, goldenWeights.EquivarianceValue)
	g.equivariance[1] = s.Scale(jacobian, goldenWeights.EquivarianceJacobian)
	g.want(prefix+"eq_loss_value", g.equivariance[0], asIs)
	g.want(prefix+"eq_loss_jacobian", g.equivariance[1], asIs)
}

// perceptualLoss compares VGG-19's features and their differences.
func (g *goldenGraph) perceptualLoss() {
	s := g.s.At("perceptual")
	g.vgg = model.NewVGG19(g.s.Sub("vgg"), 8)
	for i, feature := range g.vgg.Features(s.At("driving"), g.driving) {
		g.want(fmt.Sprintf("vgg_driving_slice%d", i+1), feature, maps)
	}
	terms, _ := model.Perceptual(s, g.vgg, g.real, g.fake, []float64{1, 0.5, 0.25})
	g.perceptual = model.WeightedSum(s, terms, goldenWeights.Perceptual)
	g.want("perceptual_total", g.perceptual, asIs)
	g.want("perceptual_terms_scale_x_slice", stackAll(s, terms), asIs)
}
