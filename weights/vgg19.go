package weights

import (
	"fmt"
)

// VGG19Conv is a convolution of VGG-19: 3x3, stride 1, zero padding 1,
// followed by a ReLU.
type VGG19Conv struct {
	// Name is the convolution's place in the literature: "conv1_1".
	Name string
	// Index is its number in torchvision's list of features.
	Index int
	// Weight is the kernel in PyTorch's order [out, in, 3, 3]; see HWIO.
	Weight *Tensor
	// Bias has one element for each output.
	Bias *Tensor
	// In and Out count channels.
	In, Out int64
}

// VGG19Widths are the channels of VGG-19's five blocks.
var VGG19Widths = [5]int64{64, 128, 256, 512, 512}

// vgg19Blocks are the indices of torchvision's features, by block.
var vgg19Blocks = [5][]int{{0, 2}, {5, 7}, {10, 12, 14, 16}, {19, 21, 23, 25}, {28, 30, 32, 34}}

// VGG19 finds the 13 convolutions from conv1_1 to conv5_1, which the
// perceptual loss uses, and checks their shapes. Names are torchvision's and
// timm's ("features.0.weight"), those of torchvision's features alone
// ("0.weight"), of timm's features_only ("features_0.weight") or the reference's
// slices ("slice1.0.weight"), with any prefix that all share ("vgg.") and with
// wrappers (see Unwrap). What else a VGG-19 has (the convolutions behind
// conv5_1, the classifier, the mean and deviation of its input) is left aside.
// The error is a *MismatchError where tensors are missing, misshapen or none of
// a VGG-19's.
//
// Widths are the channels of the five blocks, VGG19Widths but for tests.
func VGG19(s *StateDict, widths [5]int64) ([]VGG19Conv, error) {
	s, _, err := Unwrap(s)
	if err != nil {
		return nil, fmt.Errorf("VGG-19: %w", err)
	}
	named, err := vgg19Names(s)
	if err != nil {
		return nil, err
	}
	if other := named.otherNetwork(s); other != "" {
		return nil, fmt.Errorf("VGG-19: these are the weights of %s; the perceptual loss compares features of VGG-19 without batch normalisation (vgg19)", other)
	}
	var convs []VGG19Conv
	var want []Spec
	in := int64(3)
	for block, indices := range vgg19Blocks {
		if block == 4 {
			indices = indices[:1]
		}
		for i, index := range indices {
			out := widths[block]
			name := named.prefix + named.stem(index)
			want = append(want,
				Spec{name + ".weight", []int64{out, in, 3, 3}},
				Spec{name + ".bias", []int64{out}})
			convs = append(convs, VGG19Conv{Name: fmt.Sprintf("conv%d_%d", block+1, i+1), Index: index, In: in, Out: out})
			in = out
		}
	}
	if err := s.Check(want, named.ignore); err != nil {
		return nil, fmt.Errorf("VGG-19: %w", err)
	}
	for i := range convs {
		convs[i].Weight, _ = s.Tensor(want[2*i].Name)
		convs[i].Bias, _ = s.Tensor(want[2*i+1].Name)
		for _, t := range []*Tensor{convs[i].Weight, convs[i].Bias} {
			if err := t.readable(); t.foreign != "" {
				return nil, fmt.Errorf("VGG-19: %s: %w", convs[i].Name, err)
			}
			if !t.DType().IsFloat() {
				return nil, fmt.Errorf("VGG-19: %s holds %v, no floating-point numbers", convs[i].Name, t.DType())
			}
		}
	}
	return convs, nil
}
