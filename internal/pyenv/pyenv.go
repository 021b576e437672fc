// Package pyenv makes Python environments of other people's programs, to run
// beside this one: what measurements and comparisons need, and no everyday
// test. Each is a list of pinned packages with their hashes (requirements/),
// installed once into a virtual environment of its own below
// ${XDG_CACHE_HOME:-~/.cache}/prioritycut/engines.
package pyenv

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prioritycut/prioritycut/internal/child"
)

//go:embed requirements/*.txt
var requirements embed.FS

// Home is the folder of the environment of a list, made or not. Lists are named
// by their files without the ending: "pytorch-2.5".
func Home(list string) (string, error) {
	text, err := requirements.ReadFile("requirements/" + list + ".txt")
	if err != nil {
		return "", fmt.Errorf("no packages are listed under %q: %w", list, err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return filepath.Join(cache, "prioritycut", "engines", list+"-"+hex.EncodeToString(sum[:6])), nil
}

// Python returns the Python of a list's environment, which it makes where it
// is not complete: a download of up to some gigabytes, announced by tell. It
// needs Python 3.11 with venv: what PYTHON_BIN_PATH names, else python3.11.
func Python(ctx context.Context, list string, tell func(format string, args ...any)) (string, error) {
	home, err := Home(list)
	if err != nil {
		return "", err
	}
	python, mark := filepath.Join(home, "bin", "python"), filepath.Join(home, "complete")
	if _, err := os.Stat(mark); err == nil {
		return python, nil
	}
	tell("making the virtual environment %s", home)
	if err := install(ctx, list, home); err != nil {
		return "", fmt.Errorf("making the virtual environment %s: %w", home, err)
	}
	return python, os.WriteFile(mark, nil, 0o600)
}

func install(ctx context.Context, list, home string) error {
	if err := os.RemoveAll(home); err != nil {
		return err
	}
	base := os.Getenv("PYTHON_BIN_PATH")
	if base == "" {
		base = "python3.11"
	}
	if err := run(ctx, base, "-m", "venv", home); err != nil {
		return fmt.Errorf("python 3.11 and its venv are needed: %w", err)
	}
	text, err := requirements.ReadFile("requirements/" + list + ".txt")
	if err != nil {
		return err
	}
	path := filepath.Join(home, "requirements.txt")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return err
	}
	return run(ctx, filepath.Join(home, "bin", "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
		"--no-deps", "--only-binary=:all:", "--require-hashes", "--requirement", path)
}

// patience is long: what a program's own children do is not seen.
const patience = 30 * time.Minute

// run runs a program and quotes the end of what it complains of.
func run(ctx context.Context, name string, args ...string) error {
	c := child.New(ctx, patience, name, args...)
	var said bytes.Buffer
	c.Stderr = &said
	if err := c.Run(); err != nil {
		text := strings.TrimSpace(said.String())
		return fmt.Errorf("%w: %s", err, text[max(0, len(text)-2000):])
	}
	return nil
}
