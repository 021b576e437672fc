// Package cli is the command line that all programs of this module share: the
// flags, their help, errors with suggestions, and exit codes.
//
// It knows no configuration: what was typed is handed on as plain values.
package cli

import (
	"errors"
	goflag "flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"github.com/prioritycut/prioritycut/internal/durable"
	"github.com/prioritycut/prioritycut/internal/logging"
	_ "github.com/prioritycut/prioritycut/internal/startup" // before TensorFlow is loaded
	"github.com/prioritycut/prioritycut/internal/usage"
	"github.com/prioritycut/prioritycut/internal/userdir"
)

// Exit codes of every program.
const (
	ExitOK     = 0 // done, or stopped by a signal with everything saved
	ExitFailed = 1 // the work failed
	ExitUsage  = 2 // flags, configuration or input paths are wrong: nothing was begun
)

// Usage marks err as one that the user mends by typing something else: a program
// that returns it ends with ExitUsage. Nil stays nil.
func Usage(err error) error { return usage.Wrap(err) }

// Command is one program's command line.
type Command struct {
	Name     string   // as typed, such as train
	Summary  string   // what it does, a sentence or two
	Examples []string // command lines, each with a comment after "  # "
	// Keys can be set by --set: a flag of such a name gets that hint. May be
	// nil.
	Keys []string
	// Kept says what is kept of the work when a disk is full, and so what the same
	// command need not do again. It is told with such an error.
	Kept string
	// MaxArgs is how many arguments that are no flags are allowed.
	MaxArgs int
	// Stdout and Stderr default to those of the process.
	Stdout, Stderr io.Writer

	flags    *pflag.FlagSet
	paths    map[string]PathUse // flags that take paths
	groups   []group
	topics   []*topic
	finish   []func() error // run after flags are parsed
	err      error          // a mistake in the program's own flags
	helpAll  bool
	helpFlag bool
	helpDoc  bool
	version  bool
}

// group is a titled part of the help.
type group struct {
	title string
	flags *pflag.FlagSet
	extra bool // shown by --helpfull only
}

// topic is a flag that prints something and ends the program.
type topic struct {
	asked bool
	print func(io.Writer) error
}

// New returns a command without flags of its own: only --help, --helpfull, --version and
// the logger's flags.
func New(name, summary string) *Command {
	c := &Command{Name: name, Summary: summary, flags: newSet(name)}
	c.flags.SetNormalizeFunc(normalize)
	return c
}

func newSet(name string) *pflag.FlagSet {
	set := pflag.NewFlagSet(name, pflag.ContinueOnError)
	set.SortFlags = false
	set.Usage = func() {}
	set.SetOutput(io.Discard)
	return set
}

// normalize lets --dry-run stand for --dry_run.
func normalize(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	return pflag.NormalizedName(strings.ReplaceAll(name, "-", "_"))
}

// Group adds flags under a title of the help, "Help" without one. Titles stand
// in the order in which they are first used. The text in backquotes of a
// flag's usage names its value.
func (c *Command) Group(title string, define func(flags *pflag.FlagSet)) {
	if title == "" {
		title = helpGroup
	}
	var set *pflag.FlagSet
	for _, g := range c.groups {
		if g.title == title {
			set = g.flags
		}
	}
	if set == nil {
		set = newSet(c.Name)
		c.groups = append(c.groups, group{title: title, flags: set})
	}
	define(set)
	c.flags.AddFlagSet(set)
}

// helpGroup is the title of flags that only print something.
const helpGroup = "Help"

// Topic adds a flag that prints something instead of running the program, such
// as --help_config. It is printed after all flags are read.
func (c *Command) Topic(name, usage string, print func(io.Writer) error) {
	t := &topic{print: print}
	c.topics = append(c.topics, t)
	c.Group("", func(flags *pflag.FlagSet) { flags.BoolVar(&t.asked, name, false, usage) })
}

// Changed reports whether a flag was given.
func (c *Command) Changed(name string) bool { return c.flags.Changed(name) }

// Main runs a program from the user's directory: it reads the process's flags,
// prints help or what is wrong with them, calls run with the arguments that are
// no flags, flushes the log and returns the exit code for os.Exit.
func (c *Command) Main(run func(args []string) error) int {
	outliveReaders()
	if err := userdir.Enter(); err != nil {
		fmt.Fprintf(c.Err(), "%s: %v\n", c.Name, err)
		return ExitUsage
	}
	return c.Run(os.Args[1:], run)
}

// Run is Main for the given arguments, from the working directory.
func (c *Command) Run(args []string, run func(args []string) error) int {
	done, rest, err := c.Parse(args)
	defer logging.Start(c.Typed)() // by the flags that were parsed
	if done {
		return ExitOK
	}
	if err == nil {
		err = run(rest)
	}
	if err == nil {
		return ExitOK
	}
	fmt.Fprintf(c.Err(), "%s: %s\n%s", c.Name, c.Typed(err.Error()), c.advice(err))
	var usage *usage.Error
	if errors.As(err, &usage) {
		return ExitUsage
	}
	var own interface{ ProgramExit() int }
	if errors.As(err, &own) {
		return own.ProgramExit()
	}
	return ExitFailed
}

// advice says what to do about a disk that is full, where err does not.
func (c *Command) advice(err error) string {
	if c.Kept == "" || !durable.IsFull(err) || strings.Contains(err.Error(), "type the same") {
		return ""
	}
	return "free space and type the same command again: " + c.Kept + "\n"
}

// Parse reads flags. done says that help was asked for and printed; rest are
// the arguments that are no flags. Errors are *usage.Error.
func (c *Command) Parse(args []string) (done bool, rest []string, err error) {
	if c.err != nil {
		return false, nil, c.err
	}
	c.addCommon()
	// Alone it asks for this even where a program's own --version takes a value.
	if len(args) == 1 && args[0] == "--version" {
		return true, nil, c.writeVersion(c.stdout())
	}
	if err := c.flags.Parse(args); err != nil {
		return false, nil, Usage(c.explain(err))
	}
	for _, f := range c.finish {
		if err := f(); err != nil {
			return false, nil, Usage(err)
		}
	}
	if c.helpFlag || c.helpAll {
		if err := c.WriteHelp(c.stdout(), c.helpAll); err != nil {
			return false, nil, err
		}
		return true, nil, nil
	}
	switch {
	case c.version:
		return true, nil, c.writeVersion(c.stdout())
	case c.helpDoc:
		return true, nil, c.WriteMarkdown(c.stdout())
	}
	for _, t := range c.topics {
		if t.asked {
			if err := t.print(c.stdout()); err != nil {
				return false, nil, Usage(err)
			}
			return true, nil, nil
		}
	}
	rest = c.flags.Args()
	if len(rest) > c.MaxArgs {
		return false, nil, Usage(c.unexpected(rest[c.MaxArgs]))
	}
	if err := c.checkPaths(); err != nil {
		return false, nil, Usage(err)
	}
	return false, rest, nil
}

// commonFlags are the flags that every program has, besides those of the log.
var commonFlags = []string{"help", "helpfull", "version"}

// addCommon adds the flags of every program once.
func (c *Command) addCommon() {
	if c.flags.Lookup("help") != nil {
		return
	}
	c.Group("", func(flags *pflag.FlagSet) {
		flags.BoolVarP(&c.helpFlag, "help", "h", false, "print this help")
		flags.BoolVar(&c.helpAll, "helpfull", false, "print this help and the flags of the log")
		flags.BoolVar(&c.version, "version", false, "print which version this is")
	})
	c.flags.BoolVar(&c.helpDoc, DocFlag, false, "print this program's section of docs/cli.md")
	_ = c.flags.MarkHidden(DocFlag) // the flag is there
	set := newSet(c.Name)
	set.AddGoFlagSet(logFlags())
	c.flags.AddFlagSet(set)
	c.groups = append(c.groups, group{title: "Log", flags: set, extra: true})
}

// logDir is the flag of the log's folder. What cannot be one ends no program.
const logDir = "log_dir"

// logFlags are glog's flags, as far as internal/logging keeps to them, without what else registered itself globally. Go's
// own flag package counts as parsed from here on, which glog asks for.
func logFlags() *goflag.FlagSet {
	set := goflag.NewFlagSet("log", goflag.ContinueOnError)
	for _, name := range []string{
		"logtostderr", "alsologtostderr", "stderrthreshold", logDir,
		"v", "vmodule", "log_backtrace_at",
	} {
		f := goflag.Lookup(name)
		if f == nil {
			continue
		}
		usage := f.Usage
		switch name {
		case logDir:
			usage = "write the log into a file in this `folder` (default: logs in the folder of a run; programs without one write no file)"
		case "stderrthreshold":
			usage = "show messages of this `severity` and above: INFO, WARNING, ERROR, FATAL, or 0 to 3"
		}
		set.Var(f.Value, f.Name, usage)
	}
	if !goflag.Parsed() {
		// Without arguments it cannot fail, and sets nothing.
		_ = goflag.CommandLine.Parse(nil)
	}
	return set
}

// Out is where results go, as Typed shows them.
func (c *Command) Out() io.Writer { return typed{c.stdout(), c.Typed} }

// stdout is Out for texts that name flags themselves.
func (c *Command) stdout() io.Writer {
	if c.Stdout != nil {
		return c.Stdout
	}
	return os.Stdout
}

// Err is where mistakes and warnings go, as Typed shows them.
func (c *Command) Err() io.Writer {
	if c.Stderr != nil {
		return typed{c.Stderr, c.Typed}
	}
	return typed{logging.Stderr(), c.Typed}
}
