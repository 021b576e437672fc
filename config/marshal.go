package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/prioritycut/prioritycut/internal/wrap"
	"github.com/prioritycut/prioritycut/model"
)

// FileName is the name of the resolved configuration in a run's folder.
const FileName = "config.yaml"

// Marshal writes the whole resolved tree as YAML, each key under its
// documentation. Equal configurations give equal bytes.
func (c *Config) Marshal() ([]byte, error) {
	comments, err := keyComments()
	if err != nil {
		return nil, err
	}
	root := section(reflect.ValueOf(c).Elem(), "", comments, c.FamilyName())
	var out bytes.Buffer
	out.WriteString("# Resolved configuration of a run, written by the program. Given as a configuration\n" +
		"# file it is the same configuration again.\n\n")
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return out.Bytes(), nil
}

// section turns a struct into a YAML mapping with comments. Keys that mean
// nothing to the family are left out.
func section(v reflect.Value, prefix string, comments map[string]string, family model.FamilyName) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	above := ""
	for _, f := range fieldsOf(v.Type()) {
		if !belongs(prefix+f.name, family) {
			continue
		}
		fv := v.FieldByIndex(f.index)
		if fv.Kind() == reflect.Pointer {
			if fv.IsNil() {
				continue
			}
			fv = fv.Elem()
		}
		key := &yaml.Node{Kind: yaml.ScalarNode, Value: f.name}
		if text := comments[prefix+f.name]; text != above && text != seeSection(prefix) {
			key.HeadComment = strings.Join(wrap.Lines(text, 88), "\n")
			above = text
		}
		var child *yaml.Node
		if f.section() {
			child = section(fv, prefix+f.name+".", comments, family)
		} else {
			child = node(fv)
		}
		n.Content = append(n.Content, key, child)
	}
	return n
}

// node turns a scalar, a list or a record into YAML on one line.
func node(v reflect.Value) *yaml.Node {
	scalar := func(tag, text string) *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}
	}
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for i := 0; i < v.Len(); i++ {
			n.Content = append(n.Content, node(v.Index(i)))
		}
		return n
	case reflect.Struct:
		n := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
		for _, f := range fieldsOf(v.Type()) {
			n.Content = append(n.Content, scalar("!!str", f.name), node(v.FieldByIndex(f.index)))
		}
		return n
	case reflect.Bool:
		return scalar("!!bool", strconv.FormatBool(v.Bool()))
	case reflect.Float32, reflect.Float64:
		return scalar("", number(v.Float())) // 1 reads back as a number, too
	case reflect.String:
		return scalar("!!str", v.String())
	}
	return scalar("!!int", strconv.FormatInt(v.Int(), 10))
}

// number writes a float so that it reads back bit-equal and YAML sees a number.
func number(f float64) string {
	if abs := max(f, -f); abs != 0 && (abs < 1e-3 || abs >= 1e9) {
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
		sign, digits := exponent[:1], strings.TrimLeft(exponent[1:], "0")
		return mantissa + "e" + sign + digits
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// oneLine writes a value as YAML on one line.
func oneLine(v reflect.Value) string {
	n := node(v)
	if n.Kind == yaml.ScalarNode && n.Tag == "!!str" && n.Value == "" {
		return `""`
	}
	text, err := yaml.Marshal(n)
	if err != nil {
		return fmt.Sprint(v)
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

// Load reads the resolved configuration that a run or a checkpoint keeps and
// validates it. Files that it names need not exist any more.
func Load(path string) (*Config, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return Unmarshal(data, path)
}

// Unmarshal is Load for bytes; name stands for them in error messages.
func Unmarshal(data []byte, name string) (*Config, error) {
	root, err := parse(data, name)
	if err != nil {
		return nil, err
	}
	file := layer{rank: fromFile, label: name, root: root, lines: true}
	named := &Config{}
	if err := file.apply(named, origins{}); err != nil {
		return nil, err
	}
	if named.FormatVersion < 1 || named.FormatVersion > FormatVersion {
		return nil, fmt.Errorf("%s: format_version is %d: this program reads resolved configurations of versions 1 to %d",
			name, named.FormatVersion, FormatVersion)
	}
	// Keys that a version of the program did not have yet take the preset's
	// values.
	c, from, err := base(named.Preset, familyOf(named.Variant), false)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c.Train.MuonScale = 0 // but for the optimiser: there was Adam alone
	if err := file.apply(c, from); err != nil {
		return nil, err
	}
	c.dropForeign()
	if c.FamilyName() != model.FOMMFamily {
		c.VGG19 = VGG19Params{WidthDivisor: 1}
	}
	if err := c.Validate(); err != nil {
		r := &resolver{origins: from}
		return nil, r.explain(err)
	}
	return c, nil
}

// Hash identifies what the run means, in 16 hexadecimal digits: equal for
// configurations that differ in nothing but keys that may change when a run
// goes on (see DiffForResume).
func (c *Config) Hash() string {
	sum := sha256.New()
	fmt.Fprintf(sum, "random features=%t\n", c.VGG19.File == RandomVGG19)
	for _, l := range leaves() {
		if resumable(l.path) || !belongs(l.path, c.FamilyName()) {
			continue
		}
		if v, ok := value(c, l.path); ok {
			fmt.Fprintf(sum, "%s=%s\n", l.path, oneLine(v))
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:16]
}
