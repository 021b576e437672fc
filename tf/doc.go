// Package tf is the border to TensorFlow: sessions and their configuration,
// the library of custom ops, tensors from and to flat Go slices. Nothing in it
// knows what a network is, and no other package of this module uses cgo. Its
// rooms hold what TensorFlow and its friends keep in files: checkpoint,
// savedmodel, events; and finite, which refuses weights that are no numbers.
//
// # What TensorFlow shares within a process
//
// Some settings belong to the process, whatever the session says: the pool of
// intra-op threads (the first session makes it), op determinism (once on, it
// stays on) and the log level. NewSession returns an error where a setting
// could no longer take effect.
//
// # Memory
//
// Tensors live in C memory that Go's garbage collector frees without counting
// it. Code that drops hundreds of megabytes of tensors calls Reclaim.
package tf
