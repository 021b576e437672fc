package fomm

import (
	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/prioritycut"
)

// Training are the networks of a training, and VGG-19, whose features its loss
// compares.
type Training struct {
	family        *Family
	networks      *Animator
	discriminator Discriminator // nil where the variant has none
	vgg           *model.VGG19
}

// NewTraining implements model.Family.
func (f *Family) NewTraining(s *graph.Scope) model.Training {
	s.SetRefinement(f.Train.Refinement)
	t := &Training{family: f, networks: NewAnimator(s, f.Params)}
	t.discriminator = NewDiscriminator(s, f.Traits.Discriminator, f.Params)
	t.vgg = model.NewVGG19(s.Sub("vgg"), f.Train.VGGDivisor)
	return t
}

// Animator implements model.Training.
func (t *Training) Animator() model.Animator { return t.networks }

// VGG implements model.Training.
func (t *Training) VGG() *model.VGG19 { return t.vgg }

// Objective implements model.Training: the generator runs forward once for both
// players, and the discriminator's terms use the prediction made before the
// generator's update. Running averages move in the order kp(source),
// kp(driving), generator, kp(transformed). The discriminator's judgements, the
// features of each scale and the transformed frame are stages: what one of them keeps
// is differentiated and gone before the next begins.
func (t *Training) Objective(s *graph.Scope, in model.Inputs) model.Objective {
	o := &objective{Training: t, s: s, in: in, weights: t.family.Train.Weights}
	o.Shown = model.Tensors{}
	f := o.forward()
	o.pictures(f)
	o.Stages = append(o.Stages, f.judging)
	o.appearance(f)
	judged := o.adversarial(f)
	o.equivariance(f)
	o.discriminatorTerms(f, judged)
	return o.Objective
}

// objective gathers terms, measurements and pictures.
type objective struct {
	*Training
	model.Objective
	s       *graph.Scope
	in      model.Inputs
	weights LossWeights
}

// forward is what the generator makes of both frames.
type forward struct {
	kpSource, kpDriving Keypoints
	generation          Generation
	real, fake          *model.Pyramid
	// judging is the stage of all judgements.
	judging *graph.Stage
}

// judgement is what a discriminator says of both pictures; without a
// discriminator it is empty.
type judgement struct{ real, fake Judgement }

func (o *objective) term(player, name string, value tensorflow.Output, weight float64) {
	o.Terms = append(o.Terms, model.Term{Name: name, Player: player, Value: value, Weight: weight})
}

func (o *objective) stat(name string, value tensorflow.Output) {
	o.Stats = append(o.Stats, model.Stat{Name: name, Value: value})
}

func (o *objective) forward() forward {
	s, in, nets := o.s, o.in, o.networks
	var f forward
	f.kpSource = nets.KPDetector.Detect(s.At("kp_source"), in.Source).Keypoints
	f.kpDriving = nets.KPDetector.Detect(s.At("kp_driving"), in.Driving).Keypoints
	f.generation = nets.Generator.Generate(s.At("generator_forward"), in.Source, f.kpSource, f.kpDriving)
	f.real = model.NewPyramid(s.At("pyramid_real"), in.Driving)
	f.fake = model.NewPyramid(s.At("pyramid_fake"), f.generation.Prediction)
	f.judging = &graph.Stage{}
	return f
}

// pictures are what a step shows of the generator.
func (o *objective) pictures(f forward) {
	at, g := o.s.At("pictures"), f.generation
	o.Shown.Put(model.KPSource, partsOf(f.kpSource))
	o.Shown.Put(model.KPDriving, partsOf(f.kpDriving))
	o.Shown.Put("", model.Tensors{
		model.Prediction: g.Prediction, model.OcclusionMap: g.OcclusionMap, model.Background: g.Background(at),
		model.Deformed:       o.networks.Generator.Deformed(at, o.in.Source, g.Motion),
		model.SparseDeformed: g.SparseDeformed, model.SparseMask: g.Mask,
	})
}

// appearance compares the prediction with the driving frame.
func (o *objective) appearance(f forward) {
	w, at := o.weights, o.s.At("perceptual")
	features, stages := model.Perceptual(at, o.vgg, f.real, f.fake, o.family.Train.Scales)
	o.Stages = append(o.Stages, stages...)
	o.term(GeneratorPlayer, "perceptual", model.WeightedSum(at, features, w.Perceptual), 1)
	if w.Reconstruction != 0 {
		difference := o.s.At("reconstruction").L1(f.generation.Prediction, o.in.Driving)
		o.term(GeneratorPlayer, "reconstruction", difference, w.Reconstruction)
	}
}

// adversarial lets the discriminator judge both pictures for the generator.
func (o *objective) adversarial(f forward) judgement {
	if o.discriminator == nil {
		return judgement{}
	}
	w, at := o.weights, o.s.At("judge_for_generator")
	j := o.judgeBoth(at, f, f.fake)
	o.term(GeneratorPlayer, "gen_gan", o.family.Train.Adversary.Generator(at, j.fake), w.GeneratorGAN)
	o.term(GeneratorPlayer, "feature_matching", weighedMatching(at, w, j.real, j.fake), 1)
	o.Shown.Put("", model.Tensors{model.RealPixels: j.real.Pixels, model.FakePixels: j.fake.Pixels})
	return j
}

// judgeBoth keeps the reference's order of calls, in which spectral vectors
// are refined: the multi-scale discriminator sees the fake first, the U-Net the
// real.
func (o *objective) judgeBoth(s *graph.Scope, f forward, generated *model.Pyramid) (j judgement) {
	kp := f.kpDriving
	real, fake := f.real.Entering(s.At("real"), f.judging), generated.Entering(s.At("fake"), f.judging)
	if !o.family.Traits.Pixels() {
		j.fake = o.discriminator.Judge(s.At("fake"), fake, kp)
		j.real = o.discriminator.Judge(s.At("real"), real, kp)
		return j
	}
	j.real = o.discriminator.Judge(s.At("real"), real, kp)
	j.fake = o.discriminator.Judge(s.At("fake"), fake, kp)
	return j
}

// equivariance compares keypoints with those of the warped driving frame.
func (o *objective) equivariance(f forward) {
	w := o.weights
	if w.EquivarianceValue == 0 && w.EquivarianceJacobian == 0 {
		return
	}
	s := o.s.At("equivariance")
	transform := Transform{
		Theta: o.in.Draws[drawTheta], ControlParams: o.in.Draws[drawControlParams], Points: o.family.Train.Transform.PointsTPS,
	}
	frame := transform.Frame(s, o.in.Driving, o.family.Params.AlignCorners)
	stage, at := &graph.Stage{}, o.s.At("kp_transformed")
	o.Stages = append(o.Stages, stage)
	transformed := o.networks.KPDetector.Detect(at, stage.Enter(at, frame)).Keypoints
	o.Shown[model.Transformed] = frame
	o.Shown.Put(model.KPTransformed, partsOf(transformed))
	if w.EquivarianceValue != 0 {
		o.term(GeneratorPlayer, "equivariance_value", EquivarianceValue(s, transform, f.kpDriving, transformed), w.EquivarianceValue)
	}
	if w.EquivarianceJacobian != 0 {
		o.term(GeneratorPlayer, "equivariance_jacobian", EquivarianceJacobian(s, transform, f.kpDriving, transformed), w.EquivarianceJacobian)
	}
}

// discriminatorTerms take the judgements already made for the generator, unless
// spectral vectors are refined at each call.
func (o *objective) discriminatorTerms(f forward, j judgement) {
	if o.discriminator == nil {
		return
	}
	s, w := o.s.At("judge_for_discriminator"), o.weights
	detached := s.StopGradient(f.generation.Prediction)
	if o.family.Train.Refinement == graph.RefineEachCall {
		j = o.judgeBoth(s, f, model.NewPyramid(s, detached))
	}
	form := o.family.Train.Adversary
	encoder := form.Encoder(s, j.real, j.fake)
	if !o.family.Traits.Pixels() {
		o.term(DiscriminatorPlayer, "disc_gan", encoder, w.DiscriminatorGAN)
		return
	}
	o.term(DiscriminatorPlayer, "disc_enc", encoder, w.DiscriminatorGAN)
	o.term(DiscriminatorPlayer, "disc_dec", form.Decoder(s, j.real, j.fake), w.DiscriminatorGAN)
	o.consistency(s, f, j, detached)
}

// consistency is L_cons: the decoder's scores of a mixed picture are to be the
// mix of its scores.
func (o *objective) consistency(s *graph.Scope, f forward, j judgement, detached tensorflow.Output) {
	other, cut := j.fake.Pixels, o.family.Train.Cut
	var mask tensorflow.Output
	switch o.family.Traits.Mask {
	case model.OcclusionMask:
		mask = o.occlusionMask(s, f)
	case model.BoxMask:
		h, w := o.size()
		mask = prioritycut.BoxMask(s.At("mask"), o.in.Draws[drawBoxes], h, w)
		if cut.CutMixPair == prioritycut.OtherPair {
			if r := s.Replicas(); r.Size > 1 {
				s.Failf("cutmix_pair is other, which mixes with the next sample of the batch: %v do not exchange samples; set it to own", r)
			}
			detached, other = next(s, detached), next(s, other)
		}
	default:
		return
	}
	o.stat("real_fraction", s.Mean(mask))
	mixed := prioritycut.Mix(s, o.in.Driving, detached, mask)
	o.Shown[model.CutMask], o.Shown[model.Mixed] = mask, mixed
	at := s.At("mixed")
	judged := o.discriminator.Judge(at, model.NewPyramid(s, mixed).Entering(at, f.judging), f.kpDriving)
	o.Terms = append(o.Terms, model.Term{
		Name: "disc_cons", Player: DiscriminatorPlayer, Weight: o.weights.Consistency, Warmed: true,
		Value: prioritycut.Consistency(s, judged.Pixels, j.real.Pixels, other, mask),
	})
}

// occlusionMask cuts the most occluded pixels of the foreground.
func (o *objective) occlusionMask(s *graph.Scope, f forward) tensorflow.Output {
	h, w := o.size()
	cut := o.family.Train.Cut
	mask := prioritycut.ImageMask(s.At("mask"), s.StopGradient(f.generation.OcclusionMap), s.StopGradient(o.Shown[model.Background]),
		o.in.Draws[drawK], h, w, cut)
	o.stat("background_fraction", s.Mean(mask.BackgroundFraction))
	o.stat("cut_all_fraction", prioritycut.Saturated(s, mask, cut))
	return mask.Mask
}

// size is that of the pictures.
func (o *objective) size() (h, w int) {
	dims := o.s.Shape(o.in.Driving)
	if o.s.Err() != nil {
		return 1, 1
	}
	return dims[1], dims[2]
}

// next rolls a batch by one: sample i becomes sample i+1, the last the first.
func next(s *graph.Scope, x tensorflow.Output) tensorflow.Output {
	rest := s.Slice(x, []int{1, 0, 0, 0}, []int{-1, -1, -1, -1})
	return s.Concat(0, rest, s.Slice(x, []int{0, 0, 0, 0}, []int{1, -1, -1, -1}))
}
