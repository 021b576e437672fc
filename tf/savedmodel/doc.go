// Package savedmodel writes and opens TensorFlow's SavedModels: a graph, its
// signatures, its variables.
//
// # Hostile input
//
// A SavedModel may be a program. Open reads the file in Go, refuses sizes that
// TensorFlow would die of and operations that may do more than compute, and loads
// what it has checked and nothing else.
package savedmodel
