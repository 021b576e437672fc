package cli

import (
	"bytes"
	"io"
	"regexp"

	"github.com/prioritycut/prioritycut/internal/usage"
)

// Typed is a text of a library as the user of this program reads it: options in
// the notation of package usage are flags of this program, as far as it has
// them, and other programs are called as AsTyped says. Errors, lines of the log
// and what goes to Out and Err pass through it.
func (c *Command) Typed(text string) string {
	text = optionName.ReplaceAllStringFunc(text, func(quoted string) string {
		if name := quoted[1 : len(quoted)-1]; c.flags.Lookup(name) != nil {
			return "--" + name
		}
		return quoted
	})
	return AsTyped(text)
}

// optionName is the notation of package usage.
var optionName = regexp.MustCompile(usage.OptionPattern)

// typed is a writer of texts of libraries, piece by piece as they come: a name
// stands in one piece.
type typed struct {
	io.Writer
	as func(string) string
}

// Write implements io.Writer. It counts what it was given.
func (t typed) Write(p []byte) (int, error) {
	if !bytes.ContainsRune(p, '`') && !bytes.Contains(p, []byte("bazel run")) {
		return t.Writer.Write(p)
	}
	if _, err := io.WriteString(t.Writer, t.as(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Unwrap is what it writes to, for those who look whether that is a terminal.
func (t typed) Unwrap() io.Writer { return t.Writer }
