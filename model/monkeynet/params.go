package monkeynet

import (
	"fmt"
	"math"
	"strconv"
)

// Variance is what a keypoint knows of its extent: matrix, single, or a number.
type Variance string

const (
	// MatrixVariance is a 2x2 matrix for each keypoint, found by the detector.
	MatrixVariance Variance = "matrix"
	// SingleVariance is one number for each keypoint, found by the detector.
	SingleVariance Variance = "single"
)

// constant is the variance of all keypoints where it is a number.
func (v Variance) constant() (float64, bool) {
	x, err := strconv.ParseFloat(string(v), 64)
	return x, err == nil && x > 0 && !math.IsInf(x, 0)
}

// NormConst is what a keypoint's map is divided by: sum, or a number.
type NormConst string

// NormSum divides a map by its sum over all positions.
const NormSum NormConst = "sum"

func (n NormConst) number() (float64, bool) {
	x, err := strconv.ParseFloat(string(n), 64)
	return x, err == nil && x > 0 && !math.IsInf(x, 0)
}

// HeatmapType says what a keypoint's map shows.
type HeatmapType string

const (
	// GaussianHeatmap draws the driving keypoints.
	GaussianHeatmap HeatmapType = "gaussian"
	// DifferenceHeatmap draws the driving keypoints minus those of the source.
	DifferenceHeatmap HeatmapType = "difference"
)

// Interpolation says how the flow and the keypoints' maps are resized.
type Interpolation string

const (
	// Nearest takes pixel floor(i * from / to).
	Nearest Interpolation = "nearest"
	// Trilinear is linear between half-pixel centres, without smoothing.
	Trilinear Interpolation = "trilinear"
)

// CommonParams are shared by all networks (YAML: model_params.common_params).
type CommonParams struct {
	// NumKP is K, the number of keypoints. At least 1.
	NumKP int `yaml:"num_kp"`
	// NumChannels of a picture. Only 3 (RGB) is supported.
	NumChannels int `yaml:"num_channels"`
	// KPVariance of a keypoint: matrix (found by the detector), single (one
	// number, found by the detector), or a number above 0 for all of them.
	KPVariance Variance `yaml:"kp_variance"`
}

// UNetParams size an encoder-decoder: level i has min(max_features,
// block_expansion * 2^i) channels.
type UNetParams struct {
	// BlockExpansion is the number of channels at full resolution. At least 1.
	BlockExpansion int `yaml:"block_expansion"`
	// MaxFeatures bounds the channels of a level.
	MaxFeatures int `yaml:"max_features"`
	// NumBlocks is the number of levels: the input's sides must be multiples of
	// 2^num_blocks.
	NumBlocks int `yaml:"num_blocks"`
}

// KPDetectorParams configure the keypoint detector.
type KPDetectorParams struct {
	UNetParams `yaml:",inline"`
	// Temperature divides the logits of the heatmaps. Above 0.
	Temperature float64 `yaml:"temperature"`
	// ScaleFactor shrinks pictures, by leaving pixels out, before the
	// detector. Above 0, at most 1.
	ScaleFactor float64 `yaml:"scale_factor"`
	// ClipVariance is the least standard deviation of a matrix variance: of a
	// thinner one all entries are multiplied until it is reached. 0 does not.
	ClipVariance float64 `yaml:"clip_variance"`
}

// EmbeddingParams say in which form a network is given the keypoints.
type EmbeddingParams struct {
	// UseHeatmap gives a map of each keypoint.
	UseHeatmap bool `yaml:"use_heatmap"`
	// HeatmapType of the maps: gaussian (the driving keypoints) or difference
	// (driving minus source).
	HeatmapType HeatmapType `yaml:"heatmap_type"`
	// NormConst divides the maps: sum (over positions), or a number above 0.
	NormConst NormConst `yaml:"norm_const"`
	// ScaleFactor is the size of the maps to that of the picture. Above 0, at
	// most 1. The dense motion network has its own.
	ScaleFactor float64 `yaml:"scale_factor"`
	// UseDeformedSource gives the source moved with each keypoint (dense motion
	// network only).
	UseDeformedSource bool `yaml:"use_deformed_source_image"`
	// UseDifference gives the shift of each keypoint as two maps (dense motion
	// network only).
	UseDifference bool `yaml:"use_difference"`
}

// DenseMotionParams configure the dense motion network.
type DenseMotionParams struct {
	UNetParams `yaml:",inline"`
	// UseMask moves pixels with the keypoints whose masks claim them.
	UseMask bool `yaml:"use_mask"`
	// UseCorrection adds a flow of the network's own.
	UseCorrection bool `yaml:"use_correction"`
	// ScaleFactor shrinks the source, by leaving pixels out, before
	// the network. Above 0, at most 1.
	ScaleFactor float64 `yaml:"scale_factor"`
	// NumGroupBlocks is the number of blocks that see one keypoint at a time.
	NumGroupBlocks int `yaml:"num_group_blocks"`
	// MaskEmbedding is the network's input.
	MaskEmbedding EmbeddingParams `yaml:"mask_embedding_params"`
}

// GeneratorParams configure the generator.
type GeneratorParams struct {
	UNetParams `yaml:",inline"`
	// NumRefinementBlocks is the number of residual blocks behind the decoder.
	NumRefinementBlocks int `yaml:"num_refinement_blocks"`
	// InterpolationMode resizes the flow and the keypoints' maps to each skip
	// connection: nearest or trilinear (linear, half-pixel centres).
	InterpolationMode Interpolation `yaml:"interpolation_mode"`
	// DenseMotion configures the dense motion network.
	DenseMotion DenseMotionParams `yaml:"dense_motion_params"`
	// KPEmbedding are the keypoints' maps that join every skip connection.
	KPEmbedding EmbeddingParams `yaml:"kp_embedding_params"`
}

// DiscriminatorParams configure the discriminator.
type DiscriminatorParams struct {
	// BlockExpansion: block i has min(max_features, block_expansion * 2^(i+1))
	// channels.
	BlockExpansion int `yaml:"block_expansion"`
	// MaxFeatures bounds the channels of a block.
	MaxFeatures int `yaml:"max_features"`
	// NumBlocks that halve the resolution.
	NumBlocks int `yaml:"num_blocks"`
	// KPEmbedding are the maps of the driving keypoints that it sees; of its
	// keys only norm_const acts.
	KPEmbedding EmbeddingParams `yaml:"kp_embedding_params"`
}

// Params configure all networks (YAML: model_params).
type Params struct {
	Common        CommonParams        `yaml:"common_params"`
	KPDetector    KPDetectorParams    `yaml:"kp_detector_params"`
	Generator     GeneratorParams     `yaml:"generator_params"`
	Discriminator DiscriminatorParams `yaml:"discriminator_params"`
	// AlignCorners (key model_params.align_corners) is the convention of bilinear sampling: true samples pixel
	// (x+1)(W-1)/2, as PyTorch 0.4, which the public code was written for; false
	// samples ((x+1)W-1)/2, as the same code does on PyTorch from 1.3 on.
	AlignCorners bool `yaml:"-"`
}

// LossWeights weigh the terms of both players (YAML: train_params.loss_weights).
// A weight of 0 leaves the term out.
type LossWeights struct {
	// Reconstruction weighs the mean absolute difference of the picture, of each
	// block of the discriminator and of its scores, in this order; a shorter list
	// leaves the last ones out.
	Reconstruction []float64 `yaml:"reconstruction"`
	// ReconstructionDeformed weighs that of the warped source.
	ReconstructionDeformed float64 `yaml:"reconstruction_deformed"`
	// GeneratorGAN weighs the generator's adversarial term.
	GeneratorGAN float64 `yaml:"generator_gan"`
	// DiscriminatorGAN weighs the discriminator's.
	DiscriminatorGAN float64 `yaml:"discriminator_gan"`
}

// DefaultParams are the public code's defaults, where it has any: what a
// configuration that leaves keys out means.
func DefaultParams() Params {
	embedding := EmbeddingParams{UseHeatmap: true, HeatmapType: GaussianHeatmap, NormConst: NormSum, ScaleFactor: 1}
	return Params{
		Common:     CommonParams{NumChannels: 3, KPVariance: MatrixVariance},
		KPDetector: KPDetectorParams{ScaleFactor: 1},
		Generator: GeneratorParams{
			InterpolationMode: Nearest,
			DenseMotion:       DenseMotionParams{ScaleFactor: 1, UseMask: true, MaskEmbedding: embedding},
			KPEmbedding:       embedding,
		},
		Discriminator: DiscriminatorParams{KPEmbedding: embedding},
	}
}

// Validate reports the first value that no network can be built with. Its
// message begins with the key below model_params.
func (p *Params) Validate() error {
	if p.Common.NumKP < 1 || p.Common.NumKP > 1024 {
		return fmt.Errorf("common_params.num_kp is %d, must lie in 1..1024", p.Common.NumKP)
	}
	if p.Common.NumChannels != 3 {
		return fmt.Errorf("common_params.num_channels is %d: only 3 (RGB) is supported", p.Common.NumChannels)
	}
	v := p.Common.KPVariance
	if _, ok := v.constant(); !ok && v != MatrixVariance && v != SingleVariance {
		return fmt.Errorf("common_params.kp_variance is %q, must be matrix, single or a number above 0", v)
	}
	if err := p.KPDetector.validate(v); err != nil {
		return fmt.Errorf("kp_detector_params.%w", err)
	}
	if err := p.Generator.validate(); err != nil {
		return fmt.Errorf("generator_params.%w", err)
	}
	if err := p.Discriminator.validate(); err != nil {
		return fmt.Errorf("discriminator_params.%w", err)
	}
	return nil
}

func (p UNetParams) validate() error {
	if err := within("block_expansion", p.BlockExpansion, 1, 1<<16); err != nil {
		return err
	}
	if err := within("max_features", p.MaxFeatures, 1, 1<<16); err != nil {
		return err
	}
	return within("num_blocks", p.NumBlocks, 1, 12)
}

func (p *KPDetectorParams) validate(v Variance) error {
	if err := p.UNetParams.validate(); err != nil {
		return err
	}
	if !(p.Temperature > 0 && p.Temperature <= 1e6) {
		return fmt.Errorf("temperature is %v, must be above 0 and at most 1e6", p.Temperature)
	}
	if !(p.ClipVariance >= 0 && p.ClipVariance <= 2) {
		return fmt.Errorf("clip_variance is %v, must lie in [0, 2]", p.ClipVariance)
	}
	if p.ClipVariance > 0 && v != MatrixVariance {
		return fmt.Errorf("clip_variance is %v, which only kp_variance matrix knows: set it to 0", p.ClipVariance)
	}
	return fraction("scale_factor", p.ScaleFactor)
}

func (p *GeneratorParams) validate() error {
	if err := p.UNetParams.validate(); err != nil {
		return err
	}
	if err := within("num_refinement_blocks", p.NumRefinementBlocks, 0, 1024); err != nil {
		return err
	}
	if p.InterpolationMode != Nearest && p.InterpolationMode != Trilinear {
		return fmt.Errorf("interpolation_mode is %q, must be nearest or trilinear", p.InterpolationMode)
	}
	if err := p.DenseMotion.validate(); err != nil {
		return fmt.Errorf("dense_motion_params.%w", err)
	}
	e := p.KPEmbedding
	if !e.UseHeatmap || e.UseDeformedSource || e.UseDifference {
		return fmt.Errorf("kp_embedding_params.use_heatmap: the generator joins heatmaps with its skip connections, and nothing else")
	}
	if err := e.validate(); err != nil {
		return fmt.Errorf("kp_embedding_params.%w", err)
	}
	return nil
}

func (p *DenseMotionParams) validate() error {
	if err := p.UNetParams.validate(); err != nil {
		return err
	}
	if !p.UseMask && !p.UseCorrection {
		return fmt.Errorf("use_mask and use_correction are both false: nothing would move")
	}
	if err := within("num_group_blocks", p.NumGroupBlocks, 0, 1024); err != nil {
		return err
	}
	if err := fraction("scale_factor", p.ScaleFactor); err != nil {
		return err
	}
	e := p.MaskEmbedding
	if !e.UseHeatmap && !e.UseDeformedSource && !e.UseDifference {
		return fmt.Errorf("mask_embedding_params.use_heatmap: the network would see nothing")
	}
	if err := e.validate(); err != nil {
		return fmt.Errorf("mask_embedding_params.%w", err)
	}
	return nil
}

func (p *DiscriminatorParams) validate() error {
	if err := (UNetParams{p.BlockExpansion, p.MaxFeatures, p.NumBlocks}).validate(); err != nil {
		return err
	}
	if err := p.KPEmbedding.NormConst.validate(); err != nil {
		return fmt.Errorf("kp_embedding_params.%w", err)
	}
	return nil
}

func (e *EmbeddingParams) validate() error {
	if e.HeatmapType != GaussianHeatmap && e.HeatmapType != DifferenceHeatmap {
		return fmt.Errorf("heatmap_type is %q, must be gaussian or difference", e.HeatmapType)
	}
	if err := e.NormConst.validate(); err != nil {
		return err
	}
	return fraction("scale_factor", e.ScaleFactor)
}

func (n NormConst) validate() error {
	if _, ok := n.number(); !ok && n != NormSum {
		return fmt.Errorf("norm_const is %q, must be sum or a number above 0", n)
	}
	return nil
}

func within(key string, value, least, most int) error {
	if value < least || value > most {
		return fmt.Errorf("%s is %d, must lie in %d..%d", key, value, least, most)
	}
	return nil
}

func fraction(key string, value float64) error {
	if !(value > 0 && value <= 1) {
		return fmt.Errorf("%s is %v, must be above 0 and at most 1", key, value)
	}
	return nil
}
