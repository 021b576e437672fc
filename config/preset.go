package config

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/prioritycut/prioritycut/dataset"
	"github.com/prioritycut/prioritycut/internal/nearest"
	"github.com/prioritycut/prioritycut/model"
	"github.com/prioritycut/prioritycut/prioritycut"
	"go.yaml.in/yaml/v3"
)

// DefaultPreset is built on when none is named.
const DefaultPreset = "shapes-64"

// ReferencePreset is the base of the others: the reference's constructor
// defaults. A complete YAML of the reference that names no preset lies on it.
const ReferencePreset = "reference"

// Shapes as root_dir is the built-in data set of drawn puppets, People that of
// figures who look unlike each other; SamplePrefix begins the name of a real
// sample video.
const (
	Shapes       = dataset.Shapes
	People       = dataset.People
	SamplePrefix = "sample:"
)

// Drawn reports whether root_dir is one of the built-in data sets of figures.
func Drawn(rootDir string) bool {
	_, drawn := dataset.DrawnFigures(rootDir)
	return drawn
}

//go:embed presets/*.yaml
var presetFiles embed.FS

// Presets lists the names of all presets, the default first.
func Presets() []string {
	return []string{DefaultPreset, "vox-256", "taichi-256", "bair-256", ReferencePreset}
}

// nativePresets are Monkey-Net's published configurations at the size that they
// were made for. No other family has networks for them.
var nativePresets = []string{"taichi-64", "bair-64"}

func checkPreset(name string) error {
	for _, known := range append(Presets(), nativePresets...) {
		if name == known {
			return nil
		}
	}
	hint := ""
	if near := nearest.Word(name, Presets()); near != "" {
		hint = fmt.Sprintf("; did you mean %s?", near)
	}
	return fmt.Errorf("preset %q is unknown: choose one of %s%s",
		clip(name), strings.Join(append(Presets(), nativePresets...), ", "), hint)
}

// preset is a parsed preset file.
type preset struct {
	settings layer
	recipe   layer      // of init_from; empty where the base's holds
	families *yaml.Node // what it says for one family alone, by its name
}

func loadPreset(name string) (preset, error) {
	if err := checkPreset(name); err != nil {
		return preset{}, err
	}
	data, err := presetFiles.ReadFile("presets/" + name + ".yaml")
	if err != nil {
		return preset{}, fmt.Errorf("preset %s: %w", name, err)
	}
	root, err := parse(data, "preset "+name)
	if err != nil {
		return preset{}, err
	}
	p := preset{
		settings: layer{rank: fromPreset, label: "preset " + name, root: root},
		recipe:   layer{rank: fromRecipe, label: "fine-tuning recipe of preset " + name},
	}
	p.recipe.root = cutKey(root, "fine_tune")
	p.families = cutKey(root, "families")
	return p, nil
}

// cutKey takes a key out of a mapping and returns its value, nil without one.
func cutKey(root *yaml.Node, name string) *yaml.Node {
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == name {
			found := root.Content[i+1]
			root.Content = append(root.Content[:i:i], root.Content[i+2:]...)
			return found
		}
	}
	return nil
}

// base returns the configuration of a preset for a family, with the recipe of
// init_from if asked.
func base(name string, family model.FamilyName, fineTune bool) (*Config, origins, error) {
	reference, err := loadPreset(ReferencePreset)
	if err != nil {
		return nil, nil, err
	}
	layers := []layer{reference.settings, familyLayer(reference, family)}
	recipes := []layer{reference.recipe}
	if slices.Contains(nativePresets, name) && family != model.MonkeyNetFamily {
		return nil, nil, fmt.Errorf("preset %s is Monkey-Net's: give `variant`=monkeynet, or another preset", name)
	}
	if name != ReferencePreset {
		p, err := loadPreset(name)
		if err != nil {
			return nil, nil, err
		}
		layers = append(layers, p.settings, familyLayer(p, family))
		recipes = append(recipes, p.recipe)
	}
	if fineTune && family == model.FOMMFamily { // the others have no recipe of their own
		layers = append(layers, recipes...)
	}
	c := &Config{
		FormatVersion: FormatVersion, Preset: name,
		Dataset: dataset.DefaultParams(), PriorityCut: prioritycut.DefaultParams(),
	}
	from := origins{}
	for _, l := range leaves() { // defaults in code are the preset's, too
		if v, ok := value(c, l.path); ok && !v.IsZero() {
			from[l.path] = origin{rank: fromPreset, where: "preset " + name}
		}
	}
	for _, l := range layers {
		if err := l.apply(c, from); err != nil {
			return nil, nil, err
		}
	}
	return c, from, nil
}

// isComplete reports whether a file configures the networks itself, as the
// reference's files do, instead of changing a preset here and there.
func isComplete(o origins, family model.FamilyName) bool {
	networks := "model_params"
	if own := sectionOf[family]; own != "" {
		networks = own
	}
	for _, section := range []string{"dataset_params", networks + ".kp_detector_params", networks + ".generator_params"} {
		if !o.touches(section) {
			return false
		}
	}
	return true
}

// touches reports whether a key of a section was set.
func (o origins) touches(section string) bool {
	for path := range o {
		if strings.HasPrefix(path, section+".") {
			return true
		}
	}
	return false
}
