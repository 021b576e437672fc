// Package export makes SavedModels of trained models: graphs of TensorFlow's
// own operations, for any program that loads SavedModels (TensorFlow Serving,
// TensorFlow in Python, Go, C++ ...), with nothing of this module in it.
//
// A model has the signatures whose names are the Sig... constants of package infer. Pictures are
// float32 [N, H, W, 3] in [0, 1], of the size that the model was trained on;
// keypoints are (x, y) in [-1, 1]. All inputs and outputs of a signature have
// the same first dimension N, which is open, so that servers can batch
// requests.
package export
