// Package detectors makes SavedModels that look at pictures of people, for the
// paper's metrics: landmarks of faces and joints of bodies (AKD, MKR), an
// embedding of a face's identity (AED), and a mask of the foreground (salient
// parts). They are published networks, which an npm package ships for
// TensorFlow.js; weights are never part of this project. What they need before
// and behind them (cutting out and straightening the face, padding, peaks) is
// part of the model, of TensorFlow's own operations.
//
// None of them is the network that the paper used, so their numbers compare with
// each other and not with the paper's.
//
// # Signatures
//
// Every model has the signature serving_default, which takes
//
//	image  float32 [N, H, W, 3], RGB in [0, 1]; N = 1: some of the networks take one
//	       picture at once, and how finely a picture is sampled is not to depend on
//	       those beside it
//
// and gives one of
//
//	keypoints  float32 [N, J, 3]: x, y in pixels, (0, 0) the centre of the first
//	           one, and the confidence in [0, 1], of which 0.5 is the least that
//	           counts as found
//	embedding  float32 [N, D]
//	mask       float32 [N, H, W] in [0, 1], of which 0.5 and more is foreground
//
// Models that look at a face also have its two halves, so that two pictures can be
// looked at in one place:
//
//	find_region  image -> region float32 [N, 5]: centre x, y and side of a square in
//	             pixels, its angle in radians (clockwise on the screen), confidence
//	in_region    image, region -> keypoints or embedding
//
// # Hostile input
//
// The package is taken only with the hash that is written here, so its files are
// those that were looked at; the readers bound sizes nevertheless. Models are
// written by this project's own code and loaded by the rules for everybody's.
package detectors
