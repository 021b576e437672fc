// Package model holds what every family of image animation shares: the
// variants, pyramids of pictures, VGG-19's features and the losses made of
// them. The networks of a family are in a folder of its own: [fomm] has those
// of the First Order Motion Model and of PriorityCut.
//
// Build functions take a scope and tensors and return named outputs; they open
// no files and no sessions. Variables are named as in the reference's state
// dict, so that its weights can be loaded. Pictures are [N, H, W, 3] in [0, 1];
// positions are (x, y) in [-1, 1].
//
// [fomm]: https://pkg.go.dev/github.com/prioritycut/prioritycut/model/fomm
package model
