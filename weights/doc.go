// Package weights reads weight files that other programs wrote: numpy's
// archives, safetensors, and the two forms of PyTorch's checkpoints.
//
// Open looks at a file's content, not at its name, and gives a StateDict:
// tensors by name, each one read when it is asked for. Nested dictionaries, as
// in first-order-model's *.pth.tar (generator, kp_detector, discriminator,
// optimizer_generator, ..., epoch), are flattened into dotted names; the tree
// itself, with everything that is no tensor, is at StateDict.Root.
//
// # Hostile input
//
// A checkpoint is data from a stranger, and PyTorch's are pickles: programs
// for a small stack machine that may name any Python function. The machine
// here runs no code. Names of classes are looked up in a fixed list of what
// checkpoints of weights consist of, and each entry only builds a value of
// this package; any other name is an error that says which. The pickle's
// length, the number of its instructions and what they allocate are bounded,
// so that shared references cannot grow without end; structures that contain
// themselves or nest too deeply are refused. Sizes, offsets and strides of
// tensors must lie within storages that the file really has. All tensors of a
// file together may take no more than a small multiple of its size, so an
// expanded tensor (stride 0) cannot claim the machine's memory. Nothing
// panics, hangs or allocates by a number that was only claimed.
package weights
