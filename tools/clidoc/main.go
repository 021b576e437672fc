// Command clidoc writes docs/cli.md from the flags of all programs. Run it in the
// root of the source tree: go run ./tools/clidoc
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/prioritycut/prioritycut/internal/cli"
)

const file = "docs/cli.md"

const preface = `# Commands and their flags

Written by ` + "`go run ./tools/clidoc`" + ` from what the programs say of themselves (` + "`--help`" + `): change it there. Values that are lists
of settings (` + "`--set`" + `) are told by ` + "`bazel run //cmd:train -- --help_config`" + `. The word after a flag is what its value is: ` + "`--out=runs/mine`" + `
and ` + "`--out runs/mine`" + ` are the same. In place of ` + "`bazel`" + ` type ` + "`./bazelw`" + ` where Bazel is not set up yet; programs of an unpacked
archive are called by their own names.
`

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "clidoc:", err)
		os.Exit(1)
	}
}

func run() error {
	var doc bytes.Buffer
	doc.WriteString(preface)
	programs, err := filepath.Glob("cmd/*/main.go")
	if err != nil || len(programs) == 0 {
		return fmt.Errorf("no programs in cmd/: run it in the root of the source tree (%v)", err)
	}
	for _, main := range append(programs, "bench/main.go") {
		if err := section(&doc, "./"+filepath.Dir(main)); err != nil {
			return err
		}
	}
	doc.WriteByte('\n')
	if err := cli.WriteCommonMarkdown(&doc); err != nil {
		return err
	}
	return os.WriteFile(file, doc.Bytes(), 0o644)
}

// section appends what a program says of itself.
func section(to io.Writer, program string) error {
	c := exec.Command("go", "run", program, "--"+cli.DocFlag)
	c.Stderr = os.Stderr
	text, err := c.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", program, err)
	}
	_, err = fmt.Fprintf(to, "\n%s", text)
	return err
}
