package cli

import (
	"bytes"
	"io"
	"strings"

	"github.com/prioritycut/prioritycut/internal/wrap"
)

// helpWidth is the width of the help in columns.
const helpWidth = 84

// WriteHelp prints what the program does, examples and the flags by group; all
// adds those that are seldom needed.
func (c *Command) WriteHelp(w io.Writer, all bool) error {
	c.addCommon()
	var out bytes.Buffer
	out.WriteString(strings.Join(wrap.Lines(c.Name+": "+c.Summary, helpWidth), "\n") + "\n")
	if len(c.Examples) > 0 {
		out.WriteString("\nExamples:\n")
		for _, e := range c.Examples {
			command, comment, _ := strings.Cut(e, "  # ")
			if comment != "" {
				out.WriteString("  # " + comment + "\n")
			}
			out.WriteString("  " + AsTyped(command) + "\n")
		}
	}
	for _, g := range c.groups {
		if text := g.flags.FlagUsagesWrapped(helpWidth); text != "" && (all || !g.extra) {
			out.WriteString("\n" + g.title + ":\n" + text)
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}
