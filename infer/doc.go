// Package infer is the one room where trained models are at work: it opens a
// run, a checkpoint or a SavedModel, encodes a source picture once, finds the
// poses of driving pictures, relates them to the source's, and decodes many
// frames. Animation, evaluation, export, the service and the preparation of data
// go through it; the names of signatures and tensors, the notes of an export and
// the rule of how many pictures go through a network at once are kept here and
// nowhere else.
//
//	Load, Model       the configuration and the weights that training left
//	Open, Engine      a model at work, wherever it comes from
//	Network           inference as a part of any graph, such as that of training
//	Signatures        the functions that an exported model has
//	Pose, Keypoints   what moves a source
//
// A pose is a set of named tensors [N, ...], and so is an encoded source: what
// they are is the family's, and nobody else asks. Keypoints, Jacobians, a
// background and an occlusion map are there where the family has them.
//
// # Hostile input
//
// Checkpoints and SavedModels are checked by package tf before TensorFlow sees
// them. A SavedModel is a program: open only what you would run.
package infer
