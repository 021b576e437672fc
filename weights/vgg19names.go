package weights

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// vgg19Naming is one way to name VGG-19's tensors.
type vgg19Naming struct {
	prefix string
	vgg19Style
}

// vgg19Style names the layer of an index in torchvision's list of features, and
// tells names of layers from others.
type vgg19Style struct {
	stem func(index int) string
	own  func(name string) bool
}

// vgg19Styles are the ways, but for bareStyle.
var vgg19Styles = []vgg19Style{
	{func(index int) string { return "features." + strconv.Itoa(index) }, begins("features.")},
	{func(index int) string { return "features_" + strconv.Itoa(index) }, begins("features_")},
	{referenceStem, begins("slice")},
}

// bareStyle is that of the list of features by itself. Any Sequential looks
// like it.
var bareStyle = vgg19Style{strconv.Itoa, func(name string) bool { return name != "" && name[0] >= '0' && name[0] <= '9' }}

func begins(with string) func(string) bool {
	return func(name string) bool { return strings.HasPrefix(name, with) }
}

// referenceStem names the slice that ends with the next activation used:
// [0,2) [2,7) [7,12) [12,21) [21,30).
func referenceStem(index int) string {
	ends := []int{2, 7, 12, 21, 30}
	slice, _ := slices.BinarySearch(ends, index+1)
	return fmt.Sprintf("slice%d.%d", slice+1, index)
}

// FirstOfVGG19 returns the kernel of conv1_1 in a file whose names are those of
// a VGG-19, whatever else may be wrong with it.
func FirstOfVGG19(s *StateDict) (*Tensor, bool) {
	view, _, err := Unwrap(s)
	if err != nil {
		return nil, false
	}
	named := vgg19Namings(view)
	if len(named) == 0 {
		return nil, false
	}
	return view.Tensor(named[0].prefix + named[0].stem(0) + ".weight")
}

func vgg19Names(s *StateDict) (vgg19Naming, error) {
	found := vgg19Namings(s)
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return vgg19Naming{}, fmt.Errorf("VGG-19: no tensor is named features.0.weight, as in torchvision's vgg19, or slice1.0.weight")
	}
	return vgg19Naming{}, fmt.Errorf("VGG-19: the file has several networks of that kind (%s..., %s...); keep one",
		found[0].prefix+found[0].stem(0), found[1].prefix+found[1].stem(0))
}

// vgg19Namings are the networks in a file that may be VGG-19.
func vgg19Namings(s *StateDict) []vgg19Naming {
	var found []vgg19Naming
	for _, style := range vgg19Styles {
		found = append(found, style.find(s, func(string) bool { return true })...)
	}
	if len(found) > 0 {
		return found
	}
	// The first two convolutions of a VGG, and nothing else would be: behind an
	// activation, and maybe a pool or a normalisation, so that relatives are named.
	return bareStyle.find(s, func(prefix string) bool {
		first := s.tensors[prefix+"0.weight"]
		return slices.Equal(tail(first), []int64{3, 3, 3}) && slices.ContainsFunc([]string{"2.weight", "3.weight"}, func(name string) bool {
			second := s.tensors[prefix+name]
			return second != nil && slices.Equal(tail(second), []int64{first.shape[0], 3, 3})
		})
	})
}

// tail is a shape without its first dimension.
func tail(t *Tensor) []int64 { return t.shape[min(1, len(t.shape)):] }

func (style vgg19Style) find(s *StateDict, fits func(prefix string) bool) []vgg19Naming {
	var found []vgg19Naming
	first := style.stem(0) + ".weight"
	for _, name := range s.names {
		prefix, ok := strings.CutSuffix(name, first)
		if ok && (prefix == "" || strings.HasSuffix(prefix, ".")) && fits(prefix) {
			found = append(found, vgg19Naming{prefix, style})
		}
	}
	return found
}

// otherNetwork names a relative of VGG-19 whose tensors have the same names.
func (n vgg19Naming) otherNetwork(s *StateDict) string {
	conv := func(index int) bool {
		t, ok := s.Tensor(n.prefix + n.stem(index) + ".weight")
		return ok && len(t.shape) == 4
	}
	for _, name := range s.names {
		if rest, ok := strings.CutPrefix(name, n.prefix); ok && n.own(rest) && strings.HasSuffix(rest, ".running_mean") {
			return "a VGG with batch normalisation (such as vgg19_bn)"
		}
	}
	switch {
	case conv(3):
		return "VGG-11"
	case conv(17) && conv(14):
		return "VGG-16"
	case conv(15):
		return "VGG-13"
	}
	return ""
}

// ignore is true for tensors of other networks and for those that a VGG-19
// has beside the convolutions used.
func (n vgg19Naming) ignore(name string) bool {
	rest, ok := strings.CutPrefix(name, n.prefix)
	if !ok || !n.own(rest) {
		return true
	}
	for _, index := range vgg19Blocks[4][1:] {
		if strings.HasPrefix(rest, n.stem(index)+".") {
			return true
		}
	}
	return false
}
