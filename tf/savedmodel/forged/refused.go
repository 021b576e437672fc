package forged

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Refused gives a program each forged model: it must refuse it, name the
// operation and the flag that trusts a model, and the operation must not have
// run. run is the program; it returns exit code and errors.
func Refused(t *testing.T, run func(model string) (code int, stderr string)) {
	t.Helper()
	for _, place := range Places {
		for _, operation := range Operations {
			t.Run(operation+" in "+place, func(t *testing.T) {
				dir := t.TempDir()
				model, file := filepath.Join(dir, "model"), filepath.Join(dir, "file")
				if err := Write(model, operation, place, file); err != nil {
					t.Fatal(err)
				}
				code, stderr := run(model)
				if code != 2 || !strings.Contains(stderr, operation+" (") || !strings.Contains(stderr, "--trust_saved_model") {
					t.Errorf("exit code %d, %q", code, stderr)
				}
				if _, err := os.Stat(file); err == nil {
					t.Error("it has written its file")
				}
			})
		}
	}
}
