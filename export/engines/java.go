package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/prioritycut/prioritycut/internal/localfile"
)

// javaClasses is a folder with Engine.class and, in jars, TensorFlow's Java library,
// made once; "" where there is no JDK or no Maven.
func javaClasses(ctx context.Context) (string, error) {
	for _, tool := range []string{"java", "javac", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "", nil
		}
	}
	sources := []string{"java/pom.xml", "java/jars.sha256", "peer/Engine.java"}
	home, err := homeOf("java", sources...)
	if err != nil {
		return "", err
	}
	return home, once(home, func() error {
		for _, name := range sources {
			if err := unpack(name, home); err != nil {
				return err
			}
		}
		jars := filepath.Join(home, "jars")
		if _, err := run(ctx, nil, "mvn", "-q", "-B", "-f", filepath.Join(home, "pom.xml"), "dependency:copy-dependencies", "-DoutputDirectory="+jars); err != nil {
			return err
		}
		if err := verify(jars, filepath.Join(home, "jars.sha256")); err != nil {
			return err
		}
		_, err := run(ctx, nil, "javac", "-cp", filepath.Join(jars, "*"), "-d", home, filepath.Join(home, "Engine.java"))
		return err
	})
}

// verify compares the files of a folder with a list as sha256sum writes it:
// another file, one more or one less is an error.
func verify(folder, list string) error {
	text, err := localfile.Read(list, 1<<20)
	if err != nil {
		return err
	}
	want := map[string]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		sum, name, ok := strings.Cut(line, "  ")
		if !ok {
			return fmt.Errorf("%s: %q is no line of sha256sum", list, line)
		}
		want[name] = sum
	}
	entries, err := localfile.ReadDir(folder)
	if err != nil {
		return err
	}
	var wrong []error
	for _, e := range entries {
		const most = 2 << 30
		data, err := localfile.Read(filepath.Join(folder, e.Name()), most)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		if got := hex.EncodeToString(sum[:]); got != want[e.Name()] {
			wrong = append(wrong, fmt.Errorf("%s is not the one that is wanted: its SHA-256 is %s", filepath.Join(folder, e.Name()), got))
		}
		delete(want, e.Name())
	}
	for name := range want {
		wrong = append(wrong, fmt.Errorf("%s: %w", filepath.Join(folder, name), os.ErrNotExist))
	}
	return errors.Join(wrong...)
}
