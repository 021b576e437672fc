package fomm

// CommonParams are shared by all networks (YAML: model_params.common_params).
type CommonParams struct {
	// NumKP is K, the number of keypoints. At least 1.
	NumKP int `yaml:"num_kp"`
	// NumChannels of a picture. Only 3 (RGB) is supported.
	NumChannels int `yaml:"num_channels"`
	// EstimateJacobian adds a 2x2 Jacobian to each keypoint.
	EstimateJacobian bool `yaml:"estimate_jacobian"`
}

// HourglassParams size an encoder-decoder: level i has
// min(MaxFeatures, BlockExpansion * 2^i) channels.
type HourglassParams struct {
	// BlockExpansion is the number of channels at full resolution. At least 1.
	BlockExpansion int `yaml:"block_expansion"`
	// MaxFeatures bounds the channels of a level.
	MaxFeatures int `yaml:"max_features"`
	// NumBlocks is the number of levels: the input's sides must be multiples
	// of 2^NumBlocks.
	NumBlocks int `yaml:"num_blocks"`
	// ScaleFactor shrinks pictures (anti-aliased) before the hourglass: 1 over
	// a power of two. Weights trained at 256 run at 512 with half the factor.
	ScaleFactor float64 `yaml:"scale_factor"`
}

// KPDetectorParams configure the keypoint detector.
type KPDetectorParams struct {
	HourglassParams `yaml:",inline"`
	// Temperature divides the logits of the heatmaps. Above 0.
	Temperature float64 `yaml:"temperature"`
	// Pad is the zero padding of both heads (the reference's default is 0).
	Pad int `yaml:"pad"`
	// SingleJacobianMap shares one Jacobian map among the keypoints (mgif).
	SingleJacobianMap bool `yaml:"single_jacobian_map"`
}

// GeneratorParams configure the occlusion-aware generator.
type GeneratorParams struct {
	// BlockExpansion is the number of channels at full resolution.
	BlockExpansion int `yaml:"block_expansion"`
	// MaxFeatures bounds the channels of a level.
	MaxFeatures int `yaml:"max_features"`
	// NumDownBlocks halve the resolution before features are warped.
	NumDownBlocks int `yaml:"num_down_blocks"`
	// NumBottleneckBlocks is the number of residual blocks after the warp.
	NumBottleneckBlocks int `yaml:"num_bottleneck_blocks"`
	// EstimateOcclusionMap multiplies the warped features by an occlusion map.
	// PriorityCut needs it.
	EstimateOcclusionMap bool `yaml:"estimate_occlusion_map"`
	// DenseMotion configures the dense motion network.
	DenseMotion HourglassParams `yaml:"dense_motion_params"`
}

// EncoderHead is the form of the U-Net discriminator's encoder head.
type EncoderHead string

const (
	// PatchHead gives one score per patch (averaged in the loss).
	PatchHead EncoderHead = "patch"
	// GlobalHead gives one score per image: ReLU, sum over pixels, linear.
	GlobalHead EncoderHead = "global"
)

// DiscriminatorParams configure FOMM's multi-scale discriminator and the U-Net
// discriminator of PriorityCut. The variant decides which of the two is built.
type DiscriminatorParams struct {
	// Scales of the picture pyramid, one discriminator each (multi-scale only).
	Scales []float64 `yaml:"scales"`
	// BlockExpansion: encoder block i has min(MaxFeatures, BlockExpansion *
	// 2^(i+1)) channels.
	BlockExpansion int `yaml:"block_expansion"`
	// MaxFeatures bounds the channels of a block.
	MaxFeatures int `yaml:"max_features"`
	// NumBlocks of the encoder.
	NumBlocks int `yaml:"num_blocks"`
	// SN puts spectral normalisation on every convolution.
	SN bool `yaml:"sn"`
	// UseKP adds Gaussian heatmaps of the driving keypoints to the input.
	UseKP bool `yaml:"use_kp"`
	// KPVariance is the variance of these heatmaps.
	KPVariance float64 `yaml:"kp_variance"`
	// EncHead is the head of the U-Net's encoder: patch or global.
	EncHead EncoderHead `yaml:"enc_head"`
	// DecoderScale multiplies the widths of the U-Net's decoder (1, or 0.5 for
	// half the cost).
	DecoderScale float64 `yaml:"decoder_scale"`
}

// Params configure all networks (YAML: model_params).
type Params struct {
	Common        CommonParams        `yaml:"common_params"`
	KPDetector    KPDetectorParams    `yaml:"kp_detector_params"`
	Generator     GeneratorParams     `yaml:"generator_params"`
	Discriminator DiscriminatorParams `yaml:"discriminator_params"`
	// AlignCorners is the convention of bilinear sampling: true samples pixel
	// (x+1)(W-1)/2, as PyTorch up to 1.2 and all checkpoints of 2019-20; false
	// samples ((x+1)W-1)/2, as PyTorch from 1.3 on.
	AlignCorners bool `yaml:"align_corners"`
}

// TransformParams configure the random thin-plate-spline warp of the
// equivariance losses (YAML: train_params.transform_params).
type TransformParams struct {
	// SigmaAffine is the standard deviation added to the identity's 2x3 matrix.
	SigmaAffine float64 `yaml:"sigma_affine"`
	// SigmaTPS is the standard deviation of the control parameters.
	SigmaTPS float64 `yaml:"sigma_tps"`
	// PointsTPS is the side of the grid of control points. At least 2.
	PointsTPS int `yaml:"points_tps"`
}

// LossWeights weigh the terms of both players (YAML: train_params.loss_weights).
type LossWeights struct {
	// GeneratorGAN weighs the generator's adversarial term; 0 leaves it, the
	// feature matching and the discriminator's step out. The variant sets it.
	GeneratorGAN float64 `yaml:"generator_gan"`
	// DiscriminatorGAN weighs the discriminator's adversarial terms.
	DiscriminatorGAN float64 `yaml:"discriminator_gan"`
	// FeatureMatching weighs each encoder block of the discriminator.
	FeatureMatching []float64 `yaml:"feature_matching"`
	// DecoderMatching weighs each decoder block of the U-Net discriminator in
	// feature matching, from the deepest on; empty leaves them out, as FOMM, which
	// has no decoder. The paper does not say.
	DecoderMatching []float64 `yaml:"decoder_matching"`
	// Perceptual weighs each of VGG-19's relu1_1 ... relu5_1.
	Perceptual []float64 `yaml:"perceptual"`
	// Reconstruction weighs the mean absolute difference of the prediction's
	// pixels. Neither FOMM nor the paper has this term (0); beside a VGG-19 with
	// random weights it helps.
	Reconstruction float64 `yaml:"reconstruction"`
	// EquivarianceValue weighs the keypoints' equivariance.
	EquivarianceValue float64 `yaml:"equivariance_value"`
	// EquivarianceJacobian weighs the Jacobians' equivariance.
	EquivarianceJacobian float64 `yaml:"equivariance_jacobian"`
	// Consistency weighs L_cons, the decoder's consistency under cutting.
	Consistency float64 `yaml:"consistency"`
}
