package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
)

// nodeModules is a folder with tfjs.js and the packages that it needs, made
// once; "" where Node or npm are not installed.
func nodeModules(ctx context.Context) (string, error) {
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "", nil
		}
	}
	sources := []string{"node/package.json", "node/package-lock.json", "peer/tfjs.js"}
	home, err := homeOf("node", sources...)
	if err != nil {
		return "", err
	}
	return home, once(home, func() error {
		for _, name := range sources {
			if err := unpack(name, home); err != nil {
				return err
			}
		}
		_, err := run(ctx, nil, "npm", "ci", "--prefix", home, "--ignore-scripts", "--no-audit", "--no-fund")
		return err
	})
}

// homeOf is a folder of the cache that is another one when one of the files it
// is made from changes.
func homeOf(name string, sources ...string) (string, error) {
	sum := sha256.New()
	for _, source := range sources {
		text, err := files.ReadFile(source)
		if err != nil {
			return "", err
		}
		sum.Write(text)
	}
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "prioritycut", "engines", name+"-"+hex.EncodeToString(sum.Sum(nil)[:6])), err
}

// once makes a folder that is not complete yet.
func once(home string, install func() error) error {
	mark := filepath.Join(home, "complete")
	if _, err := os.Stat(mark); err == nil {
		return nil
	}
	fmt.Fprintf(os.Stderr, "making %s\n", home)
	if err := os.RemoveAll(home); err != nil {
		return err
	}
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	if err := install(); err != nil {
		return err
	}
	return os.WriteFile(mark, nil, 0o600)
}

// unpack writes a file of this program into a folder.
func unpack(name, dir string) error {
	text, err := files.ReadFile(name)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, path.Base(name)), text, 0o600)
}
