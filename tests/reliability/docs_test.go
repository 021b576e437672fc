package reliability

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestNamedTestsExist: what the manuals say is tested, is. A test is named as
// `folder` `TestName`, further ones of the folder behind it.
func TestNamedTestsExist(t *testing.T) {
	root := filepath.Join("..", "..")
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Skip("the tree is not here: plain go test looks")
	}
	quoted := regexp.MustCompile("`([^`]+)`")
	isTest := regexp.MustCompile(`^(Test|Fuzz)[A-Z]\w*$`)
	named := 0
	for _, doc := range []string{"reliability.md", "testing.md"} {
		text, err := os.ReadFile(filepath.Join(root, "docs", doc))
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			folder := ""
			for _, word := range quoted.FindAllStringSubmatch(line, -1) {
				if info, err := os.Stat(filepath.Join(root, word[1])); err == nil && info.IsDir() {
					folder = word[1]
				}
				if !isTest.MatchString(word[1]) || folder == "" {
					continue
				}
				named++
				if !defined(t, filepath.Join(root, folder), word[1]) {
					t.Errorf("docs/%s, line %d: %s has no %s", doc, i+1, folder, word[1])
				}
			}
		}
	}
	if named < 50 {
		t.Errorf("only %d tests are named", named)
	}
}

// defined reports whether a package has a test.
func defined(t *testing.T, folder, test string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+test+"(") {
			return true
		}
	}
	return false
}
