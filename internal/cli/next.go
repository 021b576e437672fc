package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Step is a command that may come next, and what for.
type Step struct{ Command, For string }

// Next says what may come next, a command a line, ready to be typed. That nobody
// reads it is no failure of what was done.
func Next(w io.Writer, steps ...Step) {
	width := 0
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

// Program is the command that runs one of the programs with these arguments,
// each of which a shell takes for one word.
func Program(name string, args ...string) string {
	command := "bazel run //cmd:" + name
	if len(args) > 0 {
		command += " --"
	}
	for _, a := range args {
		command += " " + Quote(a)
	}
	return command
}

// Quote is a text as a shell takes it for one word.
func Quote(word string) string {
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_=+./,:@%", r)
	}) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
