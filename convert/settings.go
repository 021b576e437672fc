package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/prioritycut/prioritycut/config"
	"github.com/prioritycut/prioritycut/internal/rundir"
	"github.com/prioritycut/prioritycut/model"
)

// notesKey is where the metadata of a .safetensors file of ours keeps the notes
// of its checkpoint.
const notesKey = "prioritycut"

// readNotes reads the notes of a .safetensors file that this program wrote.
func readNotes(s *input) (Notes, bool, error) {
	text, ok := s.Meta()[notesKey]
	if !ok {
		return Notes{}, false, nil
	}
	var n Notes
	meta, err := rundir.DecodeMeta(json.RawMessage(text))
	if err == nil {
		err = json.Unmarshal([]byte(text), &n)
	}
	if err == nil && meta.Attempt > maxSteps { // no less than the step
		err = fmt.Errorf("its notes say step %d and attempt %d", meta.Step, meta.Attempt)
	}
	if err != nil {
		return Notes{}, false, fmt.Errorf("the metadata %q: %w", notesKey, err)
	}
	return n, true, nil
}

// settle finds the configuration of the networks in a file: the one that its
// own metadata carry, or the user's, with what the file itself tells of the
// discriminator.
func (c *runState) settle(s *input, o Options) error {
	notes, ours, err := readNotes(s)
	if err != nil {
		return err
	}
	c.notes = notes
	if ours && o.ConfigFile == "" && o.Preset == "" {
		if len(o.Sets) > 0 || o.Variant != "" {
			return errors.New("the file carries its configuration: `set` and `variant` change it together with `config` or `preset` only")
		}
		c.config, err = config.Unmarshal([]byte(notes.Config), c.from)
		return err
	}
	family := familyOf(s)
	if traits, ok := model.Variant(o.Variant).Traits(); ok && traits.Family != family {
		return fmt.Errorf("the file holds networks of %s, which variant %s has not: leave `variant` out", family, o.Variant)
	}
	sets, preset := o.Sets, o.Preset
	if family == model.X2FaceFamily {
		sets = append(x2faceSizes(s), sets...) // the file tells its own sizes
		if o.ConfigFile == "" && preset == "" {
			preset = config.ReferencePreset
		}
	} else if o.ConfigFile == "" && o.Preset == "" {
		return errors.New("which configuration were the weights trained with? give its YAML file, `config`=vox-256.yaml, or a `preset` of its sizes, such as vox-256")
	}
	variant := o.Variant
	switch {
	case variant != "":
	case family != model.FOMMFamily:
		variant = string(family) // both have one variant, of the same name
	default:
		variant = c.variantOf(s)
	}
	var warnings []config.Warning
	c.config, warnings, err = config.Resolve(config.Options{
		Preset: preset, ConfigFile: o.ConfigFile, Sets: sets, Variant: variant, AllowMissing: true,
	})
	if err != nil {
		return err
	}
	for _, w := range warnings {
		if w.Key == "preset" && family != model.X2FaceFamily || strings.HasPrefix(w.Key, "model_params.") {
			c.remark("%v", w)
		}
	}
	if got := c.config.FamilyName(); got != family {
		return fmt.Errorf("the file holds networks of %s and the configuration describes those of %s: give the configuration of these weights", family, got)
	}
	return c.adoptDiscriminator(s)
}

// familyOf is the family of a file's networks: its tensors' names tell.
func familyOf(s *input) model.FamilyName {
	switch {
	case isX2Face(s.Names()):
		return model.X2FaceFamily
	case len(s.Sub(generator).Sub("appearance_encoder").Names()) > 0:
		return model.MonkeyNetFamily
	}
	return model.FOMMFamily
}

// variantOf is the variant that a file's discriminator belongs to, empty where
// it may be one of several.
func (c *runState) variantOf(s *input) string {
	disc := s.Sub(discriminator)
	switch {
	case len(disc.Names()) == 0:
		return variantAgainst(model.NoDiscriminator)
	case neverStepped(s, discriminator):
		c.remark("the discriminator never took a step (so with generator_gan: 0): it is left out; `variant`=fomm-adv keeps it")
		return variantAgainst(model.NoDiscriminator)
	case len(disc.Sub("discs").Names()) > 0:
		return variantAgainst(model.PatchDiscriminator)
	}
	return ""
}

func variantAgainst(kind model.DiscriminatorKind) string {
	return string(model.VariantAgainst(model.FOMMFamily, kind))
}

// adoptDiscriminator makes the configuration say what the file's discriminator
// is: files of configurations are often those of another stage of training.
func (c *runState) adoptDiscriminator(s *input) error {
	if !c.config.HasDiscriminator() || c.config.FamilyName() != model.FOMMFamily {
		return nil
	}
	p := &c.config.Model.Discriminator
	for _, name := range s.Sub(discriminator).Names() {
		at, isFirst := strings.CutSuffix(name, "down_blocks.0.conv.weight")
		normed := false
		if !isFirst {
			at, normed = strings.CutSuffix(name, "down_blocks.0.conv.weight_orig")
		}
		if (!isFirst && !normed) || (at != "" && !strings.HasPrefix(at, "discs.")) {
			continue
		}
		adopt(c, "sn", &p.SN, normed)
		t, _ := s.Tensor(discriminator + "." + name)
		if shape := t.Shape(); len(shape) == 4 {
			switch common := c.config.Model.Common; shape[1] {
			case int64(common.NumChannels):
				adopt(c, "use_kp", &p.UseKP, false)
			case int64(common.NumChannels + common.NumKP):
				adopt(c, "use_kp", &p.UseKP, true)
			}
		}
		break
	}
	return c.config.Validate()
}

func adopt(c *runState, key string, setting *bool, file bool) {
	if *setting != file {
		c.remark("model_params.discriminator_params.%s is %t in the configuration; the file's discriminator has %t, and so it is stored", key, *setting, file)
		*setting = file
	}
}
