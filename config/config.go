package config

import (
	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/model/fomm"
	"github.com/prioritycut/prioritycut/prioritycut"
	"github.com/prioritycut/prioritycut/tf"
)

// FormatVersion is the version of the resolved file. It grows when a key
// changes its meaning; files of older versions are read, newer ones refused.
const FormatVersion = 1

// Config is the whole tree of settings. The sections dataset_params ...
// visualizer_params and their keys are those of the reference
// (first-order-model); keys of ours stand beside them.
type Config struct {
	// FormatVersion of a saved configuration. Written by the program.
	FormatVersion int `yaml:"format_version"`
	// Preset the configuration was built on: shapes-64, vox-256, taichi-256,
	// bair-256, or reference (the base of a complete YAML of the reference).
	Preset string `yaml:"preset"`
	// Variant is a row of the paper's tables: fomm, fomm-adv, unet, cutmix or
	// prioritycut, which are of one family of networks, monkeynet or x2face. It
	// decides the family, the kind of discriminator, generator_gan,
	// discriminator_gan and whether the consistency loss acts.
	Variant model.Variant `yaml:"variant"`
	// Seed of everything random: initial weights, batches, warps, masks. Any
	// integer; 0 as the reference.
	Seed int64 `yaml:"seed"`
	// InitFrom is the folder of a run or a converted checkpoint whose weights
	// training starts from; empty starts from scratch.
	InitFrom string `yaml:"init_from"`
	// VGG19 says where the perceptual loss takes its features from.
	VGG19 VGG19Params `yaml:"vgg19"`
	// Dataset says what is trained on and how it is augmented.
	Dataset dataset.Params `yaml:"dataset_params"`
	// Model sizes the networks.
	Model fomm.Params `yaml:"model_params"`
	// MonkeyNet sizes the networks of variant monkeynet and weighs its losses.
	MonkeyNet *MonkeyNetParams `yaml:"monkeynet_params"`
	// X2Face sizes the networks of variant x2face.
	X2Face *X2FaceParams `yaml:"x2face_params"`
	// PriorityCut configures the masks of PriorityCut and the boxes of CutMix.
	PriorityCut prioritycut.Params `yaml:"prioritycut_params"`
	// Train configures losses, optimisers and the training loop.
	Train TrainParams `yaml:"train_params"`
	// Reconstruction configures the reconstruction of test videos.
	Reconstruction ReconstructionParams `yaml:"reconstruction_params"`
	// Animate configures animation.
	Animate AnimateParams `yaml:"animate_params"`
	// Visualizer configures the picture grids.
	Visualizer VisualizerParams `yaml:"visualizer_params"`
	// Run says where and how the program computes, not what.
	Run RunParams `yaml:"run_params"`
}

// RandomVGG19 as a file name means fixed random features instead of weights.
const RandomVGG19 = "random"

// VGG19Params choose the features of the perceptual loss.
type VGG19Params struct {
	// File with the weights (.npz, .safetensors or torchvision's .pth), or
	// "random": fixed features with random weights, enough for small drawn
	// pictures, but not what the paper trained with. Empty: none named yet.
	File string `yaml:"file"`
	// WidthDivisor divides the channels of every layer: 1 is VGG-19, a larger
	// one is cheaper and possible with random features only, or with a file of
	// that width. One of 1, 2, 4, 8, 16, 32, 64.
	WidthDivisor int `yaml:"width_divisor"`
	// SHA256 of the weight file in hexadecimal digits, written by the run: the
	// file may move, but a run never goes on with other weights.
	SHA256 string `yaml:"sha256"`
}

// ReconstructionParams configure the reconstruction of test videos.
type ReconstructionParams struct {
	// NumVideos is the largest number of videos reconstructed. At least 1.
	NumVideos int `yaml:"num_videos"`
	// Format of the visualisations: .mp4 or .gif.
	Format string `yaml:"format"`
}

// AnimateParams configure animation.
type AnimateParams struct {
	// NumPairs is the largest number of pairs animated. At least 1.
	NumPairs int `yaml:"num_pairs"`
	// Format of the visualisations: .mp4 or .gif.
	Format string `yaml:"format"`
	// Normalization says how driving keypoints become those of the source.
	Normalization NormalizationParams `yaml:"normalization_params"`
}

// NormalizationParams say how driving keypoints are carried over to the source.
type NormalizationParams struct {
	// AdaptMovementScale scales the movement by the square root of the ratio of
	// the areas of the keypoints' convex hulls. Acts in relative mode only.
	AdaptMovementScale bool `yaml:"adapt_movement_scale"`
	// UseRelativeMovement applies the displacement since the first driving
	// frame instead of the driving keypoints themselves.
	UseRelativeMovement bool `yaml:"use_relative_movement"`
	// UseRelativeJacobian does the same for the Jacobians. Acts in relative
	// mode only.
	UseRelativeJacobian bool `yaml:"use_relative_jacobian"`
}

// VisualizerParams configure the picture grids.
type VisualizerParams struct {
	// KPSize is the radius of a drawn keypoint in pixels. 1 to 64.
	KPSize int `yaml:"kp_size"`
	// DrawBorder puts space and a line around each picture of a grid; without it the
	// pictures touch.
	DrawBorder bool `yaml:"draw_border"`
	// Colormap gives keypoints and maps their colours, by its Matplotlib name.
	Colormap string `yaml:"colormap"`
}

// RunParams say where and how the program computes. They change the meaning of
// no run and may differ when it goes on.
type RunParams struct {
	// Device that computes: auto (a GPU if there is one), cpu, gpu, or gpu:N.
	Device string `yaml:"device"`
	// Deterministic makes two equal runs bit-equal, which may cost time.
	Deterministic bool `yaml:"deterministic"`
	// TF32 lets GPUs that have TensorFloat-32 round the factors of convolutions
	// and products to 10 bits: quicker, and not equal to other devices to float32's
	// last bits. Deterministic runs do without. On CPUs it means nothing.
	TF32 bool `yaml:"tf32"`
	// MixedPrecision computes convolutions and products, and what lies between them,
	// in a shorter form, with weights, sums and updates in float32: float16 on GPUs
	// (of compute capability 7.0 or more), with losses scaled so that small gradients
	// are not lost, or bfloat16 on CPUs with AVX-512, by TensorFlow's kernels in place
	// of our own. Empty or off: float32.
	MixedPrecision string `yaml:"mixed_precision"`
	// IntraThreads computes one operation with so many threads; 0 takes all
	// cores. 0 to 1024.
	IntraThreads int `yaml:"intra_threads"`
	// InterThreads is the number of operations computed at once; 0 leaves it to
	// TensorFlow. 0 to 1024.
	InterThreads int `yaml:"inter_threads"`
	// WorkerTimeout is how many seconds a worker of several waits in a step, and at
	// the start, for one that does not answer; 0 is 300. 0 to 86400.
	WorkerTimeout int `yaml:"worker_timeout"`
	// GradientWire is the form in which workers send gradients to each other:
	// float32, or bfloat16 in half the bytes, rounded to 8 bits. Empty is float32.
	GradientWire string `yaml:"gradient_wire"`
}

// Mixed is mixed_precision as sessions call it.
func (r RunParams) Mixed() tf.MixedPrecision {
	if r.MixedPrecision == MixedOff {
		return tf.NoMixedPrecision
	}
	return tf.MixedPrecision(r.MixedPrecision)
}

// MixedOff is the value of mixed_precision that says so.
const MixedOff = "off"

// Wires are the values of gradient_wire.
const (
	WireFloat32  = "float32"
	WireBFloat16 = "bfloat16"
)
