package house

import (
	"regexp"
	"testing"
)

// TestChildrenDieWithTheirParent: whatever starts another program does so through
// internal/child, but for tests, whose runner sees to that, and a tool that waits
// at a person's terminal.
func TestChildrenDieWithTheirParent(t *testing.T) {
	plain := regexp.MustCompile(`\b(exec\.Command(Context)?|os\.StartProcess|syscall\.ForkExec)\(`)
	allowed := map[string]bool{"internal/child/child.go": true, "tools/clidoc/main.go": true}
	sources(t, func(name string, text []byte) {
		if found := plain.Match(text); found && !allowed[name] {
			t.Errorf("%s starts a program that may outlive this one: use internal/child", name)
		} else if !found && allowed[name] {
			t.Errorf("%s starts no program: the list of exceptions is old", name)
		}
	})
}
