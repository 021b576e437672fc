// Package house looks at the sources: what every room of the house keeps to. Its
// tests read the tree that they lie in, so that they run under plain Go only.
package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// root is the module's folder.
const root = "../.."

// flagsOf are the names of all flags of all programs, as their manual has them.
func flagsOf(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docs", "cli.md"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range regexp.MustCompile("`--([a-z][a-z0-9_]*)").FindAllStringSubmatch(string(text), -1) {
		names = append(names, m[1])
	}
	if !slices.Contains(names, "driving_video") || len(names) < 100 {
		t.Fatalf("%d flags are known: %v", len(names), names)
	}
	return names
}

// helpsTests tells files that look at programs as tests do.
func helpsTests(i *ast.ImportSpec) bool { return i.Path.Value == `"testing"` }

// libraries are the files of all packages but programs, tests and what helps
// those; internal/cli is where flags are known.
func libraries(t *testing.T) (files map[string]*ast.File) {
	t.Helper()
	files = map[string]*ast.File{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator)))
		if d.IsDir() {
			if strings.HasPrefix(d.Name(), ".") && path != root || name == "internal/cli" || name == "third_party" || strings.HasPrefix(name, "bazel-") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err == nil && f.Name.Name != "main" && !slices.ContainsFunc(f.Imports, helpsTests) {
			files[name] = f
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestLibrariesDoNotSpeakOfFlags: how an option is typed is known to programs;
// libraries name it as package usage says. A text that joins dashes and a name,
// or has a place for one behind them, speaks of flags too.
func TestLibrariesDoNotSpeakOfFlags(t *testing.T) {
	flags := flagsOf(t)
	spoken := regexp.MustCompile(`(?:^|[^-])--([a-z][a-z0-9_]*|%|$)`)
	files := libraries(t)
	if len(files) < 300 {
		t.Fatalf("%d files are looked at", len(files))
	}
	for name, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Errorf("%s: %s: %v", name, literal.Value, err)
			}
			for _, m := range spoken.FindAllStringSubmatch(text, -1) {
				if len(m[1]) < 2 && !named[name] || slices.Contains(flags, m[1]) {
					t.Errorf("%s speaks of --%s: %q", name, m[1], text)
				}
			}
			return true
		})
	}
}

// named compose calls of our programs.
var named = map[string]bool{"internal/usage/usage.go": true}
