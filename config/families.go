package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/model/fomm"
	"github.com/prioritycut/prioritycut/model/monkeynet"
	"github.com/prioritycut/prioritycut/model/x2face"
)

// MonkeyNetParams configure Monkey-Net. The keys of the networks are those of
// the public code's model_params.
type MonkeyNetParams struct {
	monkeynet.Params `yaml:",inline"`
	// LossWeights weigh the terms of both players.
	LossWeights monkeynet.LossWeights `yaml:"loss_weights"`
	// AdaptVariance makes the variances of relative motion relative too:
	// V_driving V_initial^-1 V_source in place of the driving frame's own.
	AdaptVariance bool `yaml:"adapt_variance"`
	// ClipMean keeps keypoints of relative motion within the picture.
	ClipMean bool `yaml:"clip_mean"`
}

// X2FaceParams configure X2Face.
type X2FaceParams struct {
	x2face.Params `yaml:",inline"`
	// Momentum is the share of the last step of stochastic gradient descent that
	// is kept; its rate is lr_generator. At least 0, below 1.
	Momentum float64 `yaml:"momentum"`
}

// The sections of the other families.
const (
	monkeyNetSection = "monkeynet_params"
	x2faceSection    = "x2face_params"
)

// sectionOf is the section of the families that have one of their own.
var sectionOf = map[model.FamilyName]string{
	model.MonkeyNetFamily: monkeyNetSection, model.X2FaceFamily: x2faceSection,
}

// owners are the keys and sections (with a dot at the end) that do not belong to
// every family, and those that they belong to. The longest that fits counts.
var owners = map[string][]model.FamilyName{
	"vgg19.":                     {model.FOMMFamily},
	"model_params.":              {model.FOMMFamily},
	"model_params.align_corners": {model.FOMMFamily, model.MonkeyNetFamily, model.X2FaceFamily},
	"prioritycut_params.":        {model.FOMMFamily},
	monkeyNetSection + ".":       {model.MonkeyNetFamily},
	x2faceSection + ".":          {model.X2FaceFamily},

	"train_params.adversarial_loss":   {model.FOMMFamily},
	"train_params.scales":             {model.FOMMFamily},
	"train_params.transform_params.":  {model.FOMMFamily},
	"train_params.loss_weights.":      {model.FOMMFamily},
	"train_params.cons_warmup_epochs": {model.FOMMFamily},
	"train_params.cons_warmup_steps":  {model.FOMMFamily},
	"train_params.spectral_norm":      {model.FOMMFamily},
	"train_params.init_discriminator": {model.FOMMFamily, model.MonkeyNetFamily},
	"train_params.lr_discriminator":   {model.FOMMFamily, model.MonkeyNetFamily},
	"train_params.lr_kp_detector":     {model.FOMMFamily, model.MonkeyNetFamily},
	"train_params.muon_scale":         {model.FOMMFamily, model.MonkeyNetFamily},

	"animate_params.normalization_params.":                      {model.FOMMFamily, model.MonkeyNetFamily},
	"animate_params.normalization_params.use_relative_jacobian": {model.FOMMFamily},
}

// ownersOf are the families that a key belongs to; nil for all.
func ownersOf(path string) []model.FamilyName {
	var found []model.FamilyName
	longest := 0
	for prefix, families := range owners {
		fits := path == prefix || strings.HasSuffix(prefix, ".") && strings.HasPrefix(path+".", prefix)
		if fits && len(prefix) > longest {
			found, longest = families, len(prefix)
		}
	}
	return found
}

// belongs reports whether a key means something to a family. A section does if
// one of its keys does.
func belongs(path string, family model.FamilyName) bool {
	families := ownersOf(path)
	if families == nil || slices.Contains(families, family) {
		return true
	}
	for other, families := range owners {
		if strings.HasPrefix(other, path+".") && slices.Contains(families, family) {
			return true
		}
	}
	return false
}

// FamilyName is the family of the variant's networks.
func (c *Config) FamilyName() model.FamilyName {
	t, _ := c.Variant.Traits()
	return t.Family
}

// refuseForeign refuses what a user set that does not belong to the variant's
// family.
func (r *resolver) refuseForeign() error {
	family := r.config.FamilyName()
	for _, l := range leaves() {
		if !r.origins.since(l.path, fromFile) || belongs(l.path, family) {
			continue
		}
		hint := "leave it out"
		if own := sectionOf[family]; own != "" {
			_, rest, _ := strings.Cut(l.path, ".")
			if _, ok := value(r.config, own+"."+rest); ok {
				hint = fmt.Sprintf("set %s.%s instead", own, rest)
			}
		}
		return &KeyError{Key: l.path, Where: r.origins[l.path].where, Text: fmt.Sprintf(
			"does not belong to variant %s (it is of %s): %s", r.config.Variant, familyTitles(ownersOf(l.path)), hint)}
	}
	return nil
}

func familyTitles(families []model.FamilyName) string {
	titles := map[model.FamilyName]string{
		model.FOMMFamily: "the variants of FOMM", model.MonkeyNetFamily: "monkeynet", model.X2FaceFamily: "x2face",
	}
	var list []string
	for _, f := range families {
		list = append(list, titles[f])
	}
	return strings.Join(list, " and ")
}

// validateFamily checks the section of a family that is not FOMM's.
func (c *Config) validateFamily(v *validator) {
	switch c.FamilyName() {
	case model.MonkeyNetFamily:
		c.validateMonkeyNet(v)
	case model.X2FaceFamily:
		c.validateX2Face(v)
	}
}

func (c *Config) validateMonkeyNet(v *validator) {
	p := c.MonkeyNet
	if p == nil {
		v.fail(monkeyNetSection, "is missing: variant monkeynet needs it")
		return
	}
	if err := p.Params.Validate(); err != nil {
		v.foreign(monkeyNetSection, err)
		return
	}
	const at = monkeyNetSection + "."
	g := &p.Generator
	c.halves(v, at+"kp_detector_params", p.KPDetector.ScaleFactor, p.KPDetector.NumBlocks)
	c.halves(v, at+"generator_params", 1, g.NumBlocks)
	c.halves(v, at+"generator_params.dense_motion_params", g.DenseMotion.ScaleFactor, g.DenseMotion.NumBlocks)
	v.ints(at+"discriminator_params.num_blocks", int64(p.Discriminator.NumBlocks), 1, 6) // of 256x256 pixels six blocks leave one
	if text := judgedSizeError(c.height(), c.width(), p.Discriminator.NumBlocks); text != "" {
		v.fail(at+"discriminator_params.num_blocks", "is %d: %s", p.Discriminator.NumBlocks, text)
	}
	w := p.LossWeights
	const weights = at + "loss_weights."
	if len(w.Reconstruction) > p.Discriminator.NumBlocks+2 {
		v.fail(weights+"reconstruction", "has %d weights: the picture, %d blocks and the scores have one each",
			len(w.Reconstruction), p.Discriminator.NumBlocks)
	}
	for _, x := range w.Reconstruction {
		v.floats(weights+"reconstruction", x, 0, 1e6)
	}
	v.floats(weights+"reconstruction_deformed", w.ReconstructionDeformed, 0, 1e6)
	v.floats(weights+"generator_gan", w.GeneratorGAN, 0, 1e6)
	v.above(weights+"discriminator_gan", w.DiscriminatorGAN, 1e6)
	if largest := slices.Max(append([]float64{w.ReconstructionDeformed, w.GeneratorGAN}, w.Reconstruction...)); largest == 0 {
		v.fail(weights+"reconstruction", "all weights of the generator's losses are 0: it would never learn")
	}
}

// halves demands sides that can be halved so often after they are scaled.
func (c *Config) halves(v *validator, at string, scale float64, blocks int) {
	step := 1 << blocks
	for _, side := range []int{c.height(), c.width()} {
		if small := int(float64(side) * scale); small < step || small%step != 0 || float64(small) != float64(side)*scale {
			v.fail(at+".num_blocks", "%d halvings after scale_factor %v need sides that are multiples of %d, frame_shape is %v: "+
				"change frame_shape, scale_factor or num_blocks", blocks, scale, step, c.Dataset.FrameShape)
			return
		}
	}
}

// judgedSizeError follows Monkey-Net's discriminator (4x4 kernels without
// padding, halving in every block) and says where pictures get too small.
func judgedSizeError(h, w, blocks int) string {
	for i := 0; i < blocks; i++ {
		h, w = h-3, w-3
		if h < 2 || w < 2 {
			return fmt.Sprintf("block %d would see less than two pixels: take fewer blocks or larger pictures", i)
		}
		h, w = h/2, w/2
	}
	return ""
}

func (c *Config) validateX2Face(v *validator) {
	p := c.X2Face
	if p == nil {
		v.fail(x2faceSection, "is missing: variant x2face needs it")
		return
	}
	if err := p.Params.Validate(); err != nil {
		v.foreign(x2faceSection, err)
		return
	}
	if size := p.Size(); c.height() != size || c.width() != size {
		v.fail(x2faceSection+".num_levels", "is %d: the networks halve pictures down to one pixel, which needs pictures of %dx%d, "+
			"frame_shape is %v: change one of them", p.NumLevels, size, size, c.Dataset.FrameShape)
	}
	if !(p.Momentum >= 0 && p.Momentum < 1) {
		v.fail(x2faceSection+".momentum", "is %v, must lie in [0, 1)", p.Momentum)
	}
}

// familyLayer takes from a preset what it says for a family.
func familyLayer(p preset, family model.FamilyName) layer {
	l := layer{rank: fromPreset, label: p.settings.label}
	for i := 0; p.families != nil && i+1 < len(p.families.Content); i += 2 {
		if p.families.Content[i].Value == string(family) {
			l.root = p.families.Content[i+1]
		}
	}
	return l
}

// familyOf is the family of a variant's name, FOMM's for names that are unknown
// (they are refused elsewhere) or empty.
func familyOf(v model.Variant) model.FamilyName {
	if t, ok := v.Traits(); ok {
		return t.Family
	}
	return model.FOMMFamily
}

// dropForeign leaves the sections of other families out.
func (c *Config) dropForeign() {
	for family, section := range sectionOf {
		if family == c.FamilyName() {
			continue
		}
		if f, ok := lookup(reflect.TypeOf(*c), section); ok {
			reflect.ValueOf(c).Elem().FieldByIndex(f.index).SetZero()
		}
	}
}

// KeyBelongs reports whether a key means something to a variant.
func KeyBelongs(path string, v model.Variant) bool { return belongs(path, familyOf(v)) }

// SetBelongs reports whether the key of a setting, "key=value", means something
// to a variant. Settings that cannot be read do: they are refused elsewhere.
func SetBelongs(set string, v model.Variant) bool {
	key, _, _ := strings.Cut(set, "=")
	path, err := findKey(strings.TrimSpace(key), familyOf(v))
	return err != nil || belongs(path, familyOf(v))
}

// Animated describes the networks that animate, to be compared with others':
// what belongs to training alone is left out.
func (c *Config) Animated() any {
	switch {
	case c.MonkeyNet != nil:
		p := c.MonkeyNet.Params
		p.Discriminator, p.AlignCorners = monkeynet.DiscriminatorParams{}, c.Model.AlignCorners
		return p
	case c.X2Face != nil:
		p := c.X2Face.Params
		p.AlignCorners = c.Model.AlignCorners
		return p
	}
	p := c.Model
	p.Discriminator = fomm.DiscriminatorParams{}
	return p
}
