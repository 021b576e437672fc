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
	// rolled by one); it needs a batch of two or more.
	OtherPair Pair = "other"
)

// Params configure the regularisation of the U-Net discriminator: the mask of
// PriorityCut (Eq. 1, Eq. 2) and the boxes of vanilla CutMix.
type Params struct {
	// BGThreshold is tau of Eq. 1: a pixel is background when the background
	// alpha exceeds it. In [0, 1]. High confidence excludes a bare majority.
	BGThreshold float64 `yaml:"bg_threshold"`
	// KOf is what k is a fraction of: foreground or image.
	KOf Base `yaml:"k_of"`
	// KMin and KMax bound the uniform draw of k, one per sample. In [0, 1].
	KMin float64 `yaml:"k_min"`
	KMax float64 `yaml:"k_max"`
	// Polarity is the value of the mask at the most occluded pixels.
	Polarity Polarity `yaml:"polarity"`
	// CutMixPair is the generated image that a box of vanilla CutMix shows.
	CutMixPair Pair `yaml:"cutmix_pair"`
	// CutMixInvert swaps box and rest with probability 1/2.
	CutMixInvert bool `yaml:"cutmix_invert"`
}

// DefaultParams are the values the presets start from.
func DefaultParams() Params {
	return Params{
		BGThreshold: 0.9, KOf: OfForeground, KMin: 0, KMax: 1,
		Polarity: FakeAtOccluded, CutMixPair: OwnPair, CutMixInvert: true,
	}
}

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
