// Package usage is how libraries speak of what a user can do about something,
// without knowing how it is typed.
//
// Errors that a user mends by typing something else are marked by Wrap: programs
// end with an exit code of their own for them.
//
// An option that a message speaks of stands in backquotes, by its name alone, as
// in "choose another `out`" or "`size`=%d: must lie in 8..4096". Whoever calls the
// library knows it as an argument, a field or a key of the configuration; a program
// that has a flag of that name shows it as typed (internal/cli, Command.Typed).
// Options of another program are told by Call.
package usage

import (
	"context"
	"regexp"
	"strings"
	"unicode"
)

// OptionPattern is the regular expression of an option's name in a message.
const OptionPattern = "`[a-z][a-z0-9_]*`"

var option = regexp.MustCompile(OptionPattern)

// Flags is a message whose options are all flags, for pages and tables that one
// program writes. What programs print goes through package cli, which looks.
func Flags(text string) string {
	return option.ReplaceAllStringFunc(text, func(quoted string) string { return "--" + quoted[1:len(quoted)-1] })
}

// Error is an error that the user mends by other flags, settings or paths:
// nothing was begun.
type Error struct{ Err error }

// Wrap marks err; nil stays nil.
func Wrap(err error) error {
	if err == nil {
		return nil
	}
	return &Error{Err: err}
}

// WrapUnless is Wrap, unless the work was stopped: then err is no mistake of
// whoever typed the command.
func WrapUnless(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return Wrap(err)
}

// Error returns the wrapped error's text.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the wrapped error.
func (e *Error) Unwrap() error { return e.Err }

// Call is the command that runs a program of ours with options, each of them
// name=value or a name alone, as in Call("convert", "checkpoint="+path).
func Call(program string, options ...string) string {
	command := "bazel run //cmd:" + program
	if len(options) > 0 {
		command += " --"
	}
	for _, o := range options {
		command += " " + Quote("--"+o)
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
