package golden

import (
	"strconv"
	"strings"
)

// vggSlices are the places in torchvision's vgg19().features at which the
// reference's slices 2 to 5 begin.
var vggSlices = []int{2, 7, 12, 21}

// WeightName is the files' name of a variable of ours, which is the same but
// for VGG-19, cut into slices there, and the discriminator, of which there are
// several: network is the one wanted, disc_ms, disc_kp, unet or unet_nosn.
func WeightName(variable, network string) string {
	if rest, ok := strings.CutPrefix(variable, "discriminator."); ok {
		return network + "." + rest
	}
	rest, ok := strings.CutPrefix(variable, "vgg.features.")
	number, _, _ := strings.Cut(rest, ".")
	index, err := strconv.Atoi(number)
	if !ok || err != nil {
		return variable
	}
	slice := 1
	for _, begin := range vggSlices {
		if index >= begin {
			slice++
		}
	}
	return "vgg.slice" + strconv.Itoa(slice) + "." + rest
}

// Weight turns a parameter of any rank into our order of axes: kernels become
// [height, width, in, out], also those of three dimensions that are 1 deep; all
// else stays as it is.
func (a Array) Weight() Array {
	if len(a.Shape) == 5 && a.Shape[2] == 1 {
		a = Array{Name: a.Name, Data: a.Data, Shape: []int{a.Shape[0], a.Shape[1], a.Shape[3], a.Shape[4]}}
	}
	if len(a.Shape) != 4 {
		return a
	}
	kernel, err := a.HWIO()
	if err != nil {
		return a // not for rank 4
	}
	return kernel
}
