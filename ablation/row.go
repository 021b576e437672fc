package ablation

import (
	"fmt"
	"strings"

	"github.com/prioritycut/prioritycut/internal/nearest"
	"github.com/prioritycut/prioritycut/model"
)

// Row is a row of the ablation's table.
type Row struct {
	Variant model.Variant
	// Label is the paper's name of the row, Published the name that the row has
	// among the published numbers.
	Label, Published string
	// cost is the time of a training step at 64x64 pixels over that of
	// prioritycut, for the first estimate of a plan.
	cost float64
}

// rows are those of Table 4: each adds to the one before, but for the last
// two, which both add to the U-Net.
var rows = []Row{
	{model.FOMM, "Baseline", "FOMM", 0.8},
	{model.FOMMAdv, "+ Adv", "FOMM+", 0.85},
	{model.UNet, "+ U-Net", "U-Net", 0.95},
	{model.CutMix, "+ CutMix", "CutMix", 0.95},
	{model.PriorityCut, "+ PriorityCut", "PriorityCut", 1},
}

// Rows lists the rows of the table from the baseline on.
func Rows() []Row { return append([]Row(nil), rows...) }

// rowOf is the row of a variant that is known to be one.
func rowOf(v model.Variant) Row {
	for _, r := range rows {
		if r.Variant == v {
			return r
		}
	}
	return Row{Variant: v, Label: string(v), cost: 1}
}

// ParseVariants reads a list such as "fomm,unet": every name once, in the order
// of the table whatever the order typed. Nothing means all.
func ParseVariants(names []string) ([]model.Variant, error) {
	if len(names) == 0 {
		names = variantNames()
	}
	asked := map[model.Variant]bool{}
	for _, name := range names {
		v := model.Variant(strings.TrimSpace(name))
		if rowOf(v).Published == "" {
			return nil, unknownVariant(string(v))
		}
		if asked[v] {
			return nil, fmt.Errorf("variant %s is named twice", v)
		}
		asked[v] = true
	}
	var all []model.Variant
	for _, r := range rows {
		if asked[r.Variant] {
			all = append(all, r.Variant)
		}
	}
	return all, nil
}

func variantNames() []string {
	var names []string
	for _, r := range rows {
		names = append(names, string(r.Variant))
	}
	return names
}

func unknownVariant(name string) error {
	hint := ""
	if near := nearest.Word(name, variantNames()); near != "" {
		hint = fmt.Sprintf("; did you mean %s?", near)
	}
	return fmt.Errorf("variant %q is unknown: choose of %s%s", name, strings.Join(variantNames(), ", "), hint)
}
