package config

import (
	"errors"
	"strings"
	"testing"
)

func TestValuesThatCannotBeUsed(t *testing.T) {
	for _, c := range []struct {
		sets []string // over shapes-64 or, with a preset, that one
		key  string   // that the error names
		want string   // in its text
	}{
		{[]string{"adversarial_loss=hinge"}, "train_params.adversarial_loss", "bce"},
		{[]string{"decoder_matching=[1, 1, 1]"}, "train_params.loss_weights.decoder_matching", "must have 2"},
		{[]string{"variant=fomm-adv", "decoder_matching=[1, 1]"}, "train_params.loss_weights.decoder_matching", "no decoder"},
		{[]string{"k_law=normal"}, "prioritycut_params.k_law", "beta"},
		{[]string{"batch_size=0"}, "train_params.batch_size", "1..4096"},
		{[]string{"batch_size=-1"}, "train_params.batch_size", "1..4096"},
		{[]string{"num_epochs=0"}, "train_params.num_epochs", ""},
		{[]string{"train_params.steps=-1"}, "train_params.steps", ""},
		{[]string{"num_repeats=0"}, "train_params.num_repeats", ""},
		{[]string{"lr_generator=0"}, "train_params.lr_generator", "above 0"},
		{[]string{"lr_generator=2"}, "train_params.lr_generator", "at most 1"},
		{[]string{"lr_discriminator=0"}, "train_params.lr_discriminator", "above 0"},
		{[]string{"lr_kp_detector=0"}, "train_params.lr_kp_detector", "`init_from`"},
		{[]string{"lr_kp_detector=-1e-4"}, "train_params.lr_kp_detector", ""},
		{[]string{"epoch_milestones=[5, 5]"}, "train_params.epoch_milestones", "increase"},
		{[]string{"epoch_milestones=[0]"}, "train_params.epoch_milestones", "above 0"},
		{[]string{"step_milestones=[{step: 9, factor: 0.1}, {step: 3, factor: 0.1}]"}, "train_params.step_milestones", "increase"},
		{[]string{"step_milestones=[{step: 9, factor: 2}]"}, "train_params.step_milestones", "at most 1"},
		{[]string{"train_params.scales=[1, 0.125]"}, "train_params.scales", "relu5_1"},
		{[]string{"train_params.scales=[0.3]"}, "train_params.scales", "1 over an integer"},
		{[]string{"train_params.scales=[2]"}, "train_params.scales", "1 over an integer"},
		{[]string{"train_params.scales=[0]"}, "train_params.scales", "1 over an integer"},
		{[]string{"train_params.scales=[1, 1.0]"}, "train_params.scales", "twice"},
		{[]string{"feature_matching=[10]"}, "train_params.loss_weights.feature_matching", "must have 3"},
		{[]string{"perceptual=[10]"}, "train_params.loss_weights.perceptual", "must have 5"},
		{[]string{"perceptual=[1, 1, 1, 1, -1]"}, "train_params.loss_weights.perceptual", ""},
		{[]string{"variant=fomm", "perceptual=[0,0,0,0,0]", "equivariance_value=0", "equivariance_jacobian=0"}, "train_params.loss_weights.perceptual", "never learn"},
		{[]string{"estimate_jacobian=false"}, "train_params.loss_weights.equivariance_jacobian", "set it to 0"},
		{[]string{"consistency=-1"}, "train_params.loss_weights.consistency", ""},
		{[]string{"points_tps=1"}, "train_params.transform_params.points_tps", ""},
		{[]string{"sigma_affine=-1"}, "train_params.transform_params.sigma_affine", ""},
		{[]string{"colormap=viridis"}, "visualizer_params.colormap", "gist_rainbow"},
		{[]string{"colormap="}, "visualizer_params.colormap", "gist_rainbow"},
		{[]string{"spectral_norm=sometimes"}, "train_params.spectral_norm", "shared, reference"},
		{[]string{"init_discriminator=no"}, "train_params.init_discriminator", "fresh, matching"},
		{[]string{"cons_warmup_epochs=-1"}, "train_params.cons_warmup_epochs", ""},
		{[]string{"max_refused_steps=0"}, "train_params.max_refused_steps", ""},
		{[]string{"keep_checkpoints=0"}, "train_params.keep_checkpoints", ""},
		{[]string{"log_steps=0"}, "train_params.log_steps", ""},
		{[]string{"picture_rows=65"}, "train_params.picture_rows", ""},
		{[]string{"variant=cutmix", "cutmix_pair=other", "batch_size=1"}, "prioritycut_params.cutmix_pair", "at least 2"},
		{[]string{"cutmix_pair=some"}, "prioritycut_params.cutmix_pair", "other"},
		{[]string{"k_of=pixels"}, "prioritycut_params.k_of", "foreground"},
		{[]string{"k_min=0.5", "k_max=0.1"}, "prioritycut_params.k_min", "above"},
		{[]string{"bg_threshold=1.5"}, "prioritycut_params.bg_threshold", "[0, 1]"},
		{[]string{"polarity=north"}, "prioritycut_params.polarity", "fake_at_occluded"},
		{[]string{"estimate_occlusion_map=false"}, "model_params.generator_params.estimate_occlusion_map", "variant"},
		{[]string{"num_kp=0"}, "model_params.common_params.num_kp", ""},
		{[]string{"num_channels=1"}, "model_params.common_params.num_channels", "RGB"},
		{[]string{"temperature=0"}, "model_params.kp_detector_params.temperature", ""},
		{[]string{"kp_detector_params.scale_factor=0.3"}, "model_params.kp_detector_params.scale_factor", "power of two"},
		{[]string{"kp_detector_params.num_blocks=6"}, "model_params.kp_detector_params.num_blocks", "multiples of 128"},
		{[]string{"kp_detector_params.num_blocks=1000"}, "model_params.kp_detector_params.num_blocks", "1..10"},
		{[]string{"kp_detector_params.block_expansion=0"}, "model_params.kp_detector_params.block_expansion", ""},
		{[]string{"kp_detector_params={scale_factor: 0.125, num_blocks: 1}", "pad=-1"}, "model_params.kp_detector_params.pad", ""},
		{[]string{"kp_detector_params={scale_factor: 0.0625, num_blocks: 1}"}, "model_params.kp_detector_params.scale_factor", "at least 8 pixels"},
		{[]string{"dense_motion_params.num_blocks=6"}, "model_params.generator_params.dense_motion_params.num_blocks", "multiples"},
		{[]string{"num_down_blocks=7"}, "model_params.generator_params.num_down_blocks", "multiples"},
		{[]string{"discriminator_params.num_blocks=8"}, "model_params.discriminator_params.num_blocks", "halves"},
		{[]string{"variant=fomm-adv", "discriminator_params.num_blocks=5"}, "model_params.discriminator_params.num_blocks", "fewer blocks"},
		{[]string{"variant=fomm-adv", "discriminator_params.scales=[]"}, "model_params.discriminator_params.scales", ""},
		{[]string{"variant=fomm-adv", "discriminator_params.scales=[0.4]"}, "model_params.discriminator_params.scales", "integer"},
		{[]string{"variant=fomm-adv", "discriminator_params.scales=[1, 1]"}, "model_params.discriminator_params.scales", "twice"},
		{[]string{"enc_head=both"}, "model_params.discriminator_params.enc_head", "patch, global"},
		{[]string{"decoder_scale=0"}, "model_params.discriminator_params.decoder_scale", ""},
		{[]string{"kp_variance=0"}, "model_params.discriminator_params.kp_variance", ""},
		{[]string{"frame_shape=[64, 64, 1]"}, "dataset_params.frame_shape", "RGB"},
		{[]string{"frame_shape=[0, 64, 3]"}, "dataset_params.frame_shape", ""},
		{[]string{"frame_shape=[60, 64, 3]"}, "model_params.kp_detector_params.num_blocks", "multiples of 16"},
		{[]string{"fit=squeeze"}, "dataset_params.fit", "stretch"},
		{[]string{"max_broken=2"}, "dataset_params.max_broken", ""},
		{[]string{"resize_param.ratio=[0.9, 1.1]"}, "dataset_params.augmentation_params.resize_param", "crop"},
		{[]string{"width_divisor=3"}, "vgg19.width_divisor", "8"},
		{[]string{"vgg19={file: x.npz, sha256: abc}"}, "vgg19.sha256", ""},
		{[]string{"reconstruction_params.num_videos=0"}, "reconstruction_params.num_videos", ""},
		{[]string{"animate_params.format=.avi"}, "animate_params.format", ".mp4"},
		{[]string{"kp_size=0"}, "visualizer_params.kp_size", ""},
		{[]string{"run_params.device=tpu"}, "run_params.device", "gpu:N"},
		{[]string{"run_params.device=gpu:x"}, "run_params.device", "gpu:N"},
		{[]string{"intra_threads=-1"}, "run_params.intra_threads", ""},
	} {
		_, _, err := Resolve(Options{Sets: c.sets})
		var key *KeyError
		if !errors.As(err, &key) {
			t.Errorf("%v: %v", c.sets, err)
			continue
		}
		if key.Key != c.key || !strings.Contains(key.Text, c.want) {
			t.Errorf("%v: %v; want an error of %s with %q", c.sets, err, c.key, c.want)
		}
	}
}

func TestErrorsNameWhoSetTheValue(t *testing.T) {
	_, _, err := Resolve(Options{
		ConfigFile: write(t, "my.yaml", "train_params:\n  log_steps: 0\n"),
		Sets:       []string{"batch_size=0"},
	})
	for _, want := range []string{"my.yaml:2: train_params.log_steps", "`set` batch_size=0: train_params.batch_size"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}

// What looks wrong at first but is not.
func TestValuesThatCanBeUsed(t *testing.T) {
	for _, sets := range [][]string{
		{"variant=fomm", "lr_discriminator=0"},
		{"variant=fomm", "feature_matching=[1]", "discriminator_params.num_blocks=9"},
		{"variant=unet", "estimate_occlusion_map=false"},
		{"variant=prioritycut", "cutmix_pair=other", "batch_size=1"},
		{"frame_shape=[64, 96, 3]"},
		{"frame_shape=[128, 64, 3]", "train_params.scales=[1, 0.5, 0.25]"},
		{"estimate_jacobian=false", "equivariance_jacobian=0"},
		{"run_params.device=gpu:7"},
		{"discriminator_params.num_blocks=2", "feature_matching=[1, 1]"},
		{"preset=vox-256", "frame_shape=[512, 512, 3]", "kp_detector_params.scale_factor=0.125", "dense_motion_params.scale_factor=0.125"},
	} {
		if _, _, err := Resolve(Options{Sets: sets, Data: Shapes, VGG19: RandomVGG19}); err != nil {
			t.Errorf("%v: %v", sets, err)
		}
	}
}
