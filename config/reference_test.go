package config

import (
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/model"
)

// Every key that the published configurations of the reference use, those for
// fashion, moving gifs and nemo too, in a file of our own.
const everyReferenceKey = `
dataset_params:
  root_dir: data/somewhere
  image_shape: [128, 128, 3]
  id_sampling: True
  pairs_list: data/pairs.csv
  augmentation_params:
    flip_param: {horizontal_flip: True, time_flip: no}
    crop_param: {size: [128, 128]}
    resize_param: {ratio: [0.9, 1.1]}
    jitter_param: {brightness: 0.2, contrast: 0.3, saturation: 0.4, hue: 0.5}
model_params:
  common_params: {num_kp: 7, num_channels: 3, estimate_jacobian: True}
  kp_detector_params:
    temperature: 0.2
    block_expansion: 8
    max_features: 64
    scale_factor: 0.5
    num_blocks: 4
    single_jacobian_map: True
  generator_params:
    block_expansion: 9
    max_features: 65
    num_down_blocks: 1
    num_bottleneck_blocks: 2
    estimate_occlusion_map: True
    dense_motion_params: {block_expansion: 10, max_features: 66, num_blocks: 3, scale_factor: 0.125}
  discriminator_params: {scales: [1, 0.5], block_expansion: 11, max_features: 67, num_blocks: 3, sn: True, use_kp: True}
train_params:
  num_epochs: 12
  num_repeats: 13
  epoch_milestones: [5, 6]
  lr_generator: 1.0e-4
  lr_discriminator: 2.0e-4
  lr_kp_detector: 3.0e-4
  batch_size: 14
  scales: [1, 0.25]
  checkpoint_freq: 15
  transform_params: {sigma_affine: 0.06, sigma_tps: 0.006, points_tps: 6}
  loss_weights:
    generator_gan: 1
    discriminator_gan: 1
    feature_matching: [1, 2, 3]
    perceptual: [4, 5, 6, 7, 8]
    equivariance_value: 9
    equivariance_jacobian: 11
reconstruction_params: {num_videos: 16, format: '.gif'}
animate_params:
  num_pairs: 17
  format: '.gif'
  normalization_params: {adapt_movement_scale: True, use_relative_movement: False, use_relative_jacobian: False}
visualizer_params: {kp_size: 6, draw_border: False, colormap: 'jet'}
`

func TestReferenceYAML(t *testing.T) {
	file := write(t, "ref.yaml", everyReferenceKey)
	c, warnings := resolve(t, Options{ConfigFile: file})
	if c.Preset != ReferencePreset || about(warnings, "preset") == "" {
		t.Errorf("a complete file lies on %s, warnings %v", c.Preset, warnings)
	}
	longer, _ := resolve(t, Options{ConfigFile: file, Sets: []string{"num_epochs=500"}})
	if c.Train.ConsWarmupEpochs != 1.2 || longer.Train.ConsWarmupEpochs != 1.2 {
		t.Errorf("warm-up of %v and %v of 12 epochs", c.Train.ConsWarmupEpochs, longer.Train.ConsWarmupEpochs)
	}
	bytes, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	// Every value of the file stands in the resolved file, at its own key.
	back, err := Unmarshal(bytes, "config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"dataset_params.frame_shape":                                        "[128, 128, 3]",
		"dataset_params.id_sampling":                                        "true",
		"dataset_params.augmentation_params.flip_param.horizontal_flip":     "true",
		"dataset_params.augmentation_params.flip_param.time_flip":           "false",
		"dataset_params.augmentation_params.crop_param.size":                "[128, 128]",
		"dataset_params.augmentation_params.resize_param.ratio":             "[0.9, 1.1]",
		"dataset_params.augmentation_params.jitter_param.brightness":        "0.2",
		"dataset_params.augmentation_params.jitter_param.contrast":          "0.3",
		"dataset_params.augmentation_params.jitter_param.saturation":        "0.4",
		"dataset_params.augmentation_params.jitter_param.hue":               "0.5",
		"model_params.common_params.num_kp":                                 "7",
		"model_params.common_params.estimate_jacobian":                      "true",
		"model_params.kp_detector_params.temperature":                       "0.2",
		"model_params.kp_detector_params.block_expansion":                   "8",
		"model_params.kp_detector_params.max_features":                      "64",
		"model_params.kp_detector_params.scale_factor":                      "0.5",
		"model_params.kp_detector_params.num_blocks":                        "4",
		"model_params.kp_detector_params.single_jacobian_map":               "true",
		"model_params.generator_params.block_expansion":                     "9",
		"model_params.generator_params.max_features":                        "65",
		"model_params.generator_params.num_down_blocks":                     "1",
		"model_params.generator_params.num_bottleneck_blocks":               "2",
		"model_params.generator_params.estimate_occlusion_map":              "true",
		"model_params.generator_params.dense_motion_params.block_expansion": "10",
		"model_params.generator_params.dense_motion_params.max_features":    "66",
		"model_params.generator_params.dense_motion_params.num_blocks":      "3",
		"model_params.generator_params.dense_motion_params.scale_factor":    "0.125",
		"model_params.discriminator_params.scales":                          "[1, 0.5]",
		"model_params.discriminator_params.block_expansion":                 "11",
		"model_params.discriminator_params.max_features":                    "67",
		"model_params.discriminator_params.num_blocks":                      "3",
		"model_params.discriminator_params.sn":                              "true",
		"model_params.discriminator_params.use_kp":                          "true",
		"train_params.num_epochs":                                           "12",
		"train_params.num_repeats":                                          "13",
		"train_params.epoch_milestones":                                     "[5, 6]",
		"train_params.lr_generator":                                         "1e-4",
		"train_params.lr_discriminator":                                     "2e-4",
		"train_params.lr_kp_detector":                                       "3e-4",
		"train_params.batch_size":                                           "14",
		"train_params.scales":                                               "[1, 0.25]",
		"train_params.checkpoint_freq":                                      "15",
		"train_params.transform_params.sigma_affine":                        "0.06",
		"train_params.transform_params.sigma_tps":                           "0.006",
		"train_params.transform_params.points_tps":                          "6",
		"train_params.loss_weights.feature_matching":                        "[1, 2, 3]",
		"train_params.loss_weights.perceptual":                              "[4, 5, 6, 7, 8]",
		"train_params.loss_weights.equivariance_value":                      "9",
		"train_params.loss_weights.equivariance_jacobian":                   "11",
		"reconstruction_params.num_videos":                                  "16",
		"reconstruction_params.format":                                      ".gif",
		"animate_params.num_pairs":                                          "17",
		"animate_params.format":                                             ".gif",
		"animate_params.normalization_params.adapt_movement_scale":          "true",
		"animate_params.normalization_params.use_relative_movement":         "false",
		"animate_params.normalization_params.use_relative_jacobian":         "false",
		"visualizer_params.kp_size":                                         "6",
		"visualizer_params.draw_border":                                     "false",
		"visualizer_params.colormap":                                        "jet",
	} {
		v, ok := value(back, path)
		if !ok || oneLine(v) != want {
			t.Errorf("%s is %v, want %s", path, v, want)
		}
	}
}

// A file that configures the networks alone, as one that goes with a published
// checkpoint of small pictures, takes the rest from the reference's defaults.
func TestReferenceYAMLOfNetworksOnly(t *testing.T) {
	networks := everyReferenceKey[strings.Index(everyReferenceKey, "model_params:"):strings.Index(everyReferenceKey, "train_params:")]
	file := write(t, "net.yaml", "dataset_params: {frame_shape: [64, 64, 3]}\n"+
		strings.Replace(networks, "sn: True, use_kp: True", "use_kp: True", 1))
	c, _ := resolve(t, Options{ConfigFile: file, Variant: "fomm-adv"})
	if d := c.Model.Discriminator; d.SN || !d.UseKP {
		t.Errorf("an absent sn is %t", d.SN)
	}
	if got := c.Train.Scales; len(got) != 3 || got[2] != 0.25 {
		t.Errorf("perceptual scales at 64x64: %v", got)
	}
	if got := c.Train.LossWeights.FeatureMatching; len(got) != 3 || got[0] != 10 {
		t.Errorf("feature matching of three blocks: %v", got)
	}
	if c.Preset != ReferencePreset || c.Variant != model.FOMMAdv || !c.Model.AlignCorners {
		t.Errorf("preset %s, variant %s", c.Preset, c.Variant)
	}
}
