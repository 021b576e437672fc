package prioritycut

import "fmt"

// Base says what the fraction k of a PriorityCut mask is a fraction of.
type Base string

const (
	// OfForeground: n = floor(k * number of foreground pixels). The paper says
	// "top-k percent occluded pixels of the foreground"; every k draws a
	// different mask.
	OfForeground Base = "foreground"
	// OfImage: n = floor(k * H * W), at most the foreground: a percentile of
	// the whole map. Every k above the foreground's share cuts all of it.
	OfImage Base = "image"
)

// Polarity says which value a mask has at the most occluded pixels. In Eq. 2
// of the paper, mix = M * real + (1-M) * fake.
type Polarity string

const (
	// FakeAtOccluded: M = 0 at the top-k occluded pixels, so that they show
	// the generator's pixels ("always assigns the fake pixels to locations
	// where there are large changes in motion").
	FakeAtOccluded Polarity = "fake_at_occluded"
	// RealAtOccluded: M = 1 there, the literal words of the paper's Eq. 2.
	RealAtOccluded Polarity = "real_at_occluded"
)

// Pair says which generated image vanilla CutMix pastes into a real one.
type Pair string

const (
	// OwnPair mixes a driving frame with its own reconstruction.
	OwnPair Pair = "own"
	// OtherPair mixes it with the next sample's reconstruction (the batch
	// rolled by one); it needs a batch of two or more. A discriminator that sees
	// keypoints is given those of the driving frame, not the other sample's: the
	// picture is the driving frame with something foreign in it.
	OtherPair Pair = "other"
)

// Law is the distribution of k.
type Law string

const (
	// UniformLaw: k is uniform between k_min and k_max.
	UniformLaw Law = "uniform"
	// BetaLaw: k is k_min + (k_max - k_min) times a draw of Beta(k_alpha, k_beta),
	// as CutMix draws its share; Beta(1, 1) is uniform.
	BetaLaw Law = "beta"
	// FixedLaw: k is k_max in every step.
	FixedLaw Law = "fixed"
)

// Per says how often k is drawn in a step.
type Per string

const (
	// PerSample draws it for each sample of a batch.
	PerSample Per = "sample"
	// PerBatch draws it once for all of them.
	PerBatch Per = "batch"
)

// Resolution is where pixels are compared and ranked.
type Resolution string

const (
	// AtImage: maps are resized to the picture first, which gives smooth outlines
	// and an exact k.
	AtImage Resolution = "image"
	// AtMotion: at the motion network's own resolution; the mask is enlarged by
	// repeating its pixels.
	AtMotion Resolution = "motion"
)

// Params configure the regularisation of the U-Net discriminator: the mask of
// PriorityCut (Eq. 1, Eq. 2) and the boxes of vanilla CutMix.
type Params struct {
	// BGThreshold is tau of Eq. 1: a pixel is background when the background
	// alpha exceeds it. In [0, 1]. High confidence excludes a bare majority.
	BGThreshold float64 `yaml:"bg_threshold"`
	// KOf is what k is a fraction of: foreground or image.
	KOf Base `yaml:"k_of"`
	// KMin and KMax bound the draw of k. In [0, 1].
	KMin float64 `yaml:"k_min"`
	KMax float64 `yaml:"k_max"`
	// KLaw is the distribution of k: uniform, beta (k_min + (k_max - k_min) times
	// a draw of Beta(k_alpha, k_beta)) or fixed (k_max). The paper says percentile
	// k, and follows CutMix, whose Beta(1, 1) is uniform.
	KLaw Law `yaml:"k_law"`
	// KAlpha and KBeta are the parameters of k_law beta. Above 0, at most 100.
	KAlpha float64 `yaml:"k_alpha"`
	KBeta  float64 `yaml:"k_beta"`
	// KPer draws k for each sample, or once for a batch: sample or batch.
	KPer Per `yaml:"k_per"`
	// MaskAt is where pixels are ranked: image (maps are resized to the picture
	// first, for smooth outlines and an exact k) or motion (at the motion
	// network's resolution; the mask is enlarged by repeating its pixels).
	MaskAt Resolution `yaml:"mask_at"`
	// Polarity is the value of the mask at the most occluded pixels.
	Polarity Polarity `yaml:"polarity"`
	// CutMixPair is the generated image that a box of vanilla CutMix shows: own
	// (the driving frame's own reconstruction, so that cutmix against prioritycut
	// changes the mask alone) or other (the next sample's; the discriminator is
	// given the driving frame's keypoints).
	CutMixPair Pair `yaml:"cutmix_pair"`
	// CutMixInvert swaps box and rest with probability 1/2.
	CutMixInvert bool `yaml:"cutmix_invert"`
}

// DefaultParams are the values the presets start from.
func DefaultParams() Params {
	return Params{
		BGThreshold: 0.9, KOf: OfForeground, KMin: 0, KMax: 1,
		KLaw: UniformLaw, KAlpha: 1, KBeta: 1, KPer: PerSample, MaskAt: AtImage,
		Polarity: FakeAtOccluded, CutMixPair: OwnPair, CutMixInvert: true,
	}
}

// maxBeta bounds the parameters of Beta distributions.
const maxBeta = 100.0

// Validate reports the first value that is out of range.
func (p Params) Validate() error {
	unit := func(name string, v float64) error {
		if !(v >= 0 && v <= 1) {
			return fmt.Errorf("%s is %v: it must lie in [0, 1]", name, v)
		}
		return nil
	}
	if err := unit("bg_threshold", p.BGThreshold); err != nil {
		return err
	}
	if err := unit("k_min", p.KMin); err != nil {
		return err
	}
	if err := unit("k_max", p.KMax); err != nil {
		return err
	}
	if p.KMin > p.KMax {
		return fmt.Errorf("k_min %v is above k_max %v", p.KMin, p.KMax)
	}
	if p.KLaw != UniformLaw && p.KLaw != BetaLaw && p.KLaw != FixedLaw {
		return fmt.Errorf("k_law is %q: it must be %q, %q or %q", p.KLaw, UniformLaw, BetaLaw, FixedLaw)
	}
	if !(p.KAlpha > 0 && p.KAlpha <= maxBeta) {
		return fmt.Errorf("k_alpha is %v: it must be above 0 and at most %v", p.KAlpha, maxBeta)
	}
	if !(p.KBeta > 0 && p.KBeta <= maxBeta) {
		return fmt.Errorf("k_beta is %v: it must be above 0 and at most %v", p.KBeta, maxBeta)
	}
	if p.KPer != PerSample && p.KPer != PerBatch {
		return fmt.Errorf("k_per is %q: it must be %q or %q", p.KPer, PerSample, PerBatch)
	}
	if p.MaskAt != AtImage && p.MaskAt != AtMotion {
		return fmt.Errorf("mask_at is %q: it must be %q or %q", p.MaskAt, AtImage, AtMotion)
	}
	if p.KOf != OfForeground && p.KOf != OfImage {
		return fmt.Errorf("k_of is %q: it must be %q or %q", p.KOf, OfForeground, OfImage)
	}
	if p.Polarity != FakeAtOccluded && p.Polarity != RealAtOccluded {
		return fmt.Errorf("polarity is %q: it must be %q or %q", p.Polarity, FakeAtOccluded, RealAtOccluded)
	}
	if p.CutMixPair != OwnPair && p.CutMixPair != OtherPair {
		return fmt.Errorf("cutmix_pair is %q: it must be %q or %q", p.CutMixPair, OwnPair, OtherPair)
	}
	return nil
}
