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

// TestForgedManifests: clips are moved and removed by the names in the manifest,
// and a data set may come from others. Names that lead out of it are refused
// before anything is touched.
func TestForgedManifests(t *testing.T) {
	in, dir := footageOf(t), t.TempDir()
	out, precious := filepath.Join(dir, "out"), filepath.Join(dir, "precious")
	o := options(in, out)
	mustRun(t, o)
	write(t, filepath.Join(precious, "file"), "precious")
	path := filepath.Join(out, manifestName)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const spec = "0123456789abcdef0123456789abcdef"
	for name, line := range map[string]string{
		"a clip above":        `{"clip":"../precious","spec":"` + spec + `"}`,
		"a clip of no side":   `{"clip":"report","spec":"` + spec + `"}`,
		"a clip by the side":  `{"clip":"train/../../precious","spec":"` + spec + `"}`,
		"an absolute clip":    `{"clip":"` + precious + `","spec":"` + spec + `"}`,
		"a side":              `{"clip":"train/","spec":"` + spec + `"}`,
		"the folder":          `{"clip":"train/..","spec":"` + spec + `"}`,
		"a folder in a side":  `{"clip":"train/a/b","spec":"` + spec + `"}`,
		"a spec above":        `{"spec":"../../../precious"}`,
		"a spec of the state": `{"spec":"."}`,
		"a long spec":         `{"spec":"` + spec + spec + `"}`,
	} {
		forged := string(good) + line + "\n"
		write(t, path, forged)
		var refused *usage.Error
		if _, err := Run(context.Background(), o); !errors.As(err, &refused) || !strings.Contains(err.Error(), "is damaged") {
			t.Errorf("%s: %v", name, err)
		}
		if now, err := os.ReadFile(path); err != nil || string(now) != forged {
			t.Errorf("%s: the manifest is changed (%v)", name, err)
		}
		if _, err := os.Stat(filepath.Join(precious, "file")); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
}

func FuzzManifest(f *testing.F) {
	for _, text := range []string{
		"", "{}", `{"prepare":1,"parameters":{"size":"16"}}` + "\n" + `{"clip":"train/a","spec":"0123456789abcdef0123456789abcdef","frames":3}` + "\n",
		`{"prepare":1,"parameters":{"size":"16"}}` + "\n" + `{"clip":"../a","spec":"0123456789abcdef0123456789abcdef"}` + "\n",
		`{"prepare":1,"parameters":{"size":"16"}}` + "\n" + `{"spec":".."}` + "\n{",
	} {
		f.Add([]byte(text))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, manifestName), data, 0o600); err != nil {
			t.Fatal(err)
		}
		m, err := readManifest(dir, map[string]string{"size": "16"})
		if err != nil {
			return
		}
		for spec, d := range m.done {
			if filepath.Base(spec) != spec || d.Clip != "" && filepath.Dir(filepath.Clean(d.Clip)) != train && filepath.Dir(filepath.Clean(d.Clip)) != test {
				t.Errorf("%q, %q", spec, d.Clip)
			}
		}
	})
}
