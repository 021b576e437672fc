// Package infer opens what training left behind, for whoever evaluates, exports
// or animates: the configuration and the weights of a run, of a converted
// checkpoint, or of a single checkpoint.
package infer
