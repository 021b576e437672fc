package fomm

import (
	"fmt"
	"strings"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/golden"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/prioritycut"
)

// stackAll is [i][j] scalars as one tensor.
func stackAll(s *graph.Scope, terms [][]tensorflow.Output) tensorflow.Output {
	var list []tensorflow.Output
	for _, row := range terms {
		list = append(list, row...)
	}
	return s.Stack(0, list...)
}

// multiScale compares the discriminator of two scales with spectral norm.
func (g *goldenGraph) multiScale() {
	p := goldenDiscriminator(3)
	p.Scales, p.SN = []float64{1, 0.5}, true
	g.disc = NewMultiScale(g.s.Sub("disc_ms"), p, goldenParams(false).Common)
	g.judgeBoth("disc_ms", g.disc, p.Scales)

	const effective = "sn_effective_weight_disc_ms.discs.1.down_blocks.1.conv"
	g.want(effective, g.disc.scales[0].blocks[1].conv.EffectiveKernel(g.s), kernels)
}

// conditioned compares the discriminator that sees the driving keypoints.
func (g *goldenGraph) conditioned() {
	p := goldenDiscriminator(4)
	p.UseKP = true
	d := NewMultiScale(g.s.Sub("disc_kp"), p, goldenParams(false).Common)
	g.judgeBoth("disc_kp", d, p.Scales)
}

// predicted is the prediction in the file. Discriminators judge it instead of
// our own, which differs by rounding: instance norm enlarges that where maps
// are nearly flat.
func (g *goldenGraph) predicted() (tensorflow.Output, *model.Pyramid) {
	fake := g.picture("ac0_gen_prediction")
	return fake, model.NewPyramid(g.s.At("pyramid_predicted"), fake)
}

// judgeBoth compares activations, scores and losses on the driving frame and
// the prediction.
func (g *goldenGraph) judgeBoth(name string, d Discriminator, scales []float64) {
	s := g.s.At("judge_" + name)
	kp := g.kpDriving.Keypoints
	_, fake := g.predicted()
	onReal, onFake := d.Judge(s.At("real"), g.real, kp), d.Judge(s.At("fake"), fake, kp)
	for side, j := range []Judgement{onReal, onFake} {
		what := name + []string{"_real_", "_fake_"}[side]
		for i, scale := range scales {
			for block, feature := range j.Features[i] {
				array := fmt.Sprintf("%sfeature_maps_%s_%d", what, scaleName(scale), block)
				if array == flattest {
					feature = g.lastBlock(s)
				}
				g.want(array, feature, maps)
			}
			g.want(what+"prediction_map_"+scaleName(scale), j.Scores[i], maps)
		}
	}
	g.want(name+"_loss_gan", GeneratorGAN(s, onFake), asIs)
	g.want(name+"_loss_fm", matching(s, onReal, onFake), asIs)
	g.want(name+"_loss_disc", DiscriminatorGAN(s, onReal, onFake), asIs)
}

// flattest is behind two instance norms of maps whose variance is as small as
// 1e-6, each of which enlarges rounding 20 times: the file, in float32, is
// 4.5e-4 of the scale from the same computed in float64 from the file's own
// inputs. So the last block alone is compared, on what the file has before it.
const flattest = "disc_ms_fake_feature_maps_0.5_2"

func (g *goldenGraph) lastBlock(s *graph.Scope) tensorflow.Output {
	before := g.picture("disc_ms_fake_feature_maps_0.5_1")
	return g.disc.scales[1].blocks[2].apply(s.At("last_block"), before)
}

// matching is the weighted feature matching.
func matching(s *graph.Scope, onReal, onFake Judgement) tensorflow.Output {
	return model.WeightedSum(s, FeatureMatching(s, onReal, onFake), goldenWeights.FeatureMatching)
}

// unet compares the U-Net discriminator on both pictures and on their mix.
func (g *goldenGraph) unet() {
	p := goldenDiscriminator(4)
	p.SN = true
	d := NewUNetDiscriminator(g.s.Sub("unet"), p, goldenParams(false).Common)
	s := g.s.At("judge_unet")
	var none Keypoints
	prediction, fake := g.predicted()
	onReal, onFake := d.Judge(s.At("real"), g.real, none), d.Judge(s.At("fake"), fake, none)
	for side, j := range []Judgement{onReal, onFake} {
		what := []string{"unet_real_", "unet_fake_"}[side]
		for i, encoded := range j.Features[0] {
			g.want(fmt.Sprintf("%senc%d", what, i), encoded, maps)
		}
		for i, decoded := range j.Decoded {
			g.want(fmt.Sprintf("%sdec%d", what, i), decoded, maps)
		}
		g.want(what+"head_enc", j.Scores[0], maps)
		g.want(what+"head_dec", j.Pixels, maps)
	}

	mask := g.priorityMask(s)
	mixed := prioritycut.Mix(s, g.driving, prediction, mask)
	onMixed := d.Judge(s.At("mixed"), model.NewPyramid(s.At("mixed"), mixed), none)
	g.want("unet_mixed", mixed, maps)
	g.want("unet_mixed_head_enc", onMixed.Scores[0], maps)
	g.want("unet_mixed_head_dec", onMixed.Pixels, maps)

	g.want("unet_dloss_enc", DiscriminatorGAN(s, onReal, onFake), asIs)
	g.want("unet_dloss_dec", DecoderGAN(s, onReal, onFake), asIs)
	g.want("unet_dloss_cons", prioritycut.Consistency(s, onMixed.Pixels, onReal.Pixels, onFake.Pixels, mask), asIs)
	g.want("unet_gloss_adv", GeneratorGAN(s, onFake), asIs)
	g.want("unet_gloss_fm", matching(s, onReal, onFake), asIs)
}

// priorityMask is the mask of the file's maps, whose k is a share of the image.
func (g *goldenGraph) priorityMask(s *graph.Scope) tensorflow.Output {
	constant := func(name string) tensorflow.Output {
		a := g.array(g.file, name, maps)
		return s.Values(a.Data, a.Dims()...)
	}
	p := prioritycut.DefaultParams()
	p.KOf, p.BGThreshold = prioritycut.OfImage, g.array(g.file, "pc_tau", asIs).Data[0]
	k := s.Const(g.array(g.file, "pc_k", asIs).Float32s())
	return prioritycut.ImageMask(s, constant("pc_occlusion"), constant("pc_bg_alpha"), k, 64, 64, p).Mask
}

// zeroGradient is the one parameter whose gradient is zero by construction in
// eval mode: the softmax ignores a shift of the logits.
const zeroGradient = "kp_detector.kp.bias"

// totalLoss compares the sum of what the generator's side minimises against
// disc_ms, and its gradient by every parameter.
func (g *goldenGraph) totalLoss() {
	s, kp := g.s.At("judge_for_generator"), g.kpDriving.Keypoints
	onReal, onFake := g.disc.Judge(s.At("real"), g.real, kp), g.disc.Judge(s.At("fake"), g.fake, kp)
	total := s.AddN(g.perceptual, GeneratorGAN(s, onFake), matching(s, onReal, onFake), g.equivariance[0], g.equivariance[1])
	g.want("grad_total_loss", total, asIs)

	var side []*graph.Variable
	for _, v := range s.Variables(graph.Trainable) {
		if strings.HasPrefix(v.Name, "kp_detector.") || strings.HasPrefix(v.Name, "generator.") {
			side = append(side, v)
		}
	}
	for i, gradient := range s.Gradients(total, side) {
		g.wantGradient(side[i].Name, gradient)
	}
}

func (g *goldenGraph) wantGradient(name string, gradient tensorflow.Output) {
	file, err := golden.Load(golden.GradsFile)
	if err != nil {
		g.t.Fatal(err)
	}
	a := g.array(file, "grad."+name, nil).Weight()
	rule := golden.Gradients
	if name == zeroGradient {
		clear(a.Data)
		rule = golden.ZeroGradient32
		if g.s.DType() == tensorflow.Double {
			rule = golden.ZeroGradient
		}
	}
	g.compare(a, gradient, rule)
}
