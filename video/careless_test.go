package video

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"strings"
	"testing"
)

// Writers forget the end, or count wrongly what is counted twice: a picture whose
// pixels are all there, by the checksums of its chunks, is shown. Others are not.
func TestPNGsOfCarelessWriters(t *testing.T) {
	dir := t.TempDir()
	good := encodePNG(t, quarters())
	want, err := ReadPicture(writeFile(t, filepath.Join(dir, "good.png"), good), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(good, []byte("IDAT"))
	n := int(binary.BigEndian.Uint32(good[at-4:]))
	pixels := bytes.Clone(good[at+4 : at+4+n])
	pixels[n-1] ^= 1 // of the checksum of the pixels
	miscounted := append(appendChunk(bytes.Clone(good[:at-4]), "IDAT", pixels), pngEnd...)
	rotten := bytes.Clone(good)
	rotten[at+4+n-1] ^= 1 // the same, by rot: the chunk's checksum tells
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"without an end":      {good[:len(good)-len(pngEnd)], ""},
		"half of its end":     {good[:len(good)-5], ""},
		"miscounted":          {miscounted, ""},
		"miscounted, no end":  {miscounted[:len(miscounted)-len(pngEnd)], ""},
		"rotten":              {rotten, "damaged"},
		"a pixel less":        {good[:len(good)-len(pngEnd)-9], "cut off"},
		"nothing but a start": {good[:at-4], "cut off"},
	} {
		path := writeFile(t, filepath.Join(dir, strings.ReplaceAll(name, " ", "-")+".png"), c.file)
		f, err := ReadPicture(path, Limits{})
		_, _, errToo := Harmless(c.file, Limits{})
		for _, err := range []error{err, errToo} {
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
		}
		if err == nil && !bytes.Equal(f.Pix, want.Pix) {
			t.Errorf("%s: other pixels", name)
		}
	}
}
