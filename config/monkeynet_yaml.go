package config

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The public code of Monkey-Net is configured by files whose sections are called
// like FOMM's and mean other networks. They are told by a key that FOMM has not,
// and read as if they were written with our keys.

// isMonkeyNetFile reports whether a file is of Monkey-Net's public code.
func isMonkeyNetFile(root *yaml.Node) bool {
	common, generator := at(root, "model_params", "common_params"), at(root, "model_params", "generator_params")
	return at(common, "kp_variance") != nil || at(generator, "kp_embedding_params") != nil
}

// at follows keys of mappings, nil where there is none.
func at(n *yaml.Node, names ...string) *yaml.Node {
	for _, name := range names {
		if n == nil || n.Kind != yaml.MappingNode {
			return nil
		}
		var found *yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == name {
				found = n.Content[i+1]
			}
		}
		n = found
	}
	return n
}

// moved are keys of Monkey-Net's files and ours for the same thing.
var moved = []struct {
	from string
	to   []string
}{
	{"model_params", []string{monkeyNetSection}},
	{"train_params.loss_weights", []string{monkeyNetSection + ".loss_weights"}},
	{"train_params.lr", []string{"train_params.lr_generator", "train_params.lr_kp_detector", "train_params.lr_discriminator"}},
	{"train_params.log_params.cpk_freq_epoch", []string{"train_params.checkpoint_freq"}},
	{"train_params.log_params.log_freq_iter", []string{"train_params.log_steps"}},
	{"transfer_params.num_pairs", []string{"animate_params.num_pairs"}},
	{"transfer_params.format", []string{"animate_params.format"}},
	{"transfer_params.normalization_params.movement_mult", []string{"animate_params.normalization_params.adapt_movement_scale"}},
	{"transfer_params.normalization_params.move_location", []string{"animate_params.normalization_params.use_relative_movement"}},
	{"transfer_params.normalization_params.adapt_variance", []string{monkeyNetSection + ".adapt_variance"}},
	{"transfer_params.normalization_params.clip_mean", []string{monkeyNetSection + ".clip_mean"}},
}

// passedOver are keys that configure what is not here.
var passedOver = []struct{ key, why string }{
	{"prediction_params", "prediction of keypoints is not here"},
	{"train_params.log_params", ""},
	{"transfer_params", ""},
}

// adoptMonkeyNet turns a file of Monkey-Net's public code into one with our
// keys. It returns what is left out, for a warning.
func adoptMonkeyNet(root *yaml.Node) (left []string, err error) {
	for key, want := range map[string]string{"detach_kp_generator": "false", "detach_kp_discriminator": "true"} {
		train := at(root, "train_params")
		if n := at(train, key); n != nil {
			if n.Value != want {
				return nil, fmt.Errorf("line %d: train_params.%s is %s: only %s, as in every published configuration, is supported", n.Line, key, n.Value, want)
			}
			cutKey(train, key)
		}
	}
	for _, m := range moved {
		if n := cutPath(root, m.from); n != nil {
			for _, to := range m.to {
				putPath(root, to, n)
			}
		}
	}
	for _, p := range passedOver {
		if n := cutPath(root, p.key); n != nil && p.why != "" {
			left = append(left, p.key+": "+p.why)
		}
	}
	if at(root, "variant") == nil {
		putPath(root, "variant", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "monkeynet"})
	}
	return left, nil
}

// cutPath takes the value of a dotted path out of mappings, nil where there is
// none.
func cutPath(root *yaml.Node, path string) *yaml.Node {
	parent, name, nested := cutLast(path)
	if nested {
		if root = at(root, strings.Split(parent, ".")...); root == nil || root.Kind != yaml.MappingNode {
			return nil
		}
	}
	return cutKey(root, name)
}

// putPath sets the value of a dotted path, making the mappings that lead to it.
func putPath(root *yaml.Node, path string, n *yaml.Node) {
	names := strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		inner := at(root, name)
		if inner == nil || inner.Kind != yaml.MappingNode {
			inner = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: n.Line}
			root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: name, Line: n.Line}, inner)
		}
		root = inner
	}
	root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: names[len(names)-1], Line: n.Line}, n)
}
