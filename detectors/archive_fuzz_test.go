package detectors

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"testing"
)

// FuzzUnpack reads archives of anybody: what is kept fits into memory and has a
// plain name.
func FuzzUnpack(f *testing.F) {
	for _, name := range []string{"package/models/a.json", "package/models/../../etc/passwd", "/package/models/a", "package/models/a/b"} {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		w := tar.NewWriter(z)
		if err := w.WriteHeader(&tar.Header{Name: name, Size: 2, Mode: 0o600, Typeflag: tar.TypeReg}); err != nil {
			f.Fatal(err)
		}
		if _, err := w.Write([]byte("{}")); err != nil {
			f.Fatal(err)
		}
		if err := w.Close(); err != nil {
			f.Fatal(err)
		}
		if err := z.Close(); err != nil {
			f.Fatal(err)
		}
		f.Add(packed.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := unpack(bytes.NewReader(data))
		if err != nil {
			return
		}
		sum := 0
		for name, file := range a.files {
			sum += len(file)
			if bytes.ContainsRune([]byte(name), '/') {
				t.Errorf("a file is called %q", name)
			}
		}
		if sum > 2*maxArchive {
			t.Errorf("%d bytes are kept", sum)
		}
	})
}
