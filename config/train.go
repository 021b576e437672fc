package config

import (
	"github.com/prioritycut/prioritycut/model/fomm"
)

// SpectralNorm says when spectral normalisation refines its vectors.
type SpectralNorm string

const (
	// SharedSN refines them once a step, before the discriminator's first call;
	// all calls of the step divide by the same sigma.
	SharedSN SpectralNorm = "shared"
	// ReferenceSN refines them at each of the reference's calls, in its order.
	ReferenceSN SpectralNorm = "reference"
)

// InitDiscriminator says what --init_from gives the discriminator.
type InitDiscriminator string

const (
	// FreshDiscriminator starts from random weights.
	FreshDiscriminator InitDiscriminator = "fresh"
	// MatchingDiscriminator takes every tensor of equal name (after discs.1.)
	// and equal shape.
	MatchingDiscriminator InitDiscriminator = "matching"
)

// StepMilestone sets the learning rates from a step on.
type StepMilestone struct {
	// Step from which on the factor holds, counted from 0. At least 1.
	Step int64 `yaml:"step"`
	// Factor on the initial learning rates (not on the last milestone's).
	// Above 0, at most 1.
	Factor float64 `yaml:"factor"`
}

// Fall sets the learning rates from a share of a run's length on.
type Fall struct {
	// Share of the run's steps. Above 0, below 1.
	Share float64 `yaml:"share"`
	// Factor as in StepMilestone.
	Factor float64 `yaml:"factor"`
}

// TrainParams configure losses, optimisers and the training loop.
type TrainParams struct {
	// NumEpochs is the length of the run in passes over the data; steps
	// overrides it. At least 1.
	NumEpochs int `yaml:"num_epochs"`
	// Steps is the run's total number of training steps, counted from its
	// start; 0 takes num_epochs. It moves no milestone and may grow when a run
	// goes on.
	Steps int64 `yaml:"steps"`
	// PlanSeconds lets a run choose its length by the machine's speed, so that the
	// whole takes about so many seconds: the greatest of plan_steps, the least if
	// none fits. It is measured in the run's first steps; what was chosen then
	// stands in the run's configuration as steps and step_milestones, with 0
	// here. 0 plans nothing; nor does a run whose steps, epochs or milestones are
	// given, or that is deterministic.
	PlanSeconds int64 `yaml:"plan_seconds"`
	// PlanSteps are the lengths to choose from. Increasing.
	PlanSteps []int64 `yaml:"plan_steps"`
	// PlanFalls are the milestones of a planned run by shares of its length: a
	// list of {share, factor}, increasing in share.
	PlanFalls []Fall `yaml:"plan_falls"`
	// NumRepeats repeats every video in an epoch, so that few videos make a
	// sensible epoch. At least 1.
	NumRepeats int `yaml:"num_repeats"`
	// EpochMilestones are the epochs, counted from 0, from which on the learning
	// rates are a tenth of what they were. Increasing.
	EpochMilestones []int `yaml:"epoch_milestones"`
	// StepMilestones lower the learning rates at steps: a list of {step,
	// factor}, increasing in step, for runs shorter than epochs can tell. They
	// act beside epoch_milestones.
	StepMilestones []StepMilestone `yaml:"step_milestones"`
	// LRGenerator is Adam's learning rate for the generator and its dense
	// motion network (betas 0.5 and 0.999). Above 0.
	LRGenerator float64 `yaml:"lr_generator"`
	// LRDiscriminator is Adam's learning rate for the discriminator. Above 0
	// unless the variant has none.
	LRDiscriminator float64 `yaml:"lr_discriminator"`
	// LRKPDetector is Adam's learning rate for the keypoint detector. 0 keeps
	// its weights (its batch averages go on), which needs init_from: from
	// scratch it would never learn.
	LRKPDetector float64 `yaml:"lr_kp_detector"`
	// MuonScale moves the kernels of generator and keypoint detector that have at
	// least 8 outputs by Muon (momentum 0.9, made orthogonal, so that all
	// directions of a kernel learn alike): steps whose entries are of so many learning
	// rates, as the root of their mean square. What is no such kernel, and the
	// discriminator, stay with Adam. 0 leaves all to Adam, as the reference. 0 to 100.
	MuonScale float64 `yaml:"muon_scale"`
	// BatchSize is the number of pairs of frames per step. At least 1.
	BatchSize int `yaml:"batch_size"`
	// AccumulateSteps takes each batch in so many micro-batches, one after the other,
	// for machines that cannot hold it at once: their gradients are averaged before
	// the one update. The statistics of batch norm are those of each micro-batch, and
	// running averages move by the mean of them. It divides batch_size; 0 and 1 take
	// the batch at once. 0 to 4096.
	AccumulateSteps int `yaml:"accumulate_steps"`
	// Scales of the picture pyramid of the perceptual loss: 1 over an integer
	// each. Empty: those of 1, 0.5, 0.25, 0.125 whose pictures are large enough
	// for relu5_1 (16 pixels).
	Scales []float64 `yaml:"scales"`
	// Adversary is the form of the adversarial losses: lsgan (least squares, as
	// FOMM, so that the rows of the ablation differ in one thing) or bce (the
	// logistic loss of the U-Net GAN). The paper does not say.
	Adversary fomm.Adversary `yaml:"adversarial_loss"`
	// Transform configures the random warp of the equivariance losses.
	Transform fomm.TransformParams `yaml:"transform_params"`
	// LossWeights weigh the terms of both players.
	LossWeights fomm.LossWeights `yaml:"loss_weights"`
	// ConsWarmupEpochs raises the weight of the consistency loss linearly from
	// 0 over so many epochs, since the occlusion map means nothing at first:
	// a tenth of the run from scratch, 0 with init_from. May be fractional.
	ConsWarmupEpochs float64 `yaml:"cons_warmup_epochs"`
	// ConsWarmupSteps is the same in steps; above 0 it overrides
	// cons_warmup_epochs.
	ConsWarmupSteps int64 `yaml:"cons_warmup_steps"`
	// SpectralNorm refines the vectors of spectral normalisation once a step
	// (shared) or at each of the reference's calls of the discriminator
	// (reference, slower).
	SpectralNorm SpectralNorm `yaml:"spectral_norm"`
	// InitDiscriminator says what init_from gives the discriminator: fresh
	// (random weights, as the reference in effect did) or matching (tensors of
	// equal name and shape).
	InitDiscriminator InitDiscriminator `yaml:"init_discriminator"`
	// MaxRefusedSteps ends the run after so many refused steps (NaN or infinity
	// in a loss or gradient) in a row. At least 1.
	MaxRefusedSteps int `yaml:"max_refused_steps"`
	// MaxFailedWrites ends the run after so many failures in a row to write a
	// checkpoint, or metrics.csv, an event file or pictures, say because the disk
	// is full. A checkpoint is tried again after 1, 2, 4, ... steps. At least 1.
	MaxFailedWrites int `yaml:"max_failed_writes"`
	// CheckpointFreq saves a checkpoint every so many epochs; 0 does not.
	CheckpointFreq int `yaml:"checkpoint_freq"`
	// CheckpointSteps saves a checkpoint every so many steps; 0 does not. The
	// last step is always saved.
	CheckpointSteps int64 `yaml:"checkpoint_steps"`
	// KeepCheckpoints keeps so many newest checkpoints, the best beside them.
	// At least 1.
	KeepCheckpoints int `yaml:"keep_checkpoints"`
	// LogSteps writes a row of metrics.csv every so many steps. At least 1.
	LogSteps int64 `yaml:"log_steps"`
	// PictureSteps writes a picture grid every so many steps; 0 writes one at
	// the end only.
	PictureSteps int64 `yaml:"picture_steps"`
	// PictureRows is the number of pairs in a grid. 1 to 64.
	PictureRows int `yaml:"picture_rows"`
	// ValidationSteps reconstructs test videos every so many steps; 0 does so
	// at the end only.
	ValidationSteps int64 `yaml:"validation_steps"`
	// ValidationVideos is the largest number of test videos validated on; 0
	// turns validation off.
	ValidationVideos int `yaml:"validation_videos"`
	// ValidationFrames is the largest number of frames taken of each, evenly
	// spread; 0 takes all.
	ValidationFrames int `yaml:"validation_frames"`
}
