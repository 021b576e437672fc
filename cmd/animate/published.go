package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/prioritycut/prioritycut/convert"
	"github.com/prioritycut/prioritycut/infer"
	"github.com/prioritycut/prioritycut/internal/cli"
	"github.com/prioritycut/prioritycut/internal/localfile"
	"github.com/prioritycut/prioritycut/weights"
)

// convertedBy changes when conversion does: what is kept of before is left.
const convertedBy = "1"

// published returns the folder of a checkpoint that --checkpoint names. Of a
// file of weights, as the demo of first-order-model takes it, that is one it is
// converted to: once, and kept in the user's cache by what is in it.
func (p *program) published(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return path, nil // whoever opens it says what is wrong
	}
	// What is no file of weights is told before all of it is read.
	held, err := weights.Open(path)
	if err != nil {
		return "", p.unlike(err)
	}
	if err := held.Close(); err != nil {
		return "", err
	}
	dir, err := p.convertedDir(path)
	if err != nil {
		return "", err
	}
	if _, err := infer.Load(dir); err == nil {
		return dir, nil
	}
	job, err := convert.Read(convert.Options{Checkpoint: path, Out: dir, ConfigFile: p.config, WeightsOnly: true})
	if err != nil {
		return "", p.unlike(err)
	}
	defer job.Close() // it was only read
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	fmt.Fprintf(p.Out(), "%s is converted first, which is done once; kept in %s\n", path, dir)
	err = job.Write(io.Discard)
	if err != nil {
		// Another process may have been faster.
		if _, loaded := infer.Load(dir); loaded == nil {
			err = nil
		}
	}
	return dir, err
}

// unlike says what a file of weights needs besides.
func (p *program) unlike(err error) error {
	if p.config != "" {
		return err
	}
	return fmt.Errorf("%w; a file of first-order-model's weights needs --config=YAML, the file that it was trained with", err)
}

// convertedDir is the folder for what is converted of a file and of --config.
func (p *program) convertedDir(path string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("%w: there is no place for the converted checkpoint: convert it by %s", err,
			cli.Program("convert", "--checkpoint="+path, "--config="+p.config, "--out=FOLDER"))
	}
	sum := sha256.New()
	fmt.Fprintln(sum, convertedBy)
	for _, name := range []string{path, p.config} {
		if name == "" {
			continue
		}
		f, size, err := localfile.Open(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(sum, size)
		_, err = io.Copy(sum, f)
		if err = errors.Join(err, f.Close()); err != nil {
			return "", err
		}
	}
	return filepath.Join(cache, "prioritycut", "converted", hex.EncodeToString(sum.Sum(nil)[:16])), nil
}
