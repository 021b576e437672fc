package config

import (
	"fmt"
	"strings"

	"github.com/prioritycut/prioritycut/internal/nearest"
	"github.com/prioritycut/prioritycut/model"
)

// DefaultVariant is trained when none is named: the paper's own.
const DefaultVariant = model.PriorityCut

// variantRule is what a variant decides.
type variantRule struct {
	generatorGAN     float64 // 0: no adversary
	discriminatorGAN float64
	unet             bool // the U-Net discriminator instead of FOMM's
	consistency      bool // L_cons acts
}

// discriminator reports whether there is one.
func (r variantRule) discriminator() bool { return r.generatorGAN != 0 }

// variantRules is the table of the paper's ablation. discriminator_gan of fomm
// weighs nothing, since there is no discriminator; the reference's files say 1.
var variantRules = map[model.Variant]variantRule{
	model.FOMM:        {generatorGAN: 0, discriminatorGAN: 1},
	model.FOMMAdv:     {generatorGAN: 1, discriminatorGAN: 1},
	model.UNet:        {generatorGAN: 1, discriminatorGAN: 1, unet: true},
	model.CutMix:      {generatorGAN: 1, discriminatorGAN: 1, unet: true, consistency: true},
	model.PriorityCut: {generatorGAN: 1, discriminatorGAN: 1, unet: true, consistency: true},
}

func checkVariant(v model.Variant) error {
	names := make([]string, 0, len(variantRules))
	for _, known := range model.Variants() {
		if v == known {
			return nil
		}
		names = append(names, string(known))
	}
	hint := ""
	if near := nearest.Word(string(v), names); near != "" {
		hint = fmt.Sprintf("; did you mean %s?", near)
	}
	return fmt.Errorf("variant %q is unknown: choose one of %s%s",
		clip(string(v)), strings.Join(names, ", "), hint)
}

// applyVariant sets what belongs to the variant and warns where a user's
// setting says otherwise.
func (r *resolver) applyVariant() {
	c, rule := r.config, variantRules[r.config.Variant]
	w := &c.Train.LossWeights
	r.decide("train_params.loss_weights.generator_gan", &w.GeneratorGAN, rule.generatorGAN)
	r.decide("train_params.loss_weights.discriminator_gan", &w.DiscriminatorGAN, rule.discriminatorGAN)
	if !rule.consistency {
		r.decide("train_params.loss_weights.consistency", &w.Consistency, 0)
	} else if w.Consistency == 0 {
		r.warn("train_params.loss_weights.consistency",
			"is 0: variant %s then trains like variant unet", c.Variant)
	}
}

// decide gives *v the variant's value, with a warning when a user set another.
func (r *resolver) decide(path string, v *float64, want float64) {
	if *v != want && r.origins.since(path, fromFile) {
		r.warn(path, "%s says %v, but variant %s decides: %v", r.origins[path].where, *v, r.config.Variant, want)
	}
	*v = want
}

// rule returns what the variant decides.
func (c *Config) rule() variantRule { return variantRules[c.Variant] }

// HasDiscriminator reports whether the variant trains one.
func (c *Config) HasDiscriminator() bool { return c.rule().discriminator() }

// HasUNet reports whether the variant's discriminator is the U-Net.
func (c *Config) HasUNet() bool { return c.rule().unet }

// HasConsistency reports whether the consistency loss acts.
func (c *Config) HasConsistency() bool {
	return c.rule().consistency && c.Train.LossWeights.Consistency > 0
}
