package ablation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/internal/nearest"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/prioritycut"
)

// RowName names a row of a table: its variant, and what it has besides.
type RowName string

// The rows of all tables.
const (
	X2Face      = RowName(model.X2Face)
	MonkeyNet   = RowName(model.MonkeyNet)
	FOMM        = RowName(model.FOMM)
	FOMMAdv     = RowName(model.FOMMAdv)
	UNet        = RowName(model.UNet)
	CutMix      = RowName(model.CutMix)
	CutMixOther = CutMix + "-other"
	PriorityCut = RowName(model.PriorityCut)
)

// baseline is the row that the others are compared with.
var baseline = RowName(model.Baseline())

// Row is a row of a table.
type Row struct {
	Name    RowName
	Variant model.Variant
	// Label is the paper's name of the row, Published the name that the row has
	// among the published numbers.
	Label, Published string
	// cost is the time of a training step at 64x64 pixels over that of
	// prioritycut, for the first estimate of a plan.
	cost float64
	// sets are settings that the row has beside its variant.
	sets []string
	// paper says that it is in the paper's comparison alone, not in the ablation.
	paper bool
}

// rows are those of all tables. The ablation's are Table 4's: each adds to the
// one before, but for the last ones, which all add to the U-Net. The paper does
// not say which pair vanilla CutMix mixes, so it has a row for either.
var rows = []Row{
	{Name: X2Face, Variant: model.X2Face, Label: "X2Face", Published: "X2Face", cost: 0.5, paper: true},
	{Name: MonkeyNet, Variant: model.MonkeyNet, Label: "Monkey-Net", Published: "Monkey-Net", cost: 0.5, paper: true},
	{Name: FOMM, Variant: model.FOMM, Label: "Baseline", Published: "FOMM", cost: 0.8},
	{Name: FOMMAdv, Variant: model.FOMMAdv, Label: "+ Adv", Published: "FOMM+", cost: 0.85},
	{Name: UNet, Variant: model.UNet, Label: "+ U-Net", Published: "U-Net", cost: 0.95},
	{Name: CutMix, Variant: model.CutMix, Label: "+ CutMix", Published: "CutMix", cost: 0.95},
	{Name: CutMixOther, Variant: model.CutMix, Label: "+ CutMix (other pair)", Published: "CutMix", cost: 0.95, paper: true,
		sets: []string{"prioritycut_params.cutmix_pair=" + string(prioritycut.OtherPair)}},
	{Name: PriorityCut, Variant: model.PriorityCut, Label: "+ PriorityCut", Published: "PriorityCut", cost: 1},
}

// Table names a set of rows.
type Table string

const (
	// AblationTable is the paper's Table 4: the five variants of FOMM's family.
	AblationTable Table = "ablation"
	// PaperTable has all rows of the paper's Tables 1 to 4, and vanilla CutMix with
	// either pair.
	PaperTable Table = "paper"
)

// Rows lists the rows of a table from the top on.
func (t Table) Rows() ([]Row, error) {
	if t != AblationTable && t != PaperTable {
		return nil, fmt.Errorf("rows %q are unknown: choose %s or %s", t, AblationTable, PaperTable)
	}
	return slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.paper && t == AblationTable }), nil
}

// rowOf is the row of a name that is known to be one.
func rowOf(name RowName) Row {
	for _, r := range rows {
		if r.Name == name {
			return r
		}
	}
	return Row{Name: name, Variant: model.Variant(name), Label: string(name), cost: 1}
}

// options are the configuration that the row has in a table of that which all
// have in common: what does not belong to its family of networks is left out.
func (r Row) options(common config.Options) config.Options {
	o := common
	o.Variant = string(r.Variant)
	o.Sets = nil
	for _, set := range append(slices.Clone(common.Sets), r.sets...) {
		if config.SetBelongs(set, r.Variant) {
			o.Sets = append(o.Sets, set)
		}
	}
	if !config.KeyBelongs("vgg19.file", r.Variant) {
		o.VGG19 = ""
	}
	return o
}

// ParseRows reads a list such as "fomm,unet": every name once, in the order
// of the table whatever the order typed. Nothing means all of the table.
func ParseRows(table Table, names []string) ([]RowName, error) {
	own, err := table.Rows()
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return namesOf(own), nil
	}
	asked := map[RowName]bool{}
	for _, name := range names {
		row := RowName(strings.TrimSpace(name))
		if rowOf(row).Published == "" {
			return nil, unknownRow(string(row))
		}
		if asked[row] {
			return nil, fmt.Errorf("variant %s is named twice", row)
		}
		asked[row] = true
	}
	var all []RowName
	for _, r := range rows {
		if asked[r.Name] {
			all = append(all, r.Name)
		}
	}
	return all, nil
}

func namesOf(rows []Row) []RowName {
	var names []RowName
	for _, r := range rows {
		names = append(names, r.Name)
	}
	return names
}

func unknownRow(name string) error {
	var names []string
	for _, r := range rows {
		names = append(names, string(r.Name))
	}
	hint := ""
	if near := nearest.Word(name, names); near != "" {
		hint = fmt.Sprintf("; did you mean %s?", near)
	}
	return fmt.Errorf("variant %q is unknown: choose of %s%s", name, strings.Join(names, ", "), hint)
}
