package model

// Variant is a row of the paper's ablation.
type Variant string

// The five variants, in the order of the paper's Table 4.
const (
	FOMM        Variant = "fomm"        // no discriminator
	FOMMAdv     Variant = "fomm-adv"    // FOMM's patch discriminator
	UNet        Variant = "unet"        // U-Net discriminator, no mixing
	CutMix      Variant = "cutmix"      // U-Net, consistency under boxes
	PriorityCut Variant = "prioritycut" // U-Net, consistency under PriorityCut masks
)

// Variants lists all variants in the order of the paper's Table 4.
func Variants() []Variant { return []Variant{FOMM, FOMMAdv, UNet, CutMix, PriorityCut} }
