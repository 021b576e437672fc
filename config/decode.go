package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/prioritycut/prioritycut/internal/nearest"
	"github.com/prioritycut/prioritycut/internal/usage"
	"go.yaml.in/yaml/v3"
)

// maxNodes bounds the nodes of one document that are looked at, through
// aliases and merges too.
const maxNodes = 20000

// maxErrors bounds how many errors of one document are reported at once.
const maxErrors = 20

// aliases are older names of keys that files of the reference still use.
var aliases = map[string]string{"dataset_params.image_shape": "frame_shape"}

// rank orders the layers of a configuration: a higher one wins.
type rank int

const (
	fromPreset rank = iota
	fromRecipe
	fromFile
	fromSet
	fromFlag
)

// origin says who set a key last.
type origin struct {
	rank  rank
	where string // "preset vox-256", "my.yaml:12", "set batch_size=3"
}

// origins maps dotted paths of leaves to who set them.
type origins map[string]origin

// since reports whether somebody at least as high as r set the key.
func (o origins) since(path string, r rank) bool {
	from, ok := o[path]
	return ok && from.rank >= r
}

// layer is a parsed document that overrides what lies below it.
type layer struct {
	rank  rank
	label string
	root  *yaml.Node // nil: empty
	lines bool       // positions mean something to the user
	path  string     // the only key of a flag's layer
}

// decoder lays one layer over a configuration.
type decoder struct {
	layer
	origins origins
	nodes   int
	errs    []error
}

// apply lays l over c and notes in o what it set. All errors of the layer are
// reported together.
func (l layer) apply(c *Config, o origins) error {
	if l.root == nil {
		return nil
	}
	d := &decoder{layer: l, origins: o}
	d.mapping(l.root, reflect.ValueOf(c).Elem(), "", 0)
	return errors.Join(d.errs...)
}

func (d *decoder) fail(n *yaml.Node, path, format string, args ...any) {
	if len(d.errs) == maxErrors {
		d.errs = append(d.errs, fmt.Errorf("%s: further errors are not shown", d.label))
	}
	if len(d.errs) > maxErrors {
		return
	}
	what := fmt.Sprintf(format, args...)
	if path != "" {
		what = path + ": " + what
	}
	d.errs = append(d.errs, fmt.Errorf("%s: %s", d.where(n), what))
}

func (d *decoder) where(n *yaml.Node) string {
	if d.lines {
		return fmt.Sprintf("%s:%d", d.label, n.Line)
	}
	return d.label
}

// visit counts n and follows aliases. It returns nil when the document is out
// of bounds.
func (d *decoder) visit(n *yaml.Node, depth int) *yaml.Node {
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		d.nodes++
		n = n.Alias
		depth++
		if depth > maxDepth {
			break
		}
	}
	d.nodes++
	if d.nodes == maxNodes || depth > maxDepth {
		d.fail(n, "", "too many or too deeply nested values for a configuration")
	}
	if d.nodes >= maxNodes || depth > maxDepth {
		return nil
	}
	return n
}

// mapping lays the keys of n over the struct v.
func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string, depth int) {
	if n = d.visit(n, depth); n == nil {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, strings.TrimSuffix(path, "."), "is %s, must be a mapping of keys to values", describe(n))
		return
	}
	seen := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i]; key.ShortTag() == "!!merge" {
			d.merge(n.Content[i+1], v, path, depth+1)
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := d.visit(n.Content[i], depth)
		if key == nil {
			return
		}
		if key.ShortTag() == "!!merge" {
			continue
		}
		if key.Kind != yaml.ScalarNode {
			d.fail(key, strings.TrimSuffix(path, "."), "a key must be a word, not %s", describe(key))
			continue
		}
		name := key.Value
		if known, ok := aliases[path+name]; ok {
			name = known
		}
		if line, twice := seen[name]; twice {
			d.fail(key, path+name, "given twice (also in line %d): keep one", line)
			continue
		}
		seen[name] = key.Line
		f, ok := lookup(v.Type(), name)
		if !ok {
			d.unknown(key, path, v.Type())
			continue
		}
		d.key(n.Content[i+1], v.FieldByIndex(f.index), path+name, depth+1)
	}
}

// merge lays the mappings of a "<<" key under the keys beside it: of several,
// the first wins.
func (d *decoder) merge(n *yaml.Node, v reflect.Value, path string, depth int) {
	if n = d.visit(n, depth); n == nil {
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.mapping(n, v, path, depth)
		return
	}
	for i := len(n.Content) - 1; i >= 0; i-- {
		d.mapping(n.Content[i], v, path, depth+1)
	}
}

// key decodes the value n of one key into v.
func (d *decoder) key(n *yaml.Node, v reflect.Value, path string, depth int) {
	target := d.visit(n, depth)
	if target == nil {
		return
	}
	null := target.Kind == yaml.ScalarNode && target.ShortTag() == "!!null"
	if v.Kind() == reflect.Pointer {
		if null {
			v.SetZero()
			d.origins.forget(path)
			return
		}
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	if v.Kind() == reflect.Struct {
		if !null { // a section without keys changes nothing
			d.mapping(target, v, path+".", depth)
		}
		return
	}
	before := len(d.errs)
	d.leaf(target, v, path, depth)
	if len(d.errs) == before {
		d.origins[path] = origin{rank: d.rank, where: d.where(n)}
	}
}

// forget drops the keys of a section that was switched off.
func (o origins) forget(section string) {
	for path := range o {
		if strings.HasPrefix(path, section+".") {
			delete(o, path)
		}
	}
}

// unknown reports a key that a section does not have, and the nearest one.
func (d *decoder) unknown(key *yaml.Node, path string, section reflect.Type) {
	d.fail(key, path+clip(key.Value), "unknown key%s", suggest(key.Value, path, section))
}

// suggest names the key that a mistyped one may have meant: one of the same
// section, else one of that name elsewhere.
func suggest(name, path string, section reflect.Type) string {
	siblings := make([]string, 0, 16)
	for _, f := range fieldsOf(section) {
		siblings = append(siblings, f.name)
	}
	if near := nearest.Word(name, siblings); near != "" {
		return fmt.Sprintf("; did you mean %s?", path+near)
	}
	for _, p := range paths() {
		if last(p) == name {
			return fmt.Sprintf("; it belongs to %s", p)
		}
	}
	words := make([]string, 0, len(paths()))
	for _, p := range paths() {
		words = append(words, last(p))
	}
	if near := nearest.Word(name, words); near != "" {
		for _, p := range paths() {
			if last(p) == near {
				return fmt.Sprintf("; did you mean %s?", p)
			}
		}
	}
	return "; " + usage.Call("train", "help_config") + " lists all keys"
}

// last returns the last part of a dotted path.
func last(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// clip shortens what is shown of a stranger's input.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

// describe names what a node is, for error messages.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		if n.ShortTag() == "!!null" {
			return "empty"
		}
		return fmt.Sprintf("%q", clip(n.Value))
	}
	return "not a value"
}
