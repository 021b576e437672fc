// Package checkpoint keeps tensors in folders: a file of tensors for each group,
// a manifest with their checksums, written aside, synced and renamed. A Store
// is the folder of a run's checkpoints.
//
// # Hostile input
//
// Checkpoints are read as files that others made: names stay inside their
// directory, sizes are bounded by the files before memory is allocated, and
// checksums are verified before a tensor is handed out.
package checkpoint
