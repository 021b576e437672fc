package model

// Variant is a row of the paper's tables: a family of networks and what it is
// trained against.
type Variant string

// The five variants of the ablation, in the order of the paper's Table 4.
const (
	FOMM        Variant = "fomm"        // no discriminator
	FOMMAdv     Variant = "fomm-adv"    // FOMM's patch discriminator
	UNet        Variant = "unet"        // U-Net discriminator, no mixing
	CutMix      Variant = "cutmix"      // U-Net, consistency under boxes
	PriorityCut Variant = "prioritycut" // U-Net, consistency under PriorityCut masks
)

// The other rows of the paper's tables, families of their own.
const (
	MonkeyNet Variant = "monkeynet"
	X2Face    Variant = "x2face"
)

// DiscriminatorKind is the form of the adversary.
type DiscriminatorKind int

const (
	// NoDiscriminator leaves the adversarial terms out.
	NoDiscriminator DiscriminatorKind = iota
	// PatchDiscriminator is FOMM's, one score per patch and scale.
	PatchDiscriminator
	// KeypointDiscriminator is Monkey-Net's, which judges pictures beside maps of
	// keypoints.
	KeypointDiscriminator
	// PixelDiscriminator is the paper's U-Net, which scores the picture and every
	// pixel.
	PixelDiscriminator
)

// MaskKind says what the consistency loss cuts pictures by.
type MaskKind int

const (
	// NoMask leaves the consistency loss out.
	NoMask MaskKind = iota
	// BoxMask is vanilla CutMix's.
	BoxMask
	// OcclusionMask is PriorityCut's: the most occluded pixels of the foreground.
	OcclusionMask
)

// Traits are what a variant is. Code asks for a trait, not for a variant's name.
type Traits struct {
	// Family of the networks.
	Family FamilyName
	// Discriminator that they are trained against.
	Discriminator DiscriminatorKind
	// GeneratorGAN weighs the generator's adversarial term, DiscriminatorGAN the
	// discriminator's. That of fomm weighs nothing, since there is no
	// discriminator; the reference's files say 1.
	GeneratorGAN, DiscriminatorGAN float64
	// Mask of the consistency loss.
	Mask MaskKind
	// Baseline says that the other variants are compared with this one.
	Baseline bool
}

// Adversarial reports whether there is a discriminator.
func (t Traits) Adversarial() bool { return t.Discriminator != NoDiscriminator }

// Pixels reports whether the discriminator scores every pixel.
func (t Traits) Pixels() bool { return t.Discriminator == PixelDiscriminator }

// Consistent reports whether a consistency loss belongs to the variant.
func (t Traits) Consistent() bool { return t.Mask != NoMask }

// variants has all of them: the ablation in the order of the paper's Table 4,
// then the other rows.
var variants = []struct {
	name   Variant
	traits Traits
}{
	{FOMM, Traits{Family: FOMMFamily, DiscriminatorGAN: 1, Baseline: true}},
	{FOMMAdv, Traits{Family: FOMMFamily, Discriminator: PatchDiscriminator, GeneratorGAN: 1, DiscriminatorGAN: 1}},
	{UNet, Traits{Family: FOMMFamily, Discriminator: PixelDiscriminator, GeneratorGAN: 1, DiscriminatorGAN: 1}},
	{CutMix, Traits{Family: FOMMFamily, Discriminator: PixelDiscriminator, GeneratorGAN: 1, DiscriminatorGAN: 1, Mask: BoxMask}},
	{PriorityCut, Traits{Family: FOMMFamily, Discriminator: PixelDiscriminator, GeneratorGAN: 1, DiscriminatorGAN: 1, Mask: OcclusionMask}},
	{MonkeyNet, Traits{Family: MonkeyNetFamily, Discriminator: KeypointDiscriminator}},
	{X2Face, Traits{Family: X2FaceFamily}},
}

// Traits returns what v is; ok is false where there is no such variant.
func (v Variant) Traits() (t Traits, ok bool) {
	for _, row := range variants {
		if row.name == v {
			return row.traits, true
		}
	}
	return Traits{}, false
}

// Baseline is the variant that the others are compared with.
func Baseline() Variant {
	for _, row := range variants {
		if row.traits.Baseline {
			return row.name
		}
	}
	return ""
}

// VariantAgainst is the first variant of a family that is trained against a kind
// of discriminator; empty where there is none.
func VariantAgainst(family FamilyName, kind DiscriminatorKind) Variant {
	for _, row := range variants {
		if row.traits.Family == family && row.traits.Discriminator == kind {
			return row.name
		}
	}
	return ""
}

// Variants lists the variants of the ablation, in the order of the paper's
// Table 4: those of FOMM's family.
func Variants() []Variant {
	var list []Variant
	for _, row := range variants {
		if row.traits.Family == FOMMFamily {
			list = append(list, row.name)
		}
	}
	return list
}

// AllVariants lists the variants of all families.
func AllVariants() []Variant {
	list := make([]Variant, len(variants))
	for i, row := range variants {
		list[i] = row.name
	}
	return list
}
