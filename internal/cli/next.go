package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/prioritycut/prioritycut/internal/usage"
)

// Step is a command that may come next, and what for.
type Step struct{ Command, For string }

// Next says what may come next, a command a line, ready to be typed. That nobody
// reads it is no failure of what was done.
func Next(w io.Writer, steps ...Step) {
	width := 0
	for i := range steps {
		steps[i].Command = AsTyped(steps[i].Command)
	}
	for _, s := range steps {
		width = max(width, len(s.Command))
	}
	var b strings.Builder
	b.WriteString("next:\n")
	for _, s := range steps {
		fmt.Fprintf(&b, "  %-*s  # %s\n", width, s.Command, s.For)
	}
	_, _ = io.WriteString(w, b.String())
}

// View is the step that shows a file: a page, a film, a picture.
func View(path, what string) Step { return Step{Command: "xdg-open " + usage.Quote(path), For: what} }

// Program is the command that runs one of the programs with these arguments,
// each of which a shell takes for one word.
func Program(name string, args ...string) string {
	command := "bazel run //cmd:" + name
	if len(args) > 0 {
		command += " --"
	}
	for _, a := range args {
		command += " " + usage.Quote(a)
	}
	return command
}

// AsTyped has programs called by their own paths, in a text that calls them by
// `bazel run //cmd:NAME --`, where they lie beside this one: in an unpacked
// archive, not among Bazel's outputs.
func AsTyped(text string) string {
	executable, err := os.Executable()
	if err != nil {
		return text
	}
	dir, _ := os.Getwd() // empty when unknown: whole paths then
	return asTyped(text, filepath.Dir(executable), dir)
}

// bazelRun is how programs are called in the source tree.
var bazelRun = regexp.MustCompile(`bazel run //cmd:([a-z]+)( --)?`)

// asTyped is AsTyped for programs in a folder, typed in another.
func asTyped(text, programs, dir string) string {
	return bazelRun.ReplaceAllStringFunc(text, func(call string) string {
		path := filepath.Join(programs, bazelRun.FindStringSubmatch(call)[1])
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
			return call
		}
		if near, err := filepath.Rel(dir, path); err == nil && !strings.HasPrefix(near, "..") {
			path = "./" + near
		}
		return usage.Quote(path)
	})
}
