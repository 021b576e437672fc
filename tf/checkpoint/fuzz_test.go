package checkpoint

import (
	"os"
	"path/filepath"
	"testing"
)

// FuzzManifest reads any text as a checkpoint's manifest, with the checksum that
// it should have.
func FuzzManifest(f *testing.F) {
	good, _, err := (&manifest{Format: manifestFormat, FormatVersion: 1, Step: 7, Files: []manifestFile{{Group: "weights", Name: "weights.safetensors", CRC32C: "00000000"}}}).encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"format": "x"}`))
	f.Add([]byte(`[]`))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		for name, data := range map[string][]byte{manifestName: text, manifestSumName: manifestSum(text)} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		m, err := readManifest(dir)
		if err != nil {
			return
		}
		for _, g := range m.Files {
			if filepath.Base(g.Name) != g.Name || !filepath.IsLocal(g.Name) {
				t.Errorf("the manifest names the file %q", g.Name)
			}
		}
	})
}
