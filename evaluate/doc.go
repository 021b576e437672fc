// Package evaluate measures how well a model animates videos that it has not
// seen. Training validates through it.
//
// The reconstruction protocol is that of the reference: the first frame of a
// test video is the source, every frame (the first too) drives, and the
// prediction is compared with the driving frame, both in [0, 1]. Numbers are
// means over frames of the mean over pixels and channels.
package evaluate
