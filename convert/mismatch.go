package convert

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/prioritycut/prioritycut/graph"
	"github.com/prioritycut/prioritycut/weights"
)

// MismatchError says that a file and a configuration do not go together.
type MismatchError struct {
	// Tensors lists all that is missing, not expected or of another shape.
	Tensors *weights.MismatchError
	// Hint says what may be the matter; it may be empty.
	Hint string
}

// part is one kind of mismatch.
type part struct {
	what  string
	names []string
}

func (e *MismatchError) parts() []part {
	return []part{{"missing", e.Tensors.Missing}, {"misshapen", e.Tensors.Misshapen}, {"not expected", e.Tensors.Extra}}
}

// Error has the hint and the first few tensors of each kind.
func (e *MismatchError) Error() string {
	const most = 3
	text := "the weights and the configuration do not go together"
	if e.Hint != "" {
		text += ": " + e.Hint
	}
	for _, p := range e.parts() {
		if len(p.names) == 0 {
			continue
		}
		text += fmt.Sprintf("; %d %s (%s", len(p.names), p.what, strings.Join(p.names[:min(len(p.names), most)], ", "))
		if len(p.names) > most {
			text += ", ..."
		}
		text += ")"
	}
	return text + "; `dry_run` lists all"
}

// Unwrap returns the list.
func (e *MismatchError) Unwrap() error { return e.Tensors }

// List writes every tensor that does not fit.
func (e *MismatchError) List(w io.Writer) error {
	for _, p := range e.parts() {
		for _, name := range p.names {
			if _, err := fmt.Fprintf(w, "%s: %s\n", p.what, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// hint guesses why a file does not fit its configuration.
func (c *runState) hint(m *weights.MismatchError, s *input, o Options) string {
	owners := ownersOf(slices.Concat(m.Missing, m.Misshapen, m.Extra))
	foreign := ownersOf(foreignIn(m.Extra))
	switch {
	case slices.ContainsFunc(m.Extra, isWeightNorm):
		return "the file has weight normalisation, which no network here has: remove it (remove_weight_norm, remove_parametrizations) before saving"
	case len(foreign) > 0:
		return "the file has what no network here has, " + strings.Join(foreign, ", ") + ": is it of another model?"
	case slices.ContainsFunc(m.Missing, func(n string) bool { return strings.HasSuffix(n, graph.MomentumSuffix) }):
		return "the file has Adam's states and the configuration has Muon: set muon_scale=0, or convert without optimisers by `weights_only`"
	case len(owners) == 1 && owners[0] == discriminator && o.Variant != "":
		return "the file has another discriminator than variant " + o.Variant + ": leave `variant` out, or convert without it by `variant`=fomm"
	case len(owners) == 1 && owners[0] == discriminator:
		return "discriminator_params describe another discriminator than the file has: correct them, or convert without it by `variant`=fomm"
	case len(owners) == 1 && len(m.Missing) > 0 && len(s.Sub(owners[0]).Names()) == 0:
		return "the file has no network " + owners[0]
	case len(m.Misshapen) > 0:
		return "the configuration describes networks of other sizes" + c.otherSizes(s) + ": is it the one that the weights were trained with?"
	}
	return "is it the configuration that the weights were trained with (num_blocks, num_bottleneck_blocks, estimate_jacobian ...)?"
}

// foreignIn are those names that belong to no network of any family, nor to its
// optimiser.
func foreignIn(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		owner, _, _ := strings.Cut(name, ".")
		owner = strings.TrimPrefix(owner, optimizerPrefix)
		return slices.Contains(players, owner) || slices.Contains(x2faceNetworks, owner)
	})
}

// onlyBeside reports whether a file has all that is wanted, and of the rest
// nothing that a network or an optimiser is named by.
func onlyBeside(m *weights.MismatchError) bool {
	ofOptimiser := func(name string) bool { return strings.HasPrefix(name, optimizerPrefix) }
	return len(m.Missing)+len(m.Misshapen) == 0 && len(foreignIn(m.Extra)) == len(m.Extra) && !slices.ContainsFunc(m.Extra, ofOptimiser)
}

// isWeightNorm tells the magnitudes of weight normalisation, by both of PyTorch's
// names.
func isWeightNorm(name string) bool {
	return strings.HasSuffix(name, ".parametrizations.weight.original0") || strings.HasSuffix(name, ".weight_g")
}

// ownersOf lists the networks that tensors belong to, each once.
func ownersOf(names []string) []string {
	var owners []string
	for _, name := range names {
		owner, _, _ := strings.Cut(name, ".")
		if !slices.Contains(owners, owner) && len(owners) < 16 {
			owners = append(owners, owner)
		}
	}
	return owners
}

// otherSizes names settings that the file contradicts.
func (c *runState) otherSizes(s *input) string {
	m := c.config.Model
	var wrong []string
	for _, size := range []struct {
		tensor, key string
		want        int
	}{
		{kpDetector + ".kp.weight", "num_kp", m.Common.NumKP},
		{generator + ".first.conv.weight", "generator_params.block_expansion", m.Generator.BlockExpansion},
	} {
		t, ok := s.Tensor(size.tensor)
		if !ok || len(t.Shape()) == 0 {
			continue
		}
		if has := t.Shape()[0]; has != int64(size.want) {
			wrong = append(wrong, fmt.Sprintf("%s is %d and the file has %d", size.key, size.want, has))
		}
	}
	if len(wrong) == 0 {
		return ""
	}
	return " (" + strings.Join(wrong, ", ") + ")"
}
