package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prioritycut/prioritycut/internal/nearest"
	"github.com/prioritycut/prioritycut/internal/usage"
	"github.com/prioritycut/prioritycut/model"
	"go.yaml.in/yaml/v3"
)

// parseSet turns key=value into a layer. The key is a dotted path or the end of
// one when only one key of the family ends so; the value is YAML on one line.
func parseSet(set string, family model.FamilyName) (layer, error) {
	label := "`set` " + clip(set)
	key, text, found := strings.Cut(set, "=")
	key = strings.TrimSpace(key)
	if !found || key == "" {
		return layer{}, fmt.Errorf("%s: must read key=value, such as train_params.batch_size=2", label)
	}
	path, err := findKey(key, family)
	if err != nil {
		return layer{}, fmt.Errorf("%s: %w", label, err)
	}
	node, err := parse([]byte(text), label)
	if err != nil {
		return layer{}, err
	}
	if node == nil {
		node = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	}
	return layer{rank: fromSet, label: label, root: nest(path, node)}, nil
}

// nest wraps a value into the mappings of its dotted path.
func nest(path string, node *yaml.Node) *yaml.Node {
	names := strings.Split(path, ".")
	for i := len(names) - 1; i >= 0; i-- {
		key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: names[i]}
		node = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{key, node}}
	}
	return node
}

// findKey completes the end of a dotted path to the whole of it. Keys that
// belong to the family come before others.
func findKey(key string, family model.FamilyName) (string, error) {
	if parent, name, ok := cutLast(key); ok {
		if known, old := aliases[parent+"."+name]; old {
			key = parent + "." + known
		}
	} else if key == "image_shape" {
		key = "frame_shape"
	}
	var matches []string
	for _, p := range paths() {
		if p == key {
			return p, nil
		}
		if strings.HasSuffix(p, "."+key) {
			matches = append(matches, p)
		}
	}
	own := slices.DeleteFunc(slices.Clone(matches), func(p string) bool { return !belongs(p, family) })
	if len(own) > 0 {
		matches = own
	}
	switch len(matches) {
	case 1:
		return matches[0], nil
	case 0:
		return "", fmt.Errorf("unknown key%s", suggestPath(key))
	}
	return "", fmt.Errorf("more than one key ends so: say which of %s", strings.Join(matches, ", "))
}

func cutLast(path string) (parent, name string, found bool) {
	i := strings.LastIndexByte(path, '.')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}

// suggestPath names the key that a mistyped path may have meant, by its last
// part and then as a whole.
func suggestPath(key string) string {
	name := last(key)
	words := make([]string, len(paths()))
	for i, p := range paths() {
		words[i] = last(p)
	}
	best := nearest.Word(name, words)
	if best == "" {
		best = last(nearest.Word(key, paths()))
	}
	if best == "" {
		return "; " + usage.Call("train", "help_config") + " lists all keys"
	}
	// Of several keys of that name, the one whose path is nearest, compared over
	// as many parts as were typed.
	choice, least := "", 0
	parts := strings.Count(key, ".") + 1
	for _, p := range paths() {
		if last(p) != best {
			continue
		}
		names := strings.Split(p, ".")
		end := strings.Join(names[max(0, len(names)-parts):], ".")
		if d := nearest.Distance(clip(key), end); choice == "" || d < least {
			choice, least = p, d
		}
	}
	return fmt.Sprintf("; did you mean %s?", choice)
}
