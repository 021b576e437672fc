// Package tfjs reads graph models of TensorFlow.js: a model.json with the graph
// and the list of weights, and the files of weights beside it. What comes out is
// a graph of TensorFlow's own operations with all its constants, so that
// TensorFlow computes what the model computes in a browser.
//
// What differs between the two is made plain here: weights stored as halves or
// as 8 or 16 bit numbers become float32 again, and the operations that
// TensorFlow.js alone has (FusedDepthwiseConv2dNative, Prelu) or wants otherwise
// (_FusedConv2D, _FusedMatMul) become the plain operations that they stand for.
// Control flow, lists and arrays of tensors, functions, tables and strings are
// refused by name.
//
// # Hostile input
//
// The files are other people's. Sizes are bounded before anything is allocated,
// weight files are named by plain names beside model.json and must be as long as
// their weights, and every constant must have exactly one value of its type and
// shape. What the operations do is not judged here: whoever runs the graph loads
// it by the rules for SavedModels of strangers.
package tfjs
