// Package convert carries weights between the reference's PyTorch code and
// this program, both ways.
//
// Read takes a checkpoint of first-order-model (*.pth.tar), the same tensors in
// an .npz or .safetensors file, or a checkpoint of ours; Job.Write makes the
// folder that a training run would have made, or a .safetensors file with the
// reference's names and layouts.
//
// # Names and layouts
//
// Variables have the names of the reference's state dicts, behind the network
// they belong to: generator.first.conv.weight. Kernels are [height, width, in,
// out] in our checkpoints and [out, in, height, width] in files of others;
// everything else is the same number by number. What the reference keeps and
// this program computes is not read: the anti-alias kernel (down.weight), which
// follows from the configuration's scale_factor, so that weights trained on
// pictures of 256 pixels run on those of 512 with half the factor; and
// num_batches_tracked.
//
// Adam's moments are optimizer_generator.first.conv.weight.exp_avg and
// ...exp_avg_sq in files that have names, beside the count of steps,
// optimizer_generator.step. PyTorch's own checkpoints number them by the place
// of the parameter in the state dict, without buffers.
//
// # Hostile input
//
// Files are data from strangers; package weights reads them, runs no code of
// theirs and bounds what they allocate. This package takes only tensors that
// the configuration asks for, of the very shape, with finite numbers.
package convert
