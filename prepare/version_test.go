package prepare

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prioritycut/prioritycut/internal/usage"
)

// TestOtherVersions: a data set of an older or newer version of prepare is
// refused with what to do, and left as it is.
func TestOtherVersions(t *testing.T) {
	in, out := footageOf(t), filepath.Join(t.TempDir(), "out")
	o := options(in, out)
	mustRun(t, o)
	path := filepath.Join(out, manifestName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{`{"prepare":99,`, `{"prepare":-1,`} {
		changed := strings.Replace(string(text), `{"prepare":1,`, other, 1)
		if changed == string(text) {
			t.Fatalf("the manifest begins with %.40s", text)
		}
		if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
		var refused *usage.Error
		if _, err := Run(context.Background(), o); !errors.As(err, &refused) || !strings.Contains(err.Error(), "another version of prepare") || !strings.Contains(err.Error(), "name another") {
			t.Errorf("%s: %v", other, err)
		}
		if now, err := os.ReadFile(path); err != nil || string(now) != changed {
			t.Errorf("the manifest was changed: %v", err)
		}
	}
}
