package detectors

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// packed is an archive with files, by path.
func packed(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(text)), Mode: 0o644, Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// testPackage is a package whose archive is data.
func testPackage(data []byte) Package {
	sum := sha512.Sum512(data)
	return Package{Requirement: "networks@1.0.0", File: "networks-1.0.0.tgz", Integrity: base64.StdEncoding.EncodeToString(sum[:])}
}

func TestArchive(t *testing.T) {
	data := packed(t, map[string]string{"package/models/a.json": "graph", "package/src/b.json": "no network", "package/models/sub/c.json": "deep"})
	p, file := testPackage(data), filepath.Join(t.TempDir(), "x.tgz")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := p.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := a.Read("a.json", 5); err != nil || string(got) != "graph" {
		t.Errorf("a.json: %q, %v", got, err)
	}
	for _, name := range []string{"b.json", "c.json", "../src/b.json"} {
		if _, err := a.Read(name, 100); err == nil {
			t.Errorf("%s was found", name)
		}
	}
	if _, err := a.Read("a.json", 4); err == nil {
		t.Error("a file longer than asked for was read")
	}
	// One bit makes it another archive.
	data[len(data)-1] ^= 1
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Open(file); err == nil || !strings.Contains(err.Error(), "is not networks@1.0.0") {
		t.Errorf("another archive: %v", err)
	}
}

// TestFetch runs a stand-in for npm, which makes an archive, another one, or none.
func TestFetch(t *testing.T) {
	data := packed(t, map[string]string{"package/models/a.json": "graph"})
	p := testPackage(data)
	source := filepath.Join(t.TempDir(), "source.tgz")
	if err := os.WriteFile(source, data, 0o600); err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	npm := func(script string) {
		if err := os.WriteFile(filepath.Join(bin, "npm"), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":/bin:/usr/bin")
	for name, c := range map[string]struct{ script, want string }{
		// npm pack --silent --ignore-scripts --pack-destination DIR NAME
		"whole":      {`test "$6" = networks@1.0.0 && cp ` + source + ` "$5/` + p.File + `"`, ""},
		"another":    {`echo other > "$5/` + p.File + `"`, "is not networks@1.0.0"},
		"nothing":    {`exit 0`, "npm left no"},
		"no network": {`echo 'npm error code ENOTFOUND' >&2; exit 1`, "ENOTFOUND"},
	} {
		npm(c.script)
		home := filepath.Join(t.TempDir(), "home")
		_, err := p.Fetch(context.Background(), home)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if name == "no network" && !strings.Contains(err.Error(), "`archive`=") {
			t.Errorf("%v does not say what to do", err)
		}
		if left, _ := filepath.Glob(filepath.Join(home, "download-*")); len(left) > 0 {
			t.Errorf("%s leaves %v", name, left)
		}
		if name == "whole" {
			npm("exit 1") // the second time it is there
			if _, err := p.Fetch(context.Background(), home); err != nil {
				t.Errorf("again: %v", err)
			}
		}
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := p.Fetch(context.Background(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "npm is not installed") {
		t.Errorf("without npm: %v", err)
	}
}

func TestNamed(t *testing.T) {
	if d, err := Named(BodyJoints); err != nil || d.Kind != Keypoints || len(d.Points) != 17 {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := Named("face-landmark"); err == nil || !strings.Contains(err.Error(), "did you mean face-landmarks?") {
		t.Errorf("a misspelt name: %v", err)
	}
	if n := len(landmarkNames()); n != 68 {
		t.Errorf("%d landmarks", n)
	}
	for _, v := range landmarks {
		if v < 0 || v >= meshPoints {
			t.Errorf("vertex %d is not of the mesh", v)
		}
	}
}
