package train

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/internal/usage"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/weights"
)

// digestVGG notes the digest of the file of VGG-19's weights in the
// configuration: a run never goes on with other weights, wherever they lie.
func digestVGG(v *config.VGG19Params) error {
	if v.File == "" || v.File == config.RandomVGG19 {
		return nil
	}
	f, _, err := localfile.Open(v.File)
	if err != nil {
		return fmt.Errorf("VGG-19's weights: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return fmt.Errorf("VGG-19's weights: %w", err)
	}
	v.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return nil
}

// vggNote says in a word what the perceptual loss compares: "random" or the
// digest of the weights; nothing where there is no such loss.
func vggNote(v config.VGG19Params) string {
	if v == (config.VGG19Params{WidthDivisor: 1}) {
		return "" // of a family without one
	}
	if v.File == config.RandomVGG19 || v.SHA256 == "" {
		return config.RandomVGG19
	}
	return "sha256:" + v.SHA256
}

// vggValues reads VGG-19's weights from a file.
func vggValues(net *model.VGG19, v config.VGG19Params) (values, error) {
	file, err := weights.Open(v.File)
	if err != nil {
		return nil, fmt.Errorf("VGG-19's weights: %w", err)
	}
	defer file.Close()
	widths := weights.VGG19Widths
	for i := range widths {
		widths[i] /= int64(v.WidthDivisor)
	}
	convs, err := weights.VGG19(file, widths)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", v.File, err)
	}
	if len(convs) != len(net.Convs) {
		return nil, fmt.Errorf("%s: %d convolutions, VGG-19 up to conv5_1 has %d", v.File, len(convs), len(net.Convs))
	}
	all := values{}
	for i, c := range convs {
		if err := all.setVGG(net.Convs[i], c); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", v.File, c.Name, err)
		}
	}
	if err := sameVGG(v); err != nil {
		return nil, err
	}
	return all, nil
}

// sameVGG reports weights that were replaced since their digest was noted: the run
// would be said to have learned from others.
func sameVGG(v config.VGG19Params) error {
	if v.SHA256 == "" {
		return nil
	}
	is := v
	if err := digestVGG(&is); err != nil {
		return err
	}
	if is.SHA256 != v.SHA256 {
		return usage.Wrap(fmt.Errorf("%s: VGG-19's weights were replaced while the run began: type the same command again", v.File))
	}
	return nil
}

// setVGG takes the weights of one convolution over.
func (all values) setVGG(to *graph.Conv2D, from weights.VGG19Conv) error {
	for _, t := range []*weights.Tensor{from.Weight, from.Bias} {
		if err := t.CheckFinite(); err != nil {
			return err
		}
	}
	oihw, err := from.Weight.Float64s()
	if err != nil {
		return err
	}
	kernel, _, err := weights.HWIO(oihw, from.Weight.Shape())
	if err != nil {
		return err
	}
	bias, err := from.Bias.Float64s()
	if err != nil {
		return err
	}
	if all[to.Kernel], err = graph.NewTensor(to.Kernel.DType, kernel, to.Kernel.Dims...); err != nil {
		return err
	}
	all[to.Bias], err = graph.NewTensor(to.Bias.DType, bias, to.Bias.Dims...)
	return err
}
