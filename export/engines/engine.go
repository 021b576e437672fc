package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/prioritycut/prioritycut/internal/child"
	"github.com/prioritycut/prioritycut/internal/pyenv"
)

//go:embed node/*.json java/* peer/*
var files embed.FS

// engine is a program of others.
type engine struct {
	// name is what peer/engines.py knows it by.
	name string
	// requirements is the list of packages that package pyenv installs.
	requirements string
	// node says that it runs in Node, with the packages of folder node, java that
	// it runs in Java, with those of folder java.
	node, java bool
}

// engines in the order in which they run: MNN takes the files that were made
// for ONNX Runtime.
var engines = []engine{
	{name: "tensorflow", requirements: "tensorflow-2.18"},
	{name: "tensorflow", requirements: "tensorflow-2.19"},
	{name: "tensorflow", requirements: "tensorflow-2.20"},
	{name: "tensorflow", requirements: "converters"},
	{name: "C++", requirements: "tensorflow-2.18"},
	{name: "Java", requirements: "tensorflow-2.18", java: true},
	{name: "LiteRT", requirements: "converters"},
	{name: "ONNX Runtime", requirements: "converters"},
	{name: "OpenVINO", requirements: "converters"},
	{name: "MNN", requirements: "converters"},
	{name: "tensorflowjs", requirements: "tensorflowjs", node: true},
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
	// Loose says that it computes less exactly by intent: no difference is too
	// large.
	Loose bool
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
	for _, name := range []string{"engines.py", "resave.py", "engine.cc"} {
		if err := unpack("peer/"+name, dir); err != nil {
			return nil, err
		}
	}
	var env []string
	if e.node {
		node, err := nodeModules(ctx)
		if err != nil {
			return nil, err
		}
		env = append(env, "ENGINES_NODE="+node)
	}
	if e.java {
		classes, err := javaClasses(ctx)
		if err != nil {
			return nil, err
		}
		env = append(env, "ENGINES_JAVA="+classes)
	}
	out, failure := run(ctx, env, python, filepath.Join(dir, "engines.py"), e.name, dir, strconv.FormatFloat(seconds, 'g', -1, 64))
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

// patience is long: compilers and converters compute, and what a program's own
// children do is not seen.
const patience = 30 * time.Minute

// run returns what a program prints, and what it complains of as an error. env
// comes beside the process's own environment.
func run(ctx context.Context, env []string, name string, args ...string) (string, error) {
	c := child.New(ctx, patience, name, args...)
	c.Env = env
	for _, v := range os.Environ() {
		// Its TensorFlow is its own, and so are its oneDNN kernels.
		if !strings.HasPrefix(v, "LD_LIBRARY_PATH=") && !strings.HasPrefix(v, "TF_ENABLE_ONEDNN_OPTS=") {
			c.Env = append(c.Env, v)
		}
	}
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	err := c.Run()
	if err != nil {
		text := strings.TrimSpace(said.String())
		err = fmt.Errorf("%w: %s", err, text[max(0, len(text)-2000):])
	}
	return out.String(), err
}
