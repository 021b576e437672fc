package config

import (
	"fmt"
	"strings"

	"github.com/prioritycut/prioritycut/internal/nearest"
	"github.com/prioritycut/prioritycut/model"
)

// DefaultVariant is trained when none is named: the paper's own.
const DefaultVariant = model.PriorityCut

func checkVariant(v model.Variant) error {
	if _, ok := v.Traits(); ok {
		return nil
	}
	var names []string
	for _, known := range model.AllVariants() {
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
	c := r.config
	traits := c.traits()
	if traits.Family != model.FOMMFamily {
		return
	}
	w := &c.Train.LossWeights
	r.decide("train_params.loss_weights.generator_gan", &w.GeneratorGAN, traits.GeneratorGAN)
	r.decide("train_params.loss_weights.discriminator_gan", &w.DiscriminatorGAN, traits.DiscriminatorGAN)
	if !traits.Consistent() {
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

// traits are what the variant is; of an unknown one they are empty.
func (c *Config) traits() model.Traits {
	t, _ := c.Variant.Traits()
	return t
}

// HasDiscriminator reports whether the variant trains one.
func (c *Config) HasDiscriminator() bool { return c.traits().Adversarial() }

// HasUNet reports whether the variant's discriminator is the U-Net.
func (c *Config) HasUNet() bool { return c.traits().Pixels() }

// HasConsistency reports whether the consistency loss acts.
func (c *Config) HasConsistency() bool {
	return c.traits().Consistent() && c.Train.LossWeights.Consistency > 0
}
