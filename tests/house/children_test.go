package house

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestChildrenDieWithTheirParent: whatever starts another program does so through
// internal/child, but for tests, whose runner sees to that, and a tool that waits
// at a person's terminal.
func TestChildrenDieWithTheirParent(t *testing.T) {
	plain := regexp.MustCompile(`\b(exec\.Command(Context)?|os\.StartProcess|syscall\.ForkExec)\(`)
	ofTests := regexp.MustCompile(`(?m)^(import )?\s*"testing"$`)
	allowed := map[string]bool{"internal/child/child.go": true, "tools/clidoc/main.go": true}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if found := plain.Match(text) && !ofTests.Match(text); found && !allowed[filepath.ToSlash(name)] {
			t.Errorf("%s starts a program that may outlive this one: use internal/child", name)
		} else if !found && allowed[filepath.ToSlash(name)] {
			t.Errorf("%s starts no program: the list of exceptions is old", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
