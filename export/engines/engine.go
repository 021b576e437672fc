package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/prioritycut/prioritycut/internal/pyenv"
)

//go:embed peer/engines.py
var script []byte

// engine is a program of others.
type engine struct {
	// name is what peer/engines.py knows it by.
	name string
	// requirements is the list of packages that package pyenv installs.
	requirements string
}

// engines in the order in which they run: MNN takes the files that were made
// for ONNX Runtime.
var engines = []engine{
	{"tensorflow", "tensorflow-2.18"},
	{"tensorflow", "tensorflow-2.19"},
	{"tensorflow", "tensorflow-2.20"},
	{"tensorflow", "converters"},
	{"LiteRT", "converters"},
	{"ONNX Runtime", "converters"},
	{"OpenVINO", "converters"},
	{"MNN", "converters"},
	{"tensorflowjs", "tensorflowjs"},
}

// names lists the engines, each once.
func names() []string {
	var list []string
	for _, e := range engines {
		if len(list) == 0 || list[len(list)-1] != e.name {
			list = append(list, e.name)
		}
	}
	return list
}

// row is what an engine says of a model.
type row struct {
	Engine     string
	Version    string
	Model      string
	Signatures []string
	// Difference is the largest to the checkpoint's outputs, in proportion to
	// the largest value where that is beyond 1; nil where nothing was computed.
	Difference *float64
	// At is the signature and the output that differ most.
	At string
	// MS are milliseconds of a call, by signature.
	MS   map[string]float64
	Note string
}

// longest is how long one engine may take, conversion included.
const longest = 30 * time.Minute

// measure runs an engine on the models in dir. It returns the rows up to the
// first failure.
func (e engine) measure(ctx context.Context, dir string, seconds float64) ([]row, error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	python, err := pyenv.Python(ctx, e.requirements, func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) })
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "engines.py")
	if err := os.WriteFile(path, script, 0o600); err != nil {
		return nil, err
	}
	out, failure := run(ctx, python, path, e.name, dir, strconv.FormatFloat(seconds, 'g', -1, 64))
	var rows []row
	for _, line := range strings.Split(out, "\n") {
		if !strings.HasPrefix(line, "{") {
			continue // what libraries print
		}
		var r row
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return rows, fmt.Errorf("%w in %q", err, line)
		}
		rows = append(rows, r)
	}
	if failure == nil && len(rows) == 0 {
		failure = errors.New("it says nothing")
	}
	return rows, failure
}

// run returns what a program prints, and what it complains of as an error.
func run(ctx context.Context, name string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, name, args...)
	for _, v := range os.Environ() {
		// Its TensorFlow is its own, and so are its oneDNN kernels.
		if !strings.HasPrefix(v, "LD_LIBRARY_PATH=") && !strings.HasPrefix(v, "TF_ENABLE_ONEDNN_OPTS=") {
			c.Env = append(c.Env, v)
		}
	}
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	c.WaitDelay = 5 * time.Second
	err := c.Run()
	if err != nil {
		text := strings.TrimSpace(said.String())
		err = fmt.Errorf("%w: %s", err, text[max(0, len(text)-2000):])
	}
	return out.String(), err
}
