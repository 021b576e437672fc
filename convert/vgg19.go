package convert

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/prioritycut/prioritycut/internal/folderlock"
	"github.com/prioritycut/prioritycut/internal/safetensors"
	"github.com/prioritycut/prioritycut/internal/usage"
	"github.com/prioritycut/prioritycut/weights"
)

// repacking carries the convolutions of VGG-19 that the perceptual loss uses
// into a .safetensors file, with torchvision's names and layouts.
type repacking struct {
	file  *weights.StateDict
	from  string
	out   string
	convs []weights.VGG19Conv
}

// newRepacking reads a file of VGG-19; first is the kernel of its first
// convolution.
func newRepacking(s *weights.StateDict, first *weights.Tensor, o Options) (Job, error) {
	r := &repacking{file: s, from: o.Checkpoint, out: o.Out}
	var err error
	if !o.toFile() {
		err = errors.New("these are the weights of VGG-19, not a checkpoint: training reads such files directly, as " + usage.Call("train", "vgg19=FILE") + "; `out`=FILE.safetensors packs what it needs of them into a smaller file")
	} else {
		r.convs, err = weights.VGG19(s, vggWidths(first))
	}
	if err == nil {
		err = r.checkFinite()
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("%s: %w", o.Checkpoint, err)
	}
	return r, nil
}

// checkFinite refuses weights that are no numbers.
func (r *repacking) checkFinite() error {
	for _, c := range r.convs {
		for _, t := range []*weights.Tensor{c.Weight, c.Bias} {
			if err := t.CheckFinite(); err != nil {
				return fmt.Errorf("%s: %w", c.Name, err)
			}
		}
	}
	return nil
}

// vggWidths are the channels that the first convolution lets expect: those of
// VGG-19, or a whole fraction, as training takes them by vgg19.width_divisor.
func vggWidths(first *weights.Tensor) [5]int64 {
	widths := weights.VGG19Widths
	shape := first.Shape()
	if len(shape) == 0 || shape[0] < 1 || widths[0]%shape[0] != 0 {
		return widths
	}
	divisor := widths[0] / shape[0]
	for i := range widths {
		widths[i] /= divisor
	}
	return widths
}

// Close implements Job.
func (r *repacking) Close() error { return r.file.Close() }

// tensors are kernels and biases by torchvision's names.
func (r *repacking) tensors() []safetensors.Tensor {
	var list []safetensors.Tensor
	for _, c := range r.convs {
		at := "features." + strconv.Itoa(c.Index)
		for _, t := range []struct {
			name string
			*weights.Tensor
		}{{at + ".weight", c.Weight}, {at + ".bias", c.Bias}} {
			list = append(list, safetensors.Tensor{Name: t.name, DType: t.DType(), Shape: t.Shape(), Stream: t.StreamTo})
		}
	}
	return list
}

// Write implements Job.
func (r *repacking) Write(w io.Writer) (err error) {
	lock, err := folderlock.AcquireFor(r.out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Discard()) }()
	if err := writeSafeTensors(r.out, r.tensors(), map[string]string{"format": "pt"}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s: VGG-19, %d convolutions up to %s\nwritten: %s\n",
		r.from, len(r.convs), r.convs[len(r.convs)-1].Name, r.out)
	return err
}

// Made implements Job.
func (r *repacking) Made() Made { return Made{VGG19: true} }

// List implements Job.
func (r *repacking) List(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "name\tshape\ttype")
	for _, t := range r.tensors() {
		fmt.Fprintf(table, "%s\t%v\t%v\n", t.Name, t.Shape, t.DType)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "nothing is written (`dry_run`); without it: %s\n", r.out)
	return err
}
