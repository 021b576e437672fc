package x2face

import "fmt"

// UpSampling says how the networks double their maps.
type UpSampling string

const (
	// AsSampling follows align_corners, as PyTorch up to 0.3 and from 1.3 on did.
	AsSampling UpSampling = "as_sampling"
	// HalfPixel doubles with half-pixel centres whatever align_corners says: the
	// public code on PyTorch 0.4 to 1.2.
	HalfPixel UpSampling = "half_pixel"
)

// Params configure both networks (YAML: model_params).
type Params struct {
	// NumLevels halve the resolution down to one pixel, so pictures must be
	// squares of 2^num_levels pixels: 8 (of 256) in the public code.
	NumLevels int `yaml:"num_levels"`
	// BlockExpansion is the number of channels of the outermost level; each
	// deeper one has twice as many, at most max_features.
	BlockExpansion int `yaml:"block_expansion"`
	// MaxFeatures bounds the channels of a level.
	MaxFeatures int `yaml:"max_features"`
	// InnerFeatures is the size of the driving network's code: 128 in the
	// public training script and the released model.
	InnerFeatures int `yaml:"inner_features"`
	// AlignCorners (key model_params.align_corners) is the convention of bilinear sampling, and of doubling maps:
	// true as PyTorch up to 0.3, which the released weights need; false as the
	// public code does on PyTorch from 1.3 on.
	AlignCorners bool `yaml:"-"`
	// UpSampling doubles maps as_sampling (as align_corners says) or half_pixel
	// (the public code on PyTorch 0.4 to 1.2, where align_corners is true).
	UpSampling UpSampling `yaml:"up_sampling"`
}

// DefaultParams are those of the public training script.
func DefaultParams() Params {
	return Params{
		NumLevels: 8, BlockExpansion: 64, MaxFeatures: 512, InnerFeatures: 128,
		AlignCorners: true, UpSampling: AsSampling,
	}
}

// Size is the side of the pictures in pixels.
func (p *Params) Size() int { return 1 << p.NumLevels }

// Validate reports the first value that no network can be built with. Its
// message begins with the key below model_params.
func (p *Params) Validate() error {
	bounds := []struct {
		key                string
		value, least, most int
	}{
		{"num_levels", p.NumLevels, 3, 12},
		{"block_expansion", p.BlockExpansion, 1, 1 << 16},
		{"max_features", p.MaxFeatures, 1, 1 << 16},
		{"inner_features", p.InnerFeatures, 1, 1 << 16},
	}
	for _, b := range bounds {
		if b.value < b.least || b.value > b.most {
			return fmt.Errorf("%s is %d, must lie in %d..%d", b.key, b.value, b.least, b.most)
		}
	}
	if p.UpSampling != AsSampling && p.UpSampling != HalfPixel {
		return fmt.Errorf("up_sampling is %q, must be as_sampling or half_pixel", p.UpSampling)
	}
	return nil
}
