package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/prioritycut/prioritycut/internal/localfile"
)

// maxFileSize bounds a YAML file: the longest sensible one has a few thousand
// bytes.
const maxFileSize = 256 << 10

// maxDepth bounds the nesting of brackets and braces before YAML is parsed.
const maxDepth = 64

// readFile reads a YAML file of bounded size.
func readFile(path string) ([]byte, error) {
	data, err := localfile.Read(path, maxFileSize)
	if err != nil {
		return nil, fmt.Errorf("configuration: %w: name a YAML file", err)
	}
	return data, nil
}

// parse turns one YAML document into its tree. An empty document gives nil.
func parse(data []byte, label string) (root *yaml.Node, err error) {
	if len(data) > maxFileSize {
		return nil, fmt.Errorf("%s: larger than %d bytes: not a configuration", label, maxFileSize)
	}
	if tooDeep(data) {
		return nil, fmt.Errorf("%s: nested deeper than %d levels", label, maxDepth)
	}
	// The parser is known to report most malformed input as errors; whatever
	// else it does must not end the program.
	defer func() {
		if r := recover(); r != nil {
			root, err = nil, fmt.Errorf("%s: not YAML: %v", label, r)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	switch err := decoder.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s: not YAML: %s", label, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var second yaml.Node
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: more than one YAML document: keep one", label)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, nil
	}
	if n := doc.Content[0]; n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return nil, nil
	}
	return doc.Content[0], nil
}

// tooDeep bounds how deep flow collections nest, wherever their brackets stand,
// and how far a line of block collections ("- - - ...") goes, since the parser
// recurses on both.
func tooDeep(data []byte) bool {
	depth := 0
	for _, line := range bytes.Split(data, []byte("\n")) {
		dashes := 0
		for i, c := range line {
			switch c {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(0, depth-1)
			case '-', '?', ':':
				if i+1 == len(line) || line[i+1] == ' ' {
					dashes++
				}
			}
			if depth > maxDepth || dashes > maxDepth {
				return true
			}
		}
	}
	return false
}
