package cli

import (
	goflag "flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// DocFlag makes a program print its section of docs/cli.md. It is in no help.
const DocFlag = "help_markdown"

// WriteMarkdown prints what WriteHelp does as a section of docs/cli.md, without
// the flags that every program has: WriteCommonMarkdown prints those.
func (c *Command) WriteMarkdown(w io.Writer) error {
	c.addCommon()
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n%s\n", c.Name, c.Summary)
	if len(c.Examples) > 0 {
		b.WriteString("\n```sh\n")
		for i, e := range c.Examples {
			command, comment, _ := strings.Cut(e, "  # ")
			if i > 0 {
				b.WriteString("\n")
			}
			if comment != "" {
				b.WriteString("# " + comment + "\n")
			}
			b.WriteString(command + "\n")
		}
		b.WriteString("```\n")
	}
	for _, g := range c.groups {
		if !g.extra {
			b.WriteString(table(g, func(f *pflag.Flag) bool { return !slices.Contains(commonFlags, f.Name) }))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteCommonMarkdown prints the section of the flags that every program has.
func WriteCommonMarkdown(w io.Writer) error {
	_ = goflag.Set("stderrthreshold", "WARNING") // as in all programs
	c := New("every program", "")
	c.addCommon()
	var b strings.Builder
	b.WriteString("## Flags of every program\n")
	for _, g := range c.groups {
		b.WriteString(table(g, func(*pflag.Flag) bool { return true }))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// table is a group of flags as a table, empty without any.
func table(g group, wanted func(*pflag.Flag) bool) string {
	var rows strings.Builder
	g.flags.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && wanted(f) {
			flag, meaning := describe(f)
			fmt.Fprintf(&rows, "| `%s` | %s |\n", flag, strings.ReplaceAll(meaning, "|", `\|`))
		}
	})
	if rows.Len() == 0 {
		return ""
	}
	return fmt.Sprintf("\n| %s | |\n| --- | --- |\n%s", g.title, &rows)
}

// describe is the help's line of a flag, in two parts: the flag with the name of
// its value, and the meaning with the default.
func describe(f *pflag.Flag) (flag, meaning string) {
	alone := newSet("")
	alone.AddFlag(f)
	line := alone.FlagUsages()
	_, usage := pflag.UnquoteUsage(f)
	at := strings.LastIndex(line, usage)
	return strings.TrimSpace(line[:at]), strings.TrimSpace(line[at:])
}
