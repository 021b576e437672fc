package train

import (
	"fmt"

	tensorflow "github.com/wamuir/graft/tensorflow"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/model/fomm"
	"github.com/prioritycut/prioritycut/prioritycut"
)

// Adam's constants in the reference.
const (
	adamBeta1   = 0.5
	adamBeta2   = 0.999
	adamEpsilon = 1e-8
)

// StepOptions are what a training step is built from.
type StepOptions struct {
	// Batch, Height and Width of the pictures.
	Batch, Height, Width int
	// Variant decides which discriminator and losses there are.
	Variant model.Variant
	// Model, Cut, Transform and Weights configure networks and losses.
	Model     fomm.Params
	Cut       prioritycut.Params
	Transform fomm.TransformParams
	Weights   fomm.LossWeights
	// Scales of the perceptual loss.
	Scales []float64
	// VGGDivisor divides VGG-19's widths (1: the real network).
	VGGDivisor int
	// FreezeKPDetector leaves the detector's weights as they are; its running
	// averages move on, as with a learning rate of 0 in the reference.
	FreezeKPDetector bool
	// Refinement of spectral normalisation; with RefineEachCall discriminators
	// run once for each player, in the reference's order.
	Refinement graph.Refinement
	// Device of the session that will run the step: kernels of our own serve the
	// CPU alone.
	Device string
}

// Inputs are what a step is fed. A, B are graph outputs; feed either the bytes
// or, in the graph's dtype and in [0, 1], the pictures made of them.
type Inputs struct {
	// SourceBytes and DrivingBytes [N, H, W, 3] are uint8.
	SourceBytes, DrivingBytes tensorflow.Output
	// Source and Driving [N, H, W, 3] are the same in [0, 1].
	Source, Driving tensorflow.Output
	// Theta [N, 2, 3] and ControlParams [N, 1, points^2] are the random warp.
	Theta, ControlParams tensorflow.Output
	// K [N] float32 are the fractions of PriorityCut's masks.
	K tensorflow.Output
	// Boxes [N, 5] int32 are the boxes of vanilla CutMix.
	Boxes tensorflow.Output
	// LRGenerator, LRDiscriminator and LRKPDetector are learning rates.
	LRGenerator, LRDiscriminator, LRKPDetector tensorflow.Output
	// ConsWarmup in [0, 1] scales L_cons.
	ConsWarmup tensorflow.Output
}

// Step is the graph of one optimisation step of both players.
type Step struct {
	Inputs
	// Animator and Discriminator own the variables; Discriminator is nil for
	// the variant fomm.
	Animator      *fomm.Animator
	Discriminator fomm.Discriminator
	VGG           *model.VGG19
	// LossNames name the elements of Losses: each term as it enters the sum,
	// weighted (L_cons without its warm-up).
	LossNames []string
	Losses    tensorflow.Output
	// StatNames name the elements of Stats: measurements without a gradient.
	StatNames []string
	Stats     tensorflow.Output
	// GradientNames name the elements of GradientNorms: half the squared norm
	// of each variable's gradient, in the order of Gradients.
	GradientNames []string
	GradientNorms tensorflow.Output
	// Gradients of each trained variable.
	Gradients []tensorflow.Output
	// Counter counts the steps taken.
	Counter *graph.Variable
	// Train moves everything: weights, slots, averages, spectral vectors and
	// the counter, all of them or, when a loss or gradient is not finite, none.
	Train *tensorflow.Operation
	// Pictures of the step.
	Pictures Pictures
}

// Pictures are what a step can show. Outputs that a variant lacks do not exist.
type Pictures struct {
	KPSource, KPDriving, KPTransformed fomm.Keypoints
	Transformed                        tensorflow.Output // [N, H, W, 3]
	Deformed                           tensorflow.Output // [N, H, W, 3]
	Generation                         fomm.Generation
	Background                         tensorflow.Output // [N, h, w, 1]
	Mask                               tensorflow.Output // [N, H, W, 1]
	Mixed                              tensorflow.Output // [N, H, W, 3]
	RealPixels, FakePixels             tensorflow.Output // [N, H, W, 1]
}

// refusedMark begins the message of the assertion that refuses a step.
const refusedMark = "step refused: a loss or a gradient is not finite"

// BuildStep adds the networks and one training step to the graph of s. It is
// the same function for float32 and for the float64 of comparisons.
func BuildStep(s *graph.Scope, o StepOptions) (*Step, error) {
	b := &stepBuilder{o: o, s: s.WithTraining(true), step: &Step{}}
	s.SetRefinement(o.Refinement)
	s.UseKernels(o.Device)
	b.makeVariables(s)
	b.makeInputs(s.At("input"))
	b.animate()
	b.generatorLosses()
	b.discriminatorLosses()
	b.update()
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("training step: %w", err)
	}
	return b.step, nil
}

// stepBuilder holds what the parts of a step hand to each other.
type stepBuilder struct {
	o    StepOptions
	s    *graph.Scope
	step *Step

	real, fake        *model.Pyramid
	prediction        tensorflow.Output
	judgedG           [2]fomm.Judgement // real, fake, as the generator's step sees them
	generator, critic []tensorflow.Output
	names             []string
	losses            []tensorflow.Output
	statNames         []string
	stats             []tensorflow.Output
	optimizers        []*optimizer
	kpDriving         fomm.Keypoints
	kpSource          fomm.Keypoints
}

// optimizer is Adam for one network.
type optimizer struct {
	name   string
	vars   []*graph.Variable
	grads  []tensorflow.Output
	lr     tensorflow.Output
	critic bool
	adam   *graph.Adam
}

func (b *stepBuilder) makeVariables(s *graph.Scope) {
	b.step.Animator = fomm.NewAnimator(s, b.o.Model)
	kpVars := s.Variables(graph.Trainable)
	var generator, detector []*graph.Variable
	for _, v := range kpVars {
		if isOf(v, "kp_detector.") {
			detector = append(detector, v)
		} else {
			generator = append(generator, v)
		}
	}
	b.step.Discriminator = fomm.NewDiscriminator(s, b.o.Variant, b.o.Model)
	critic := s.Variables(graph.Trainable)[len(kpVars):]
	b.step.VGG = model.NewVGG19(s.Sub("vgg"), b.o.VGGDivisor)
	b.step.Counter = s.VariableOf(tensorflow.Int64, "step", graph.Slot, graph.Zeros)

	b.optimizers = append(b.optimizers, &optimizer{name: "generator", vars: generator})
	if !b.o.FreezeKPDetector {
		b.optimizers = append(b.optimizers, &optimizer{name: "kp_detector", vars: detector})
	}
	if b.step.Discriminator != nil {
		b.optimizers = append(b.optimizers, &optimizer{name: "discriminator", vars: critic, critic: true})
	}
}

func isOf(v *graph.Variable, prefix string) bool {
	return len(v.Name) > len(prefix) && v.Name[:len(prefix)] == prefix
}

func (b *stepBuilder) makeInputs(s *graph.Scope) {
	in, o := &b.step.Inputs, b.o
	n, h, w := int64(o.Batch), int64(o.Height), int64(o.Width)
	dtype := s.DType()
	picture := func(name string) (bytes, scaled tensorflow.Output) {
		bytes = s.Placeholder(name+"_bytes", tensorflow.Uint8, n, h, w, 3)
		return bytes, s.Identity(name, s.Div(s.Cast(bytes, dtype), s.Scalar(255)))
	}
	in.SourceBytes, in.Source = picture("source")
	in.DrivingBytes, in.Driving = picture("driving")
	points := int64(o.Transform.PointsTPS)
	in.Theta = s.Placeholder("theta", dtype, n, 2, 3)
	in.ControlParams = s.Placeholder("control_params", dtype, n, 1, points*points)
	in.K = s.Placeholder("k", tensorflow.Float, n)
	in.Boxes = s.Placeholder("boxes", tensorflow.Int32, n, 5)
	in.LRGenerator = s.Placeholder("lr_generator", dtype)
	in.LRDiscriminator = s.Placeholder("lr_discriminator", dtype)
	in.LRKPDetector = s.Placeholder("lr_kp_detector", dtype)
	in.ConsWarmup = s.Placeholder("cons_warmup", dtype)
}

// animate runs the generator forward, once for both players.
func (b *stepBuilder) animate() {
	s, in, nets := b.s, b.step.Inputs, b.step.Animator
	// The order decides how the running averages move: kp(source),
	// kp(driving), generator, later kp(transformed).
	b.kpSource = nets.KPDetector.Detect(s.At("kp_source"), in.Source).Keypoints
	b.kpDriving = nets.KPDetector.Detect(s.At("kp_driving"), in.Driving).Keypoints
	generation := nets.Generator.Generate(s.At("generator_forward"), in.Source, b.kpSource, b.kpDriving)
	b.prediction = generation.Prediction
	b.real = model.NewPyramid(s.At("pyramid_real"), in.Driving)
	b.fake = model.NewPyramid(s.At("pyramid_fake"), b.prediction)

	p := &b.step.Pictures
	p.KPSource, p.KPDriving, p.Generation = b.kpSource, b.kpDriving, generation
	p.Background = generation.Background(s.At("pictures"))
	p.Deformed = nets.Generator.Deformed(s.At("pictures"), in.Source, generation.Motion)
}

func (b *stepBuilder) addLoss(name string, loss tensorflow.Output, to *[]tensorflow.Output) {
	b.names = append(b.names, name)
	b.losses = append(b.losses, loss)
	*to = append(*to, loss)
}

func (b *stepBuilder) addStat(name string, value tensorflow.Output) {
	b.statNames = append(b.statNames, name)
	b.stats = append(b.stats, b.s.Cast(value, b.s.DType()))
}

// generatorLosses are those of generator and keypoint detector.
func (b *stepBuilder) generatorLosses() {
	weights := b.o.Weights
	at := b.s.At("perceptual")
	terms := model.Perceptual(at, b.step.VGG, b.real, b.fake, b.o.Scales)
	b.addLoss("perceptual", model.WeightedSum(at, terms, weights.Perceptual), &b.generator)
	if weights.Reconstruction != 0 {
		pixels := b.s.At("reconstruction")
		loss := pixels.L1(b.prediction, b.step.Driving)
		b.addLoss("reconstruction", pixels.Scale(loss, weights.Reconstruction), &b.generator)
	}
	b.adversarial()
	b.equivariance()
}

// adversarial lets the discriminator judge both pictures for the generator.
func (b *stepBuilder) adversarial() {
	if b.step.Discriminator == nil {
		return
	}
	weights := b.o.Weights
	at := b.s.At("judge_for_generator")
	b.judgedG[0], b.judgedG[1] = b.judgeBoth(at, b.fake)
	real, fake := b.judgedG[0], b.judgedG[1]
	b.addLoss("gen_gan", at.Scale(fomm.GeneratorGAN(at, fake), weights.GeneratorGAN), &b.generator)
	matching := fomm.FeatureMatching(at, real, fake)
	b.addLoss("feature_matching", model.WeightedSum(at, matching, weights.FeatureMatching), &b.generator)
	b.step.Pictures.RealPixels, b.step.Pictures.FakePixels = real.Pixels, fake.Pixels
}

// judgeBoth keeps the reference's order of calls, in which spectral vectors
// are refined: the multi-scale discriminator sees the fake first, the U-Net the
// real.
func (b *stepBuilder) judgeBoth(s *graph.Scope, fake *model.Pyramid) (onReal, onFake fomm.Judgement) {
	d := b.step.Discriminator
	if b.o.Variant == model.FOMMAdv {
		onFake = d.Judge(s.At("fake"), fake, b.kpDriving)
		return d.Judge(s.At("real"), b.real, b.kpDriving), onFake
	}
	onReal = d.Judge(s.At("real"), b.real, b.kpDriving)
	return onReal, d.Judge(s.At("fake"), fake, b.kpDriving)
}

// equivariance compares keypoints with those of the warped driving frame.
func (b *stepBuilder) equivariance() {
	weights := b.o.Weights
	if weights.EquivarianceValue == 0 && weights.EquivarianceJacobian == 0 {
		return
	}
	s := b.s.At("equivariance")
	in := b.step.Inputs
	transform := fomm.Transform{Theta: in.Theta, ControlParams: in.ControlParams, Points: b.o.Transform.PointsTPS}
	frame := transform.Frame(s, in.Driving, b.o.Model.AlignCorners)
	transformed := b.step.Animator.KPDetector.Detect(b.s.At("kp_transformed"), frame).Keypoints
	b.step.Pictures.Transformed, b.step.Pictures.KPTransformed = frame, transformed
	if weights.EquivarianceValue != 0 {
		value := fomm.EquivarianceValue(s, transform, b.kpDriving, transformed)
		b.addLoss("equivariance_value", s.Scale(value, weights.EquivarianceValue), &b.generator)
	}
	if weights.EquivarianceJacobian != 0 {
		jacobian := fomm.EquivarianceJacobian(s, transform, b.kpDriving, transformed)
		b.addLoss("equivariance_jacobian", s.Scale(jacobian, weights.EquivarianceJacobian), &b.generator)
	}
}

// discriminatorLosses use the prediction made before the generator's update,
// and the judgements already made for the generator's losses.
func (b *stepBuilder) discriminatorLosses() {
	if b.step.Discriminator == nil {
		return
	}
	s, weight := b.s.At("judge_for_discriminator"), b.o.Weights.DiscriminatorGAN
	detached := s.StopGradient(b.prediction)
	real, fake := b.judgedG[0], b.judgedG[1]
	if b.o.Refinement == graph.RefineEachCall {
		real, fake = b.judgeBoth(s, model.NewPyramid(s, detached))
	}
	critic := s.Scale(fomm.DiscriminatorGAN(s, real, fake), weight)
	if b.o.Variant == model.FOMMAdv {
		b.addLoss("disc_gan", critic, &b.critic)
		return
	}
	b.addLoss("disc_enc", critic, &b.critic)
	b.addLoss("disc_dec", s.Scale(fomm.DecoderGAN(s, real, fake), weight), &b.critic)
	b.consistency(s, real, fake, detached)
}

// consistency is L_cons: the decoder's scores of a mixed picture are to be the
// mix of its scores.
func (b *stepBuilder) consistency(s *graph.Scope, real, fake fomm.Judgement, detached tensorflow.Output) {
	in, pictures := b.step.Inputs, &b.step.Pictures
	other := fake.Pixels
	switch b.o.Variant {
	case model.PriorityCut:
		motion := pictures.Generation.Motion
		mask := prioritycut.ImageMask(s.At("mask"), s.StopGradient(motion.OcclusionMap), s.StopGradient(pictures.Background),
			in.K, b.o.Height, b.o.Width, b.o.Cut)
		pictures.Mask = mask.Mask
		b.addStat("background_fraction", s.Mean(mask.BackgroundFraction))
		b.addStat("cut_all_fraction", prioritycut.Saturated(s, mask, b.o.Cut))
	case model.CutMix:
		pictures.Mask = prioritycut.BoxMask(s.At("mask"), in.Boxes, b.o.Height, b.o.Width)
		if b.o.Cut.CutMixPair == prioritycut.OtherPair {
			detached, other = next(s, detached), next(s, other)
		}
	default:
		return
	}
	mask := pictures.Mask
	b.addStat("real_fraction", s.Mean(mask))
	pictures.Mixed = prioritycut.Mix(s, in.Driving, detached, mask)
	mixed := b.step.Discriminator.Judge(s.At("mixed"), model.NewPyramid(s, pictures.Mixed), b.kpDriving)
	loss := s.Scale(prioritycut.Consistency(s, mixed.Pixels, real.Pixels, other, mask), b.o.Weights.Consistency)
	b.names, b.losses = append(b.names, "disc_cons"), append(b.losses, loss)
	b.critic = append(b.critic, s.Mul(loss, in.ConsWarmup))
}

// next rolls a batch by one: sample i becomes sample i+1, the last the first.
func next(s *graph.Scope, x tensorflow.Output) tensorflow.Output {
	rest := s.Slice(x, []int{1, 0, 0, 0}, []int{-1, -1, -1, -1})
	return s.Concat(0, rest, s.Slice(x, []int{0, 0, 0, 0}, []int{1, -1, -1, -1}))
}

// update differentiates for both players and moves all state behind one
// barrier.
func (b *stepBuilder) update() {
	s, step := b.s.At("update"), b.step
	b.differentiate(s)

	step.LossNames, step.Losses = b.names, s.Stack(0, b.losses...)
	step.StatNames = b.statNames
	if len(b.stats) > 0 {
		step.Stats = s.Stack(0, b.stats...)
	}
	var norms []tensorflow.Output
	for _, opt := range b.optimizers {
		for i, g := range opt.grads {
			step.GradientNames = append(step.GradientNames, opt.vars[i].Name)
			step.Gradients = append(step.Gradients, g)
			norms = append(norms, s.Op("L2Loss", nil, g))
		}
	}
	step.GradientNorms = s.Stack(0, norms...)

	s.Update(step.Counter, s.Add(step.Counter.Value, s.ScalarOf(tensorflow.Int64, 1)))
	ready := []tensorflow.Output{b.assertFinite(s)}
	slots := b.s.Sub("optimizer")
	for _, opt := range b.optimizers {
		opt.adam = graph.NewAdam(slots, opt.name, opt.vars, opt.lr, adamBeta1, adamBeta2, adamEpsilon)
		ready = append(ready, opt.adam.Reads()...)
	}
	barrier := s.Barrier(append(ready, s.PendingUpdates()...)...)
	done := s.Commit(barrier)
	for _, opt := range b.optimizers {
		done = append(done, opt.adam.Apply(s.At(opt.name), opt.grads, barrier)...)
	}
	step.Train = s.AddOp("NoOp", nil, done)
}

// differentiate fills in the gradients: one backward pass for the generator's
// side and one for the discriminator's.
func (b *stepBuilder) differentiate(s *graph.Scope) {
	in := b.step.Inputs
	rates := map[string]tensorflow.Output{
		"generator": in.LRGenerator, "kp_detector": in.LRKPDetector, "discriminator": in.LRDiscriminator,
	}
	var animator []*graph.Variable
	for _, opt := range b.optimizers {
		opt.lr = rates[opt.name]
		if !opt.critic {
			animator = append(animator, opt.vars...)
		}
	}
	grads := s.Gradients(s.AddN(b.generator...), animator)
	for _, opt := range b.optimizers {
		if opt.critic {
			opt.grads = s.Gradients(s.AddN(b.critic...), opt.vars)
		} else if len(grads) >= len(opt.vars) {
			opt.grads, grads = grads[:len(opt.vars)], grads[len(opt.vars):]
		}
	}
}

// assertFinite fails the whole step, before anything moves, if a loss or a
// gradient is not finite. The squared norms also catch gradients so large that
// their squares are no longer numbers.
func (b *stepBuilder) assertFinite(s *graph.Scope) tensorflow.Output {
	all := s.Concat(0, b.step.Losses, b.step.GradientNorms)
	finite := s.Op("All", nil, s.Op("IsFinite", nil, all), s.ScalarOf(tensorflow.Int32, 0))
	message := s.Const(refusedMark)
	check := s.AddOp("Assert", graph.Attrs{"summarize": int64(1)}, nil, finite, tensorflow.OutputList{message})
	return s.After(check, finite)
}
