package main

import (
	"os"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/cli"
)

// What stands between the two, each program's own test compares.
func TestFrame(t *testing.T) {
	doc, err := os.ReadFile("../../" + file)
	if err != nil {
		t.Fatal(err)
	}
	var common strings.Builder
	if err := cli.WriteCommonMarkdown(&common); err != nil {
		t.Fatal(err)
	}
	if text := string(doc); !strings.HasPrefix(text, preface) || !strings.HasSuffix(text, "\n"+common.String()) {
		t.Errorf("%s begins or ends otherwise: in the root of the tree type\n\tgo run ./tools/clidoc", file)
	}
}
