package config

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/prioritycut/prioritycut/internal/picture"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/model/fomm"
	"github.com/prioritycut/prioritycut/prioritycut"
	"github.com/prioritycut/prioritycut/tf"
)

// KeyError says that the value of a key cannot be used.
type KeyError struct {
	Key   string // dotted path
	Where string // who set it: "my.yaml:12"; empty when unknown
	Text  string // what is wrong and what to do
}

// Error returns the message in one line.
func (e *KeyError) Error() string {
	if e.Where == "" {
		return e.Key + ": " + e.Text
	}
	return e.Where + ": " + e.Key + ": " + e.Text
}

// validator collects what is wrong.
type validator struct{ errs []error }

func (v *validator) fail(key, format string, args ...any) {
	v.errs = append(v.errs, &KeyError{Key: key, Text: fmt.Sprintf(format, args...)})
}

// ints demands that least <= value <= most.
func (v *validator) ints(key string, value, least, most int64) bool {
	if value < least || value > most {
		v.fail(key, "is %d, must lie in %d..%d", value, least, most)
		return false
	}
	return true
}

// floats demands that least <= value <= most; NaN is neither.
func (v *validator) floats(key string, value, least, most float64) bool {
	if !(value >= least && value <= most) {
		v.fail(key, "is %v, must lie in [%v, %v]", value, least, most)
		return false
	}
	return true
}

// above demands that 0 < value <= most.
func (v *validator) above(key string, value, most float64) {
	if !(value > 0 && value <= most) {
		v.fail(key, "is %v, must be above 0 and at most %v", value, most)
	}
}

// foreign takes over the error of another package's option struct, which begins
// with the key.
func (v *validator) foreign(section string, err error) {
	if err == nil {
		return
	}
	key, text, _ := strings.Cut(err.Error(), " ")
	key = strings.TrimSuffix(key, ":")
	v.fail(section+"."+key, "%s", text)
}

// Validate reports every value that is out of range or does not go with the
// others, as *KeyError values joined. It touches no files.
func (c *Config) Validate() error {
	v := &validator{}
	c.validateTop(v)
	v.foreign("dataset_params", c.Dataset.Validate())
	v.foreign("prioritycut_params", c.PriorityCut.Validate())
	if len(v.errs) > 0 { // what follows relies on variant, shape and enums
		return errors.Join(v.errs...)
	}
	if c.FamilyName() == model.FOMMFamily {
		c.validateModel(v)
	} else {
		c.validateFamily(v)
	}
	c.validateTrain(v)
	if c.FamilyName() == model.FOMMFamily {
		c.validateLosses(v)
	}
	c.validateRest(v)
	return errors.Join(v.errs...)
}

func (c *Config) validateTop(v *validator) {
	if err := checkPreset(c.Preset); err != nil {
		v.fail("preset", "%v", err)
	}
	if err := checkVariant(c.Variant); err != nil {
		v.fail("variant", "%v", err)
	}
	switch c.VGG19.WidthDivisor {
	case 1, 2, 4, 8, 16, 32, 64:
	default:
		v.fail("vgg19.width_divisor", "is %d, must be one of 1, 2, 4, 8, 16, 32, 64", c.VGG19.WidthDivisor)
	}
	if s := c.VGG19.SHA256; s != "" && (len(s) != 64 || strings.Trim(s, "0123456789abcdef") != "") {
		v.fail("vgg19.sha256", "is no SHA-256 sum: leave it out, the run writes it")
	}
}

func (c *Config) validateTrain(v *validator) {
	const at = "train_params."
	t := &c.Train
	v.ints(at+"num_epochs", int64(t.NumEpochs), 1, 1e6)
	v.ints(at+"steps", t.Steps, 0, 1e12)
	v.ints(at+"num_repeats", int64(t.NumRepeats), 1, 1e6)
	if v.ints(at+"batch_size", int64(t.BatchSize), 1, 4096) {
		c.validateAccumulate(v)
	}
	c.validateMilestones(v)
	c.validatePlan(v)
	v.above(at+"lr_generator", t.LRGenerator, 1)
	if c.HasDiscriminator() {
		v.above(at+"lr_discriminator", t.LRDiscriminator, 1)
	} else {
		v.floats(at+"lr_discriminator", t.LRDiscriminator, 0, 1)
	}
	if belongs(at+"lr_kp_detector", c.FamilyName()) && v.floats(at+"lr_kp_detector", t.LRKPDetector, 0, 1) && t.LRKPDetector == 0 && c.InitFrom == "" {
		v.fail(at+"lr_kp_detector", "is 0 without init_from: the keypoint detector would never learn; "+
			"give `init_from`=DIR or a rate such as 2e-4")
	}
	v.floats(at+"muon_scale", t.MuonScale, 0, 100)
	v.floats(at+"cons_warmup_epochs", t.ConsWarmupEpochs, 0, 1e6)
	v.ints(at+"cons_warmup_steps", t.ConsWarmupSteps, 0, 1e12)
	oneOf(v, at+"spectral_norm", t.SpectralNorm, SharedSN, ReferenceSN)
	oneOf(v, at+"init_discriminator", t.InitDiscriminator, FreshDiscriminator, MatchingDiscriminator)
	v.ints(at+"max_refused_steps", int64(t.MaxRefusedSteps), 1, 1e6)
	v.ints(at+"max_failed_writes", int64(t.MaxFailedWrites), 1, 1e6)
	v.ints(at+"checkpoint_freq", int64(t.CheckpointFreq), 0, 1e6)
	v.ints(at+"checkpoint_steps", t.CheckpointSteps, 0, 1e12)
	v.ints(at+"keep_checkpoints", int64(t.KeepCheckpoints), 1, 1e4)
	v.ints(at+"log_steps", t.LogSteps, 1, 1e12)
	v.ints(at+"picture_steps", t.PictureSteps, 0, 1e12)
	v.ints(at+"picture_rows", int64(t.PictureRows), 1, 64)
	v.ints(at+"validation_steps", t.ValidationSteps, 0, 1e12)
	v.ints(at+"validation_videos", int64(t.ValidationVideos), 0, 1e6)
	v.ints(at+"validation_frames", int64(t.ValidationFrames), 0, 1e6)
}

// validateAccumulate checks the sizes of micro-batches.
func (c *Config) validateAccumulate(v *validator) {
	const key = "train_params.accumulate_steps"
	t := &c.Train
	if !v.ints(key, int64(t.AccumulateSteps), 0, 4096) {
		return
	}
	parts := max(t.AccumulateSteps, 1)
	if t.BatchSize%parts != 0 {
		v.fail(key, "is %d, which batch_size (%d) is no multiple of: micro-batches are of one size", parts, t.BatchSize)
	}
	if c.traits().Mask == model.BoxMask && c.PriorityCut.CutMixPair == prioritycut.OtherPair && t.BatchSize/parts < 2 {
		v.fail("prioritycut_params.cutmix_pair", "is other, which mixes with the next sample of the batch: "+
			"batch_size must be at least 2 in each micro-batch, or set cutmix_pair to own")
	}
}

func (c *Config) validateMilestones(v *validator) {
	const epochs, steps = "train_params.epoch_milestones", "train_params.step_milestones"
	before := 0
	for _, m := range c.Train.EpochMilestones {
		if m <= before {
			v.fail(epochs, "holds %d after %d: milestones must be above 0 and increase", m, before)
			return
		}
		before = m
	}
	last := int64(0)
	for _, m := range c.Train.StepMilestones {
		if m.Step <= last {
			v.fail(steps, "holds step %d after %d: steps must be above 0 and increase", m.Step, last)
			return
		}
		if !(m.Factor > 0 && m.Factor <= 1) {
			v.fail(steps, "holds factor %v: factors must be above 0 and at most 1", m.Factor)
			return
		}
		last = m.Step
	}
}

func (c *Config) validatePlan(v *validator) {
	const at = "train_params."
	t := &c.Train
	if !v.ints(at+"plan_seconds", t.PlanSeconds, 0, 1e9) {
		return
	}
	before := int64(0)
	for _, n := range t.PlanSteps {
		if n <= before {
			v.fail(at+"plan_steps", "holds %d after %d: lengths must be above 0 and increase", n, before)
			return
		}
		before = n
	}
	if t.PlanSeconds > 0 && before == 0 {
		v.fail(at+"plan_steps", "is empty: a run that plans its length needs lengths to choose from")
	}
	share := 0.0
	for _, f := range t.PlanFalls {
		if !(f.Share > share && f.Share < 1 && f.Factor > 0 && f.Factor <= 1) {
			v.fail(at+"plan_falls", "holds share %v, factor %v after share %v: shares must lie between 0 and 1 and increase, factors be above 0 and at most 1", f.Share, f.Factor, share)
			return
		}
		share = f.Share
	}
}

func (c *Config) validateLosses(v *validator) {
	const at = "train_params.loss_weights."
	w := &c.Train.LossWeights
	const most = 1e6
	v.floats(at+"generator_gan", w.GeneratorGAN, 0, most)
	v.floats(at+"discriminator_gan", w.DiscriminatorGAN, 0, most)
	v.floats(at+"reconstruction", w.Reconstruction, 0, most)
	v.floats(at+"consistency", w.Consistency, 0, most)
	v.floats(at+"equivariance_value", w.EquivarianceValue, 0, most)
	if v.floats(at+"equivariance_jacobian", w.EquivarianceJacobian, 0, most) &&
		w.EquivarianceJacobian > 0 && !c.Model.Common.EstimateJacobian {
		v.fail(at+"equivariance_jacobian", "is %v, but estimate_jacobian is false: set it to 0", w.EquivarianceJacobian)
	}
	c.weights(v, at+"perceptual", w.Perceptual, 5, "relu1_1 ... relu5_1 of VGG-19")
	if c.HasDiscriminator() {
		blocks := c.Model.Discriminator.NumBlocks
		c.weights(v, at+"feature_matching", w.FeatureMatching, blocks, "the discriminator's blocks (discriminator_params.num_blocks)")
	}
	oneOf(v, "train_params.adversarial_loss", c.Train.Adversary, fomm.LeastSquares, fomm.CrossEntropy)
	if n := len(w.DecoderMatching); n > 0 && !c.HasUNet() {
		v.fail(at+"decoder_matching", "has %d weights, but the discriminator of variant %s has no decoder: set it to []", n, c.Variant)
	} else if n > 0 {
		c.weights(v, at+"decoder_matching", w.DecoderMatching, c.Model.Discriminator.NumBlocks-1, "the U-Net's decoder blocks, one less than discriminator_params.num_blocks")
	}
	total := w.EquivarianceValue + w.EquivarianceJacobian + w.GeneratorGAN
	for _, weight := range w.Perceptual {
		total += weight
	}
	if total == 0 {
		v.fail(at+"perceptual", "all weights of the generator's losses are 0: it would never learn")
	}
	transform := c.Train.Transform
	v.floats("train_params.transform_params.sigma_affine", transform.SigmaAffine, 0, 10)
	v.floats("train_params.transform_params.sigma_tps", transform.SigmaTPS, 0, 10)
	v.ints("train_params.transform_params.points_tps", int64(transform.PointsTPS), 2, 64)
	c.validatePerceptualScales(v)
}

// weights demands one finite weight of at least 0 per part.
func (c *Config) weights(v *validator, key string, weights []float64, want int, parts string) {
	if len(weights) != want {
		v.fail(key, "has %d weights, must have %d: one for each of %s", len(weights), want, parts)
		return
	}
	for _, w := range weights {
		if !v.floats(key, w, 0, 1e6) {
			return
		}
	}
}

func (c *Config) validateRest(v *validator) {
	v.ints("reconstruction_params.num_videos", int64(c.Reconstruction.NumVideos), 1, 1e9)
	v.ints("animate_params.num_pairs", int64(c.Animate.NumPairs), 1, 1e9)
	oneOf(v, "reconstruction_params.format", c.Reconstruction.Format, ".mp4", ".gif")
	oneOf(v, "animate_params.format", c.Animate.Format, ".mp4", ".gif")
	v.ints("visualizer_params.kp_size", int64(c.Visualizer.KPSize), 1, 64)
	if _, err := picture.ParseColormap(c.Visualizer.Colormap); err != nil {
		v.fail("visualizer_params.colormap", "%v", err)
	}
	if !validDevice(c.Run.Device) {
		v.fail("run_params.device", "is %q, must be auto, cpu, gpu or gpu:N", c.Run.Device)
	}
	v.ints("run_params.intra_threads", int64(c.Run.IntraThreads), 0, 1024)
	v.ints("run_params.inter_threads", int64(c.Run.InterThreads), 0, 1024)
	v.ints("run_params.worker_timeout", int64(c.Run.WorkerTimeout), 0, 86400)
	oneOf(v, "run_params.mixed_precision", c.Run.MixedPrecision, "", MixedOff, string(tf.MixedFloat16), string(tf.MixedBFloat16))
	oneOf(v, "run_params.gradient_wire", c.Run.GradientWire, "", WireFloat32, WireBFloat16)
}

func validDevice(device string) bool {
	switch device {
	case "auto", "cpu", "gpu":
		return true
	}
	number, ok := strings.CutPrefix(device, "gpu:")
	return ok && number != "" && len(number) <= 3 && strings.Trim(number, "0123456789") == ""
}

// oneOf demands one of the legal values of a word.
func oneOf[T ~string](v *validator, key string, value T, legal ...T) {
	words := make([]string, len(legal))
	for i, l := range legal {
		if value == l {
			return
		}
		words[i] = string(l)
	}
	v.fail(key, "is %q, must be one of %s", value, strings.Join(words, ", "))
}

// inverse returns n for a scale of 1/n, 0 for any other scale.
func inverse(scale float64) int {
	if !(scale > 0 && scale <= 1) {
		return 0
	}
	n := math.Round(1 / scale)
	if n > 1024 || math.Abs(n*scale-1) > 1e-6 {
		return 0
	}
	return int(n)
}
