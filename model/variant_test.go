package model

import "testing"

// TestTraits: the rows of the paper's Table 4 differ in what they are trained
// against, and one of them is the baseline.
func TestTraits(t *testing.T) {
	for v, want := range map[Variant]struct {
		kind DiscriminatorKind
		mask MaskKind
	}{
		FOMM: {NoDiscriminator, NoMask}, FOMMAdv: {PatchDiscriminator, NoMask}, UNet: {PixelDiscriminator, NoMask},
		CutMix: {PixelDiscriminator, BoxMask}, PriorityCut: {PixelDiscriminator, OcclusionMask},
	} {
		got, ok := v.Traits()
		if !ok || got.Discriminator != want.kind || got.Mask != want.mask || got.Family != FOMMFamily {
			t.Errorf("%s is %+v, %t", v, got, ok)
		}
		if got.Adversarial() != (got.GeneratorGAN > 0) || got.Consistent() && !got.Pixels() {
			t.Errorf("%s contradicts itself: %+v", v, got)
		}
	}
	if _, ok := Variant("gan").Traits(); ok {
		t.Error("there is a variant gan")
	}
	if Baseline() != FOMM {
		t.Errorf("the baseline is %q", Baseline())
	}
	for kind, want := range map[DiscriminatorKind]Variant{NoDiscriminator: FOMM, PatchDiscriminator: FOMMAdv, PixelDiscriminator: UNet, 7: ""} {
		if got := VariantAgainst(FOMMFamily, kind); got != want {
			t.Errorf("the first variant against kind %d is %q, want %q", kind, got, want)
		}
	}
}
