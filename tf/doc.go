// Package tf is the border to TensorFlow: sessions and their configuration,
// the library of custom ops, tensors from and to flat Go slices, checkpoints
// as directories of tensors, and TensorBoard's event
// files. Nothing in it knows what a network is, and no other package of this
// module uses cgo.
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
//
// # Hostile input
//
// Checkpoints are read as files that others made: names stay inside their
// directory, sizes are bounded by the files before memory is allocated, and
// checksums are verified before a tensor is handed out.
package tf
