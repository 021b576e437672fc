package config

import (
	"fmt"

	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/model/fomm"
)

const (
	maxBlocks    = 10   // levels of a network
	maxWidth     = 8192 // channels of a layer
	maxKeypoints = 1000
	maxScales    = 8
	headKernel   = 7  // side of the kernels of keypoint and Jacobian head
	relu51Shrink = 16 // VGG-19 halves pictures four times before relu5_1
)

func (c *Config) validateModel(v *validator) {
	const at = "model_params."
	m := &c.Model
	v.ints(at+"common_params.num_kp", int64(m.Common.NumKP), 1, maxKeypoints)
	if m.Common.NumChannels != 3 {
		v.fail(at+"common_params.num_channels", "is %d: only 3 (RGB) is supported", m.Common.NumChannels)
	}
	c.validateKPDetector(v, at+"kp_detector_params")
	c.validateGenerator(v, at+"generator_params")
	if c.HasDiscriminator() {
		c.validateDiscriminator(v, at+"discriminator_params")
	}
}

func (c *Config) height() int { return c.Dataset.FrameShape[0] }
func (c *Config) width() int  { return c.Dataset.FrameShape[1] }

// validateHourglass returns the sides of its input and whether they are right.
func (c *Config) validateHourglass(v *validator, at string, p fomm.HourglassParams) (h, w int, ok bool) {
	ok = v.ints(at+".block_expansion", int64(p.BlockExpansion), 1, maxWidth)
	ok = v.ints(at+".max_features", int64(p.MaxFeatures), 1, maxWidth) && ok
	ok = v.ints(at+".num_blocks", int64(p.NumBlocks), 1, maxBlocks) && ok
	n := inverse(p.ScaleFactor)
	if n == 0 || n&(n-1) != 0 {
		v.fail(at+".scale_factor", "is %v, must be 1 over a power of two: 1, 0.5, 0.25, 0.125 ...", p.ScaleFactor)
		return 0, 0, false
	}
	if !ok {
		return 0, 0, false
	}
	step := n << p.NumBlocks
	if c.height()%step != 0 || c.width()%step != 0 {
		v.fail(at+".num_blocks", "%d halvings after scale_factor %v need pictures whose sides are multiples of %d, "+
			"frame_shape is %v: change frame_shape, scale_factor or num_blocks", p.NumBlocks, p.ScaleFactor, step, c.Dataset.FrameShape)
		return 0, 0, false
	}
	return c.height() / n, c.width() / n, true
}

func (c *Config) validateKPDetector(v *validator, at string) {
	p := c.Model.KPDetector
	v.above(at+".temperature", p.Temperature, 1e6)
	padded := v.ints(at+".pad", int64(p.Pad), 0, 64)
	h, w, ok := c.validateHourglass(v, at, p.HourglassParams)
	if !ok || !padded {
		return
	}
	// Heatmaps are measured from corner to corner, which takes two pixels.
	lost := headKernel - 1 - 2*p.Pad
	if h-lost < 2 || w-lost < 2 {
		v.fail(at+".scale_factor", "pictures of %dx%d leave no room for the heads' kernels of side %d: "+
			"the input must have at least %d pixels a side; raise scale_factor, pad or frame_shape", h, w, headKernel, lost+2)
	}
}

func (c *Config) validateGenerator(v *validator, at string) {
	p := c.Model.Generator
	v.ints(at+".block_expansion", int64(p.BlockExpansion), 1, maxWidth)
	v.ints(at+".max_features", int64(p.MaxFeatures), 1, maxWidth)
	v.ints(at+".num_bottleneck_blocks", int64(p.NumBottleneckBlocks), 0, 100)
	if v.ints(at+".num_down_blocks", int64(p.NumDownBlocks), 0, maxBlocks) {
		if step := 1 << p.NumDownBlocks; c.height()%step != 0 || c.width()%step != 0 {
			v.fail(at+".num_down_blocks", "%d halvings need sides that are multiples of %d, frame_shape is %v",
				p.NumDownBlocks, step, c.Dataset.FrameShape)
		}
	}
	if !p.EstimateOcclusionMap && c.traits().Mask == model.OcclusionMask {
		v.fail(at+".estimate_occlusion_map", "is false, but variant %s cuts by the occlusion map: "+
			"set it to true or choose another variant", c.Variant)
	}
	c.validateHourglass(v, at+".dense_motion_params", p.DenseMotion)
}

func (c *Config) validateDiscriminator(v *validator, at string) {
	p := c.Model.Discriminator
	ok := v.ints(at+".block_expansion", int64(p.BlockExpansion), 1, maxWidth)
	ok = v.ints(at+".max_features", int64(p.MaxFeatures), 1, maxWidth) && ok
	ok = v.ints(at+".num_blocks", int64(p.NumBlocks), 1, maxBlocks) && ok
	v.above(at+".kp_variance", p.KPVariance, 100)
	oneOf(v, at+".enc_head", p.EncHead, fomm.PatchHead, fomm.GlobalHead)
	v.above(at+".decoder_scale", p.DecoderScale, 4)
	if !ok {
		return
	}
	if c.HasUNet() {
		c.validateUNet(v, at, p.NumBlocks)
		return
	}
	if len(p.Scales) == 0 || len(p.Scales) > maxScales {
		v.fail(at+".scales", "has %d scales, must have 1 to %d", len(p.Scales), maxScales)
		return
	}
	seen := map[int]bool{}
	for _, scale := range p.Scales {
		n := inverse(scale)
		switch {
		case n == 0:
			v.fail(at+".scales", "holds %v: a scale must be 1 over an integer", scale)
		case seen[n]:
			v.fail(at+".scales", "holds %v twice", scale)
		default:
			seen[n] = true
			if text := patchSizeError(ceilDiv(c.height(), n), ceilDiv(c.width(), n), p.NumBlocks); text != "" {
				v.fail(at+".num_blocks", "scale %v: %s", scale, text)
			}
		}
	}
}

// validateUNet checks that every skip connection meets a map of its size and
// that instance norm sees more than one pixel.
func (c *Config) validateUNet(v *validator, at string, blocks int) {
	step := 1 << (blocks - 1)
	if c.height()%step != 0 || c.width()%step != 0 || (blocks > 1 && c.height()/step*(c.width()/step) < 2) {
		v.fail(at+".num_blocks", "is %d: the U-Net halves pictures %d times, which needs sides that are multiples of %d "+
			"and more than one pixel at the end; frame_shape is %v", blocks, blocks-1, step, c.Dataset.FrameShape)
	}
}

// patchSizeError follows FOMM's discriminator (4x4 kernels without padding,
// halving in all blocks but the last) and says where pictures get too small.
func patchSizeError(h, w, blocks int) string {
	for i := 0; i < blocks; i++ {
		h, w = h-3, w-3
		if h < 1 || w < 1 || (i > 0 && h*w < 2) { // instance norm needs two pixels
			return fmt.Sprintf("block %d would see less than two pixels: take fewer blocks or larger pictures", i)
		}
		if i < blocks-1 {
			h, w = h/2, w/2
		}
	}
	return ""
}

func (c *Config) validatePerceptualScales(v *validator) {
	const key = "train_params.scales"
	scales := c.Train.Scales
	if len(scales) == 0 || len(scales) > maxScales {
		v.fail(key, "has %d scales, must have 1 to %d (pictures of %v may be too small for relu5_1)",
			len(scales), maxScales, c.Dataset.FrameShape)
		return
	}
	seen := map[int]bool{}
	for _, scale := range scales {
		n := inverse(scale)
		switch {
		case n == 0:
			v.fail(key, "holds %v: a scale must be 1 over an integer", scale)
			return
		case seen[n]:
			v.fail(key, "holds %v twice", scale)
			return
		}
		seen[n] = true
		if text := perceptualScaleError(c.height(), c.width(), n); text != "" {
			v.fail(key, "holds %v: %s", scale, text)
			return
		}
	}
}

// perceptualScaleError says why pictures of h x w cannot be compared at 1/n of
// their size; "" when they can.
func perceptualScaleError(h, w, n int) string {
	h, w = ceilDiv(h, n), ceilDiv(w, n)
	if h < relu51Shrink || w < relu51Shrink {
		return fmt.Sprintf("pictures of %dx%d are too small for VGG-19's relu5_1, which needs %d pixels a side: leave it out",
			h, w, relu51Shrink)
	}
	return ""
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
